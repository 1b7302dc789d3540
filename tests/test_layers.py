"""Each layer against the same layer of Keras: values, gradients, weights, shapes, configuration."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops
from nnseq.engine.traced import Traced

keras = pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
jax = pytest.importorskip("jax", reason="the oracle runs on JAX")
pytestmark = pytest.mark.keras

IMAGE, VECTOR, SEQUENCE = (2, 6, 5, 4), (3, 7), (3, 5, 4)
SMALL = {"kernel_initializer": "he_normal", "bias_initializer": "ones"}

TANHS = {"recurrent_initializer": "he_normal", "recurrent_regularizer": "l2"}

# (class, arguments, input shape)
CASES = [
    ("Dense", {"units": 5}, VECTOR),
    ("Dense", {"units": 5, "activation": "relu", **SMALL}, VECTOR),
    ("Dense", {"units": 2, "use_bias": False, "activation": "softmax"}, SEQUENCE),
    ("Dense", {"units": 2, "kernel_regularizer": "l2", "kernel_constraint": "max_norm"}, VECTOR),
    ("Activation", {"activation": "tanh"}, VECTOR),
    ("Activation", {"activation": "swish"}, IMAGE),
    ("Identity", {}, VECTOR),
    ("Flatten", {}, IMAGE),
    ("Flatten", {"data_format": "channels_first"}, IMAGE),
    ("Flatten", {}, (3,)),
    ("Reshape", {"target_shape": (4, -1)}, IMAGE),
    ("Reshape", {"target_shape": (120,)}, IMAGE),
    ("Dropout", {"rate": 0.4}, VECTOR),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE),
    ("Conv2D", {"filters": 3, "kernel_size": (3, 2), "padding": "same", **SMALL}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, (1, 4, 4, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "strides": (2, 1), "activation": "relu"}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "dilation_rate": 2, "use_bias": False}, IMAGE),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2}, IMAGE),
    ("Conv2D", {"filters": 3, "kernel_size": 1, "activation": "softmax"}, IMAGE),
    ("MaxPooling2D", {}, IMAGE),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": 1, "padding": "same"}, IMAGE),
    ("AveragePooling2D", {"pool_size": 2}, IMAGE),
    ("AveragePooling2D", {"pool_size": 2, "padding": "same"}, (2, 3, 3, 2)),
    ("GlobalMaxPooling2D", {}, IMAGE),
    ("GlobalMaxPooling2D", {"keepdims": True, "data_format": "channels_first"}, IMAGE),
    ("GlobalAveragePooling2D", {}, IMAGE),
    ("GlobalAveragePooling1D", {}, SEQUENCE),
    ("GlobalAveragePooling1D", {"keepdims": True, "data_format": "channels_first"}, SEQUENCE),
    ("BatchNormalization", {}, VECTOR),
    (
        "BatchNormalization",
        {"momentum": 0.5, "epsilon": 0.1, "gamma_initializer": "he_normal"},
        IMAGE,
    ),
    ("BatchNormalization", {"center": False, "scale": False}, SEQUENCE),
    ("BatchNormalization", {"axis": 1}, IMAGE),
    ("LayerNormalization", {}, VECTOR),
    ("LayerNormalization", {"epsilon": 0.1, "center": False}, SEQUENCE),
    ("LayerNormalization", {"axis": 1, "scale": False}, SEQUENCE),
    ("LayerNormalization", {"axis": [1, 2], "gamma_initializer": "he_normal"}, IMAGE),
    ("LayerNormalization", {"axis": [2, 3]}, IMAGE),
    ("SimpleRNN", {"units": 3}, SEQUENCE),
    ("SimpleRNN", {"units": 3, "return_sequences": True, "activation": "relu", **SMALL}, SEQUENCE),
    ("SimpleRNN", {"units": 3, "go_backwards": True, "use_bias": False}, SEQUENCE),
    ("SimpleRNN", {"units": 3, "go_backwards": True, "return_sequences": True}, SEQUENCE),
    ("SimpleRNN", {"units": 17, "return_sequences": True, "unroll": True}, SEQUENCE),
    ("LSTM", {"units": 3}, SEQUENCE),
    ("LSTM", {"units": 3, "return_sequences": True, "use_bias": False, **TANHS}, SEQUENCE),
    ("LSTM", {"units": 17, "go_backwards": True, "return_sequences": True}, SEQUENCE),
    ("LSTM", {"units": 3, "unit_forget_bias": False, "recurrent_activation": "relu"}, SEQUENCE),
    ("GRU", {"units": 3}, SEQUENCE),
    ("GRU", {"units": 3, "return_sequences": True, "use_bias": False}, SEQUENCE),
    ("GRU", {"units": 17, "go_backwards": True, "return_sequences": True}, SEQUENCE),
    ("GRU", {"units": 3, "reset_after": False, **TANHS}, SEQUENCE),
    ("GRU", {"units": 3, "activation": "relu", "return_sequences": True}, SEQUENCE),
    ("ReLU", {}, VECTOR),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, VECTOR),
    ("ReLU", {"max_value": 6}, VECTOR),
    ("LeakyReLU", {}, VECTOR),
    ("LeakyReLU", {"negative_slope": 0.01}, VECTOR),
    ("ELU", {}, VECTOR),
    ("ELU", {"alpha": 0.5}, VECTOR),
    ("Softmax", {}, SEQUENCE),
    ("Softmax", {"axis": 1}, SEQUENCE),
    ("Softmax", {"axis": [1, 2]}, SEQUENCE),
]
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def make_pair(name, arguments, *shapes):
    """The layer, and Keras' with the same weights, both built."""
    ours, theirs = getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)
    inputs = [normal(shape, seed) for seed, shape in enumerate(shapes)]
    ours(inputs[0] if len(inputs) == 1 else inputs)
    symbolic = [keras.KerasTensor(shape) for shape in shapes]
    theirs(symbolic[0] if len(shapes) == 1 else symbolic)
    weights = [normal(w.shape, k) if w.ndim < 2 else w.numpy() for k, w in enumerate(ours.weights)]
    weights = [
        np.abs(w) + 0.5 if v.name in ("gamma", "moving_variance") else w
        for v, w in zip(ours.weights, weights, strict=True)
    ]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


def keras_results(layer, x, out_weights, training):
    """Output, state after the call, gradients of sum(weights * output) by x and the weights.

    All of them are one compilation, which is what a test of a layer takes its time for.
    """
    fixed = [v.value for v in layer.non_trainable_variables]

    def target(trainable, x):
        y, state = layer.stateless_call(trainable, fixed, x, **training)
        return jax.numpy.sum(y * out_weights), (y, state)

    values = [v.value for v in layer.trainable_variables]
    gradients = jax.jit(jax.grad(target, argnums=(0, 1), has_aux=True))
    (by_weights, by_x), (y, state) = gradients(values, x)
    after = dict(zip((v.path for v in layer.non_trainable_variables), state, strict=True))
    state = [np.asarray(after[w.path]) for w in layer.non_trainable_weights]
    return np.asarray(y), state, [np.asarray(g) for g in (by_x, *by_weights)]


def keras_gradients(layer, x, out_weights, training):
    return keras_results(layer, x, out_weights, training)[2]


def our_gradients(layer, x, out_weights, training):
    with nnseq.GradientTape() as tape:
        x = ops.convert_to_tensor(x)
        tape.watch(x)
        target = ops.sum(layer(x, **training) * out_weights)
    sources = [x, *layer.trainable_variables]
    return [np.asarray(g) for g in tape.gradient(target, sources)]


def assert_close(got, want, bound, what=""):
    assert got.shape == want.shape, what
    scale = max(1.0, np.abs(want).max(initial=0))
    np.testing.assert_allclose(got, want, rtol=0, atol=bound * scale, err_msg=what)


def training_argument(name, training):
    takes = name in ("Dropout", "BatchNormalization", "SimpleRNN", "LSTM", "GRU")
    return {"training": training} if takes else {}


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_values_and_gradients(name, arguments, shape):
    ours, theirs = make_pair(name, arguments, shape)
    x = normal(shape, 9)
    for mode in (False, True) if name == "BatchNormalization" else (False,):
        training = training_argument(name, mode)
        state = ours.non_trainable_weights
        fixed = [w.numpy() for w in state]
        y = ours(x, **training)
        assert y.dtype == "float32"
        out_weights = normal(y.shape, 4)
        want, updates, gradients = keras_results(theirs, x, out_weights, training)
        assert_close(y.numpy(), want, 1e-5)
        for got, update in zip(state, updates, strict=True):
            assert_close(got.numpy(), update, 1e-6, "state after a call")
        for w, before in zip(state, fixed, strict=True):
            w.assign(before)
        for a, b in zip(our_gradients(ours, x, out_weights, training), gradients, strict=True):
            assert_close(a, b, 1e-4)
        theirs.set_weights(ours.get_weights())  # both saw another batch


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_weights_and_shapes(name, arguments, shape):
    ours, theirs = make_pair(name, arguments, shape)
    described = [[(w.name, tuple(w.shape), w.trainable) for w in v.weights] for v in (ours, theirs)]
    assert described[0] == described[1]
    assert ours.count_params() == theirs.count_params()
    unknown = (None, *shape[1:])
    symbolic = getattr(layers, name)(**arguments)(nnseq.KerasTensor(unknown))
    wanted = getattr(keras.layers, name)(**arguments)(keras.KerasTensor(unknown))
    assert tuple(symbolic.shape) == tuple(wanted.shape)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_configuration_is_read_by_keras_and_back(name, arguments, shape):
    ours = getattr(layers, name)(**arguments, name="given")
    config = json.loads(json.dumps(ours.get_config()))
    theirs = getattr(keras.layers, name).from_config(config)
    again = type(ours).from_config(json.loads(json.dumps(theirs.get_config())))
    assert json.loads(json.dumps(again.get_config())) == config
    assert again.name == theirs.name == "given"
    wanted = json.loads(json.dumps(theirs.get_config()))
    if isinstance(wanted["dtype"], dict):
        wanted["dtype"] = wanted["dtype"]["config"]["name"]  # a policy, the same as its name
    for key, value in config.items():
        if not isinstance(value, dict):
            assert value == wanted.get(key), key  # Keras forgets the seed of a SimpleRNN
        else:
            assert value["class_name"] == wanted[key]["class_name"], key


@pytest.mark.parametrize(
    "name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]
)
def test_merging(name):
    equal = [(3, 4)] * (2 if name == "Subtract" else 3)
    for shapes in (equal, [(2, 3, 4), (2, 1, 4)], [(2, 3, 4), (2, 4)]):
        if name == "Concatenate" and len(shapes[0]) != len(shapes[-1]):
            continue
        arguments = {"axis": 1} if name == "Concatenate" else {}
        inputs = [normal(shape, k) for k, shape in enumerate(shapes)]
        ours = getattr(layers, name)(**arguments)
        want = np.asarray(getattr(keras.layers, name)(**arguments)(inputs))
        assert_close(ours(inputs).numpy(), want, 1e-6)
        function = getattr(layers, name.lower())
        assert_close(function(inputs, **arguments).numpy(), want, 1e-6)
        assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()


@pytest.mark.parametrize(
    "name", ["Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]
)
def test_masks_of_merged_inputs(name):
    tokens = np.array([[1, 2, 0], [3, 0, 0]]), np.array([[1, 0, 0], [1, 1, 0]])
    results = []
    tables = [normal((4, 5), k) for k in range(2)]
    for library in (layers, keras.layers):
        embedded = []
        for ids, table in zip(tokens, tables, strict=True):
            embedding = library.Embedding(4, 5, mask_zero=True)
            embedding.build((None, 3))
            embedding.set_weights([table])
            embedded.append(embedding(ids))
        results.append(getattr(library, name)()(embedded))
    ours, theirs = results
    kept = ours._keras_mask.numpy()
    np.testing.assert_array_equal(kept, np.asarray(theirs._keras_mask))
    assert_close(ours.numpy()[kept], np.asarray(theirs)[kept], 1e-6)


def test_merging_errors():
    with pytest.raises(ValueError, match="list"):
        layers.Add()(normal((2, 3)))
    with pytest.raises(ValueError, match="incompatible shapes"):
        layers.Add()([normal((2, 3)), normal((2, 4))])
    with pytest.raises(ValueError, match="batch sizes"):
        layers.Add()([normal((2, 3)), normal((3, 3))])
    with pytest.raises(ValueError, match="exactly 2"):
        layers.Subtract()([normal((2, 3))] * 3)
    with pytest.raises(ValueError, match="matching shapes"):
        layers.Concatenate()([normal((2, 3)), normal((3, 3))])


# --- Embedding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_embedding(dtype):
    ids = np.array([[0, 3, 2], [1, 1, 4]]).astype(dtype)
    ours, theirs = layers.Embedding(5, 3, mask_zero=True), keras.layers.Embedding(5, 3)
    y = ours(ids)
    theirs.build((None, 3))
    theirs.set_weights(ours.get_weights())
    np.testing.assert_array_equal(y.numpy(), np.asarray(theirs(ids)))
    np.testing.assert_array_equal(y._keras_mask.numpy(), ids != 0)
    assert [w.name for w in ours.weights] == ["embeddings"]
    assert np.abs(ours.get_weights()[0]).max() <= 0.05


def test_embedding_gradient_adds_up_repeated_rows():
    layer = layers.Embedding(4, 2)
    with nnseq.GradientTape() as tape:
        total = ops.sum(layer(np.array([1, 1, 3])) * np.float32([[1, 2], [3, 4], [5, 6]]))
    gradient = np.asarray(tape.gradient(total, layer.trainable_variables)[0])
    np.testing.assert_array_equal(gradient, [[0, 0], [4, 6], [0, 0], [5, 6]])


def test_embedding_starts_from_given_weights_and_refuses_indices_outside():
    table = normal((4, 2))
    layer = layers.Embedding(4, 2, weights=[table], input_length=3)
    np.testing.assert_array_equal(layer(np.array([[2]])).numpy()[0, 0], table[2])
    with pytest.raises(ValueError, match="4"):
        layer(np.array([[4]]))


def test_embedding_configuration():
    ours = layers.Embedding(4, 2, mask_zero=True, name="e")
    theirs = keras.layers.Embedding.from_config(json.loads(json.dumps(ours.get_config())))
    again = layers.Embedding.from_config(theirs.get_config())
    assert again.get_config() == ours.get_config()


# --- Dropout --------------------------------------------------------------------------------------


def test_dropout_in_training():
    layer, x = layers.Dropout(0.25, seed=3), np.ones((200, 100), np.float32)
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((first == 0).mean() - 0.25) < 0.02
    assert (first != second).any()
    np.testing.assert_array_equal(layers.Dropout(0.25, seed=3)(x, training=True).numpy(), first)
    np.testing.assert_array_equal(layer(x).numpy(), x)
    np.testing.assert_array_equal(layers.Dropout(0)(x, training=True).numpy(), x)
    np.testing.assert_array_equal(layers.Dropout(1.0)(x, training=True).numpy(), 0 * x)


def test_dropout_noise_shape_and_gradient():
    layer, x = layers.Dropout(0.5, noise_shape=(None, 1, 4), seed=1), normal((30, 5, 4))
    with nnseq.GradientTape() as tape:
        t = ops.convert_to_tensor(x)
        y = layer(t, training=True)
        total = ops.sum(y)
    factors = y.numpy() / x
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], x.shape), rtol=1e-6)
    assert set(np.unique(factors.round(3))) == {0, 2}
    np.testing.assert_allclose(np.asarray(tape.gradient(total, t)), factors, rtol=1e-6)


@pytest.mark.parametrize("rate", [-0.1, 1.1, True])
def test_dropout_refuses_rates_outside(rate):
    with pytest.raises(ValueError, match="rate"):
        layers.Dropout(rate)


# --- BatchNormalization ---------------------------------------------------------------------------


def test_frozen_batch_normalization_is_inference():
    layer, x = layers.BatchNormalization(), 3 + normal((20, 4))
    layer(x)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(x, training=True).numpy(), layer(x).numpy())
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batch_normalization_twice_in_a_step_updates_twice():
    layer, a, b = layers.BatchNormalization(momentum=0.5), normal((20, 3)), 1 + normal((20, 3), 1)
    layer(a, training=True)
    layer(b, training=True)
    want = 0.5 * (0.5 * 0 + 0.5 * a.mean(0)) + 0.5 * b.mean(0)
    np.testing.assert_allclose(layer.get_weights()[2], want, atol=1e-6)


def test_batch_normalization_leaves_masked_steps_out():
    mask = np.random.default_rng(3).random((4, 6)) < 0.6
    ours, theirs = make_pair("BatchNormalization", {"momentum": 0.5}, (4, 6, 3))
    x = normal((4, 6, 3), 5)
    y = ours(x, training=True, mask=mask).numpy()
    want = np.asarray(theirs(x, training=True, mask=mask))
    assert_close(y, want, 1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, 1e-5)


# --- SimpleRNN ------------------------------------------------------------------------------------

MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]], bool)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("with_state", [False, True])
def test_simple_rnn_with_mask_and_states(backwards, sequences, with_state):
    arguments = {
        "units": 3,
        "return_sequences": sequences,
        "return_state": True,
        "go_backwards": backwards,
    }
    ours, theirs = layers.SimpleRNN(**arguments), keras.layers.SimpleRNN(**arguments)
    ours(normal(SEQUENCE))
    theirs.build(SEQUENCE)
    theirs.set_weights(ours.get_weights())
    x, state = normal(SEQUENCE, 1), normal((3, 3), 2) if with_state else None
    begun = MASK.copy()
    begun[:, [0, -1]] = True
    # Keras' back ends disagree on outputs before the first step where there is an initial state.
    for mask in (None, begun if with_state else MASK):
        got = ours(x, initial_state=state, mask=mask)
        want = theirs(x, initial_state=state, mask=mask)
        for a, b in zip(got, want, strict=True):
            assert_close(a.numpy(), np.asarray(b), 1e-5)


def test_simple_rnn_gives_zero_before_the_first_step_that_counts():
    layer = layers.SimpleRNN(3, return_sequences=True, return_state=True)
    y, state = layer(normal(SEQUENCE), initial_state=np.ones((3, 3), np.float32), mask=MASK)
    assert (y.numpy()[1, 0] == 0).all() and (y.numpy()[2] == 0).all()
    np.testing.assert_array_equal(y.numpy()[0, 3], y.numpy()[0, 2])
    np.testing.assert_array_equal(state.numpy()[2], 1)


def test_simple_rnn_ignores_the_values_of_masked_steps_in_the_gradient():
    layer, x = layers.SimpleRNN(3), normal(SEQUENCE)
    with nnseq.GradientTape() as tape:
        t = ops.convert_to_tensor(x)
        total = ops.sum(ops.square(layer(t, mask=MASK)))
    gradient = np.asarray(tape.gradient(total, t))
    assert (gradient[~MASK] == 0).all() and (gradient[MASK] != 0).any()


def test_simple_rnn_draws_one_dropout_mask_for_all_steps():
    identity = {"kernel_initializer": "identity", "recurrent_initializer": "zeros"}
    layer = layers.SimpleRNN(
        4, activation="linear", dropout=0.5, return_sequences=True, seed=1, **identity
    )
    y = layer(np.ones((20, 5, 4), np.float32), training=True).numpy()
    assert set(np.unique(y)) == {0, 2}
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    np.testing.assert_array_equal(layer(np.ones((2, 5, 4), np.float32)).numpy(), 1)


def test_simple_rnn_drops_the_recurrent_state():
    layer = layers.SimpleRNN(
        4,
        activation="linear",
        kernel_initializer="identity",
        recurrent_initializer="identity",
        recurrent_dropout=0.5,
        return_sequences=True,
        seed=2,
    )
    y = layer(np.ones((20, 3, 4), np.float32), training=True).numpy()
    assert set(np.unique(y[:, 1])) == {1, 3}  # 1 + {0, 2} * 1
    np.testing.assert_array_equal(y[:, 2], np.where(y[:, 1] == 3, 7, 1))


def test_simple_rnn_weights_stand_under_its_cell():
    layer = layers.SimpleRNN(3, name="rnn")
    layer(normal(SEQUENCE))
    theirs = keras.layers.SimpleRNN(3, name="rnn")
    theirs(normal(SEQUENCE))
    assert [w.path for w in layer.weights] == [w.path for w in theirs.weights]


def test_simple_rnn_cell_is_one_step():
    cell, rnn = layers.SimpleRNNCell(3), layers.SimpleRNN(3, return_sequences=True)
    x = normal(SEQUENCE)
    h = np.zeros((3, 3), np.float32)
    cell(x[:, 0], [h])
    rnn(x)
    rnn.set_weights(cell.get_weights())
    want = rnn(x).numpy()
    for step in range(5):
        h, states = cell(x[:, step], [h])
        assert_close(h.numpy(), want[:, step], 1e-6)
        assert states[0] is h


# --- masks through other layers, and errors -------------------------------------------------------


def test_global_average_pooling_counts_unmasked_steps():
    ours, theirs = layers.GlobalAveragePooling1D(), keras.layers.GlobalAveragePooling1D()
    x, mask = normal(SEQUENCE), MASK | [[True], [True], [True]] * MASK[:1]
    assert_close(ours(x, mask=mask).numpy(), np.asarray(theirs(x, mask=mask)), 1e-6)


def test_softmax_gives_masked_elements_nothing():
    x, mask = normal((2, 4)), np.array([[1, 1, 0, 1], [0, 1, 0, 0]], bool)
    got = layers.Softmax()(x, mask=mask).numpy()
    assert_close(got, np.asarray(keras.layers.Softmax()(x, mask=mask)), 1e-6)
    assert (got[~mask] == 0).all()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: layers.Dense(0), "units"),
        (lambda: layers.Dense(2.5), "units"),
        (lambda: layers.Dense(2, activation="rellu"), "relu"),
        (lambda: layers.Dense(2, foo=5), "foo"),
        (lambda: layers.Conv2D(0, 3), "filters"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), "kernel_size"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "dilation_rate"),
        (lambda: layers.Conv2D(4, 3, padding="some"), "padding"),
        (lambda: layers.Conv2D(3, 3, groups=2), "groups"),
        (lambda: layers.Conv2D(4, 3)(normal((1, 2, 2, 1))), "zero or negative"),
        (lambda: layers.MaxPooling2D(3)(normal((1, 2, 2, 1))), "zero or negative"),
        (lambda: layers.MaxPooling2D(data_format="first"), "data_format"),
        (lambda: layers.Reshape((5, 5))(normal((2, 6))), "total size"),
        (lambda: layers.Reshape((-1, -1)), "-1"),
        (lambda: layers.ReLU(negative_slope=-1), "negative_slope"),
        (lambda: layers.SimpleRNN(3, dropout=2), "dropout"),
        (lambda: layers.Dense(2)(normal((3,))), "ndim"),
    ],
)
def test_errors_name_the_argument(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_a_built_layer_refuses_another_width():
    layer = layers.Dense(2, name="dense_3")
    layer(normal((3, 4)))
    with pytest.raises(ValueError, match=r"dense_3.*expected axis -1.*4.*\(5, 7\)"):
        layer(normal((5, 7)))


def test_layers_run_traced_with_any_batch():
    """The same values as eagerly, from one trace."""
    model = [
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.BatchNormalization(),
        layers.Reshape((-1, 4)),
        layers.SimpleRNN(3, return_sequences=True),
        layers.LayerNormalization(),
        layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ]

    def run(x):
        for layer in model:
            x = layer(x)
        return x

    run(normal((1, 8, 8, 2)))
    traced = Traced(run, training=False)
    for n in (1, 3, 8):
        x = normal((n, 8, 8, 2), n)
        assert_close(traced(x).numpy(), run(x).numpy(), 1e-6)


def test_training_traced_changes_state_as_eagerly():
    eager, traced = layers.BatchNormalization(), layers.BatchNormalization()
    run = Traced(lambda x: traced(traced(x)), training=True)  # one layer called twice
    for seed in range(3):
        x = 2 + normal((6, 4), seed)
        y = eager(eager(x, training=True), training=True).numpy()
        if not traced.built:
            traced.build((None, 4))
        assert_close(run(x).numpy(), y, 1e-6)
        for a, b in zip(traced.get_weights(), eager.get_weights(), strict=True):
            assert_close(a, b, 1e-6)


def test_dropout_traced_draws_anew_in_every_run():
    layer, x = layers.Dropout(0.5, seed=1), np.ones((8, 16), np.float32)
    run = Traced(lambda x: (layer(x), layer(x)), training=True)
    first, other = run(x)
    second, _ = run(x)
    assert (first.numpy() != other.numpy()).any(), "two calls in one run"
    assert (first.numpy() != second.numpy()).any(), "two runs"
    again = layers.Dropout(0.5, seed=1)
    repeated = Traced(lambda x: (again(x), again(x)), training=True)
    np.testing.assert_array_equal(repeated(x)[0].numpy(), first.numpy())
    np.testing.assert_array_equal(repeated(x)[0].numpy(), second.numpy())


def test_masked_recurrent_model_traced():
    """Embedding's mask reaches the loop and the pooling, in a trace as eagerly."""
    embedding = layers.Embedding(9, 4, mask_zero=True)
    rnn, pool = layers.SimpleRNN(3, return_sequences=True), layers.GlobalAveragePooling1D()
    run = Traced(lambda ids: pool(rnn(embedding(ids))), training=False)
    for lengths in ([5, 2, 1], [3, 3, 4]):
        ids = np.zeros((3, 6), np.int32)
        for row, length in zip(ids, lengths, strict=True):
            row[:length] = 1 + np.arange(length)
        want = np.stack(
            [
                rnn(embedding(row[None, :n])).numpy().mean(1)[0]
                for row, n in zip(ids, lengths, strict=True)
            ]
        )
        assert_close(pool(rnn(embedding(ids))).numpy(), want, 1e-6)
        assert_close(run(ids).numpy(), want, 1e-6)


def test_batch_normalization_of_another_axis_takes_no_mask():
    x = ops.ones((2, 3, 4))
    x._keras_mask = ops.convert_to_tensor([[True, True, False]] * 2)
    layer = layers.BatchNormalization(axis=1)
    with pytest.raises(ValueError, match="axis=1 takes no mask"):
        layer(x, training=True)
    assert layer(x).shape == (2, 3, 4)
