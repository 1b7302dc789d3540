"""SimpleRNN, LSTM and GRU: states, masks, dropout, files and training, against Keras."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops

keras = pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
pytestmark = pytest.mark.keras

KINDS = ["SimpleRNN", "LSTM", "GRU"]
STATES = {"SimpleRNN": 1, "LSTM": 2, "GRU": 1}
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
SEQUENCE = (3, 5, 4)
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]], bool)
each_kind = pytest.mark.parametrize("kind", KINDS)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def make(kind, *args, **arguments):
    return getattr(layers, kind)(*args, **arguments)


def twins(kind, **arguments):
    """The layer and Keras', with the same random weights."""
    ours, theirs = make(kind, **arguments), getattr(keras.layers, kind)(**arguments)
    ours(normal(SEQUENCE))
    theirs.build(SEQUENCE)
    weights = [normal(w.shape, k) * 0.5 for k, w in enumerate(ours.weights)]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


def assert_close(got, want, bound=1e-5):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=bound * max(1, np.abs(want).max(initial=0)))


@each_kind
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("zero", [False, True])
def test_masks_and_states(kind, backwards, sequences, zero):
    ours, theirs = twins(
        kind,
        units=3,
        return_sequences=sequences,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero,
    )
    x, states = normal(SEQUENCE, 1), [normal((3, 3), 2 + k) for k in range(STATES[kind])]
    begun = MASK.copy()
    begun[:, [0, -1]] = True
    # Keras' back ends disagree on outputs before the first step where there is an initial state.
    for mask, state in ((None, None), (None, states), (MASK, None), (begun, states)):
        got = ours(x, initial_state=state, mask=mask)
        want = theirs(x, initial_state=state, mask=mask)
        for a, b in zip(got, want, strict=True):
            assert_close(a.numpy(), b)


def results_and_gradients(layer, x, states, mask):
    with nnseq.GradientTape() as tape:
        x, states = ops.convert_to_tensor(x), [ops.convert_to_tensor(s) for s in states]
        for tensor in (x, *states):
            tape.watch(tensor)
        found = layer(x, initial_state=states, mask=mask)
        total = sum(ops.sum(y * normal(y.shape, k)) for k, y in enumerate(found))
    return found, tape.gradient(total, [x, *states, *layer.trainable_variables])


@each_kind
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_one_operation_gives_what_the_steps_give(
    monkeypatch, kind, backwards, zero, masked, sequences
):
    """Values and gradients, of the fused operation and of the cell under scan."""
    layer, _ = twins(
        kind,
        units=17,
        return_sequences=sequences,
        return_state=True,
        go_backwards=backwards,
        zero_output_for_mask=zero,
    )
    states = [normal((3, 17), 2 + k) for k in range(STATES[kind])]
    arguments = (layer, normal(SEQUENCE, 1), states, MASK if masked else None)
    assert layer.cell.is_fused()
    whole = results_and_gradients(*arguments)
    monkeypatch.setattr(layer.cell, "is_fused", lambda: False)
    for fused, steps in zip(whole, results_and_gradients(*arguments), strict=True):
        for a, b in zip(fused, steps, strict=True):
            assert_close(a.numpy(), b.numpy(), 2e-6)


@each_kind
def test_a_cell_is_one_step(kind):
    cell, rnn = make(f"{kind}Cell", 3), make(kind, 3, return_sequences=True)
    x = normal(SEQUENCE)
    states = [np.zeros((3, 3), np.float32)] * STATES[kind]
    cell(x[:, 0], states)
    rnn(x)
    rnn.set_weights(cell.get_weights())
    want = rnn(x).numpy()
    for step in range(5):
        h, states = cell(x[:, step], states)
        assert_close(h.numpy(), want[:, step], 1e-6)
        assert states[0] is h and len(states) == STATES[kind]


@each_kind
def test_weights_stand_under_the_cell(kind):
    ours, theirs = twins(kind, units=3, name="rnn")
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]


def test_the_forget_gate_begins_open():
    for given, want in ((True, 1), (False, 0)):
        layer = layers.LSTM(3, unit_forget_bias=given)
        layer.build((None, None, 2))
        assert (layer.cell.bias.numpy()[3:6] == want).all()
        assert layer.cell.bias.numpy().sum() == 3 * want


# --- models ---------------------------------------------------------------------------------------


def model_of(lib, kind, **arguments):
    model = lib.Sequential(
        [
            lib.Input((None, 4)),
            getattr(lib.layers, kind)(6, return_sequences=True, **arguments),
            getattr(lib.layers, kind)(5, **arguments),
            lib.layers.Dense(2),
        ]
    )
    model.compile(lib.optimizers.Adam(0.01), "mse")
    return model


@each_kind
def test_five_steps_of_training(kind):
    ours, theirs = model_of(nnseq, kind), model_of(keras, kind)
    theirs.set_weights(ours.get_weights())
    x, y = normal((40, 7, 4), 1), normal((40, 2), 2)
    fit = {"batch_size": 8, "epochs": 1, "shuffle": False, "verbose": 0}
    got, want = ours.fit(x, y, **fit), theirs.fit(x, y, **fit)
    assert_close(got.history["loss"], want.history["loss"], 1e-3)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(a, b, 1e-3)
    for length in (1, 3, 12):  # other lengths and batches
        x = normal((3, length, 4), length)
        assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), 1e-3)


@each_kind
def test_bits_do_not_depend_on_threads(kind):
    x, y = normal((64, 7, 4), 1), normal((64, 2), 2)
    before, weights, results = nnseq._core.num_threads(), None, []
    try:
        for threads in (1, 2, 3):
            nnseq._core.set_num_threads(threads)
            model = model_of(nnseq, kind)
            weights = weights or model.get_weights()
            model.set_weights(weights)
            model.fit(x, y, epochs=2, shuffle=False, verbose=0)
            results.append(model.get_weights())
    finally:
        nnseq._core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@each_kind
def test_files_are_read_by_keras_and_back(kind, tmp_path):
    x = normal((3, 7, 4))
    ours, theirs = (
        model_of(nnseq, kind, go_backwards=True),
        model_of(keras, kind, go_backwards=True),
    )
    want = ours.predict(x, verbose=0)
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    assert_close(theirs.predict(x, verbose=0), want)
    ours.save(tmp_path / "ours.keras")
    assert_close(keras.models.load_model(tmp_path / "ours.keras").predict(x, verbose=0), want)
    theirs.save(tmp_path / "theirs.keras")
    loaded = nnseq.models.load_model(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), want)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    fresh = model_of(nnseq, kind, go_backwards=True)
    fresh.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_array_equal(fresh.predict(x, verbose=0), want)


@each_kind
def test_functional_models_pass_states_on(kind):
    """Encoder and decoder, as in Keras' guide."""

    def build(lib):
        source, target = lib.Input((None, 4)), lib.Input((None, 3))
        rnn = getattr(lib.layers, kind)
        _, *states = rnn(5, return_state=True)(source)
        y = rnn(5, return_sequences=True)(target, initial_state=states)
        return lib.Model([source, target], lib.layers.Dense(2)(y))

    ours, theirs = build(nnseq), build(keras)
    theirs.set_weights(ours.get_weights())
    inputs = [normal((3, 6, 4), 1), normal((3, 2, 3), 2)]
    assert_close(ours.predict(inputs, verbose=0), theirs.predict(inputs, verbose=0))


# --- stateful -------------------------------------------------------------------------------------


@each_kind
def test_a_stateful_layer_goes_on_where_the_last_batch_ended(kind):
    ours, theirs = (
        getattr(lib.layers, kind)(3, stateful=True, return_sequences=True) for lib in (nnseq, keras)
    )
    x = normal((3, 10, 4))
    ours.build((3, 5, 4))
    theirs.build((3, 5, 4))
    theirs.set_weights(ours.get_weights())
    assert len(ours.weights) == len(theirs.weights) == 3
    parts = [np.asarray(ours(x[:, :5]).numpy()), np.asarray(ours(x[:, 5:]).numpy())]
    for part, given in zip(parts, (x[:, :5], x[:, 5:]), strict=True):
        assert_close(part, theirs(given))
    free = make(kind, 3, return_sequences=True)
    free(x)
    free.set_weights(ours.get_weights())
    assert_close(np.concatenate(parts, 1), free(x).numpy(), 1e-6)
    ours.reset_state()
    np.testing.assert_array_equal(ours(x[:, :5]).numpy(), parts[0])
    assert np.abs(ours.states[0].numpy()).max() > 0
    ours.reset_states()
    assert all((state.numpy() == 0).all() for state in ours.states)


@each_kind
def test_stateful_models(kind):
    """Keras on JAX forgets the states between the batches of fit and predict: no oracle."""
    layer, free = make(kind, 3, stateful=True), make(kind, 3)
    model = nnseq.Sequential([nnseq.Input(batch_shape=(4, 5, 2)), layer])
    model.compile("sgd", "mse")
    x, y = normal((4, 15, 2), 1), normal((12, 3), 2)
    free.build((4, 15, 2))
    free.set_weights(model.get_weights())
    batches = np.concatenate([x[:, k : k + 5] for k in (0, 5, 10)])
    got = model.predict(batches, batch_size=4, verbose=0)
    for k in range(3):
        assert_close(got[4 * k : 4 * k + 4], free(x[:, : 5 * k + 5]).numpy(), 1e-6)
    np.testing.assert_array_equal(layer.states[0].numpy(), got[8:])
    layer.reset_state()
    np.testing.assert_array_equal(model.predict(batches, batch_size=4, verbose=0), got)
    layer.reset_state()
    first = model.fit(batches, y, batch_size=4, shuffle=False, verbose=0).history["loss"]
    assert np.abs(layer.states[0].numpy()).max() > 0
    second = model.fit(batches, y, batch_size=4, shuffle=False, verbose=0).history["loss"]
    assert second != first
    with pytest.raises(ValueError, match=r"initial state is float32 \(4, 3\), expected .*3, 3"):
        model.predict(batches[:3], verbose=0)


def test_a_stateful_layer_needs_its_batch_size():
    with pytest.raises(ValueError, match="batch size must be static"):
        layers.LSTM(3, stateful=True).build((None, 5, 4))
    layer = layers.LSTM(3, stateful=True)
    layer.build((3, 5, 4))
    with pytest.raises(ValueError, match="Expected batch size: 3\n- Received batch size: 2"):
        layer(normal((2, 5, 4)))


# --- dropout --------------------------------------------------------------------------------------


@each_kind
def test_dropout_draws_one_mask_for_all_steps(kind):
    layer = make(kind, 4, dropout=0.5, seed=1, return_sequences=True)
    layer.build((None, None, 4))
    x = np.repeat(normal((30, 1, 4)), 3, 1)
    plain, dropped = layer(x).numpy(), layer(x, training=True).numpy()
    assert_close(layer(x, training=False).numpy(), plain)
    assert np.abs(dropped - plain).max() > 0.01
    # With one mask for all steps, the steps are those of some input without dropout.
    kept = [np.where(np.array(list(np.binary_repr(m, 4))) == "1", 2, 0) for m in range(16)]
    options = np.stack([layer((x * k).astype("float32")).numpy() for k in kept])
    nearest = np.abs(options - dropped).max((2, 3)).min(0)
    assert nearest.max() < 1e-5


@each_kind
def test_recurrent_dropout(kind):
    arguments = {"recurrent_dropout": 0.5, "dropout": 0.2, "seed": 3, "return_sequences": True}
    layer = make(kind, 4, **arguments)
    x = normal((8, 3, 4))
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert np.abs(first - second).max() > 1e-3
    again = make(kind, 4, **arguments)
    again.build((8, 3, 4))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x, training=True).numpy(), first)
    only = make(kind, 4, recurrent_dropout=0.5, seed=3, return_sequences=True)
    only.build((8, 3, 4))
    got = only(x, training=True).numpy()
    assert_close(got[:, 0], only(x).numpy()[:, 0])  # nothing to drop before the first step
    assert np.abs(got[:, 1] - only(x).numpy()[:, 1]).max() > 1e-3


@each_kind
def test_dropout_trains(kind):
    model = model_of(nnseq, kind, dropout=0.1, recurrent_dropout=0.1, seed=1)
    x = normal((64, 5, 4))
    y = x[:, :, :2].sum(1)
    losses = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


# --- arguments ------------------------------------------------------------------------------------


@each_kind
def test_the_configuration_comes_back(kind):
    layer = make(
        kind,
        3,
        activation="relu",
        dropout=0.1,
        recurrent_dropout=0.2,
        kernel_regularizer="l2",
        activity_regularizer="l1",
        return_state=True,
        stateful=True,
        go_backwards=True,
        zero_output_for_mask=True,
        seed=5,
    )
    config = json.loads(json.dumps(layer.get_config()))
    assert type(layer).from_config(config).get_config() == layer.get_config()
    assert layer.units == 3 and layer.dropout == 0.1 and layer.activation is layer.cell.activation
    cell = getattr(layers, f"{kind}Cell")(3, seed=4)
    assert type(cell).from_config(cell.get_config()).get_config() == cell.get_config()
    theirs = getattr(keras.layers, f"{kind}Cell").from_config(cell.get_config())
    assert theirs.units == 3


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_arguments_of_keras_without_effect(kind):
    layer = make(kind, 3, use_cudnn=False, implementation=1, unroll=True)
    assert layer(normal(SEQUENCE)).shape == (3, 3)
    with pytest.raises(ValueError, match="use_cudnn"):
        make(kind, 3, use_cudnn="yes")


@each_kind
def test_the_activity_regularizer_sees_the_output(kind):
    layer = make(kind, 3, activity_regularizer="l2", return_sequences=True)
    y = layer(normal(SEQUENCE)).numpy()
    assert_close(layer.losses[0].numpy(), 0.01 * np.square(y).sum() / 3)


@each_kind
def test_errors_say_what_is_wrong(kind):
    layer = make(kind, 3, name="rnn")
    with pytest.raises(ValueError, match=r"rnn.*ndim=3"):
        layer(normal((2, 4)))
    layer(normal(SEQUENCE))
    count = STATES[kind]
    with pytest.raises(ValueError, match=rf"rnn.*`initial_state` must be {count} tensors"):
        layer(normal(SEQUENCE), initial_state=[normal((3, 3))] * (count + 1))
    with pytest.raises(ValueError, match=r"rnn.*initial state is float32 \(3, 4\), expected"):
        layer(normal(SEQUENCE), initial_state=[normal((3, 4))] * count)
    with pytest.raises(ValueError, match=r"rnn.*mask is bool \(3, 4\), expected bool \(3, 5\)"):
        layer(normal(SEQUENCE), mask=np.ones((3, 4), bool))
    with pytest.raises(ValueError, match="last dimension"):
        make(kind, 3).build((None, 5, None))
    with pytest.raises(ValueError, match="units"):
        make(kind, 0)


@each_kind
def test_a_second_derivative_is_refused_by_name(kind):
    layer, x = make(kind, 3), ops.convert_to_tensor(normal(SEQUENCE))
    layer(x)
    with nnseq.GradientTape() as outer:
        outer.watch(x)
        with nnseq.GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(layer(x))
        slope = ops.sum(ops.square(inner.gradient(y, x)))
    with pytest.raises(NotImplementedError, match="recurrent_grad has no gradient"):
        outer.gradient(slope, x)


def test_a_sequence_of_no_steps_gives_the_initial_state():
    for kind in KINDS:
        layer = make(kind, 3, return_state=True)
        states = [normal((2, 3), 1 + k) for k in range(STATES[kind])]
        y, *after = layer(np.zeros((2, 0, 4), np.float32), initial_state=states)
        for a, b in zip(after, states, strict=True):
            np.testing.assert_array_equal(a.numpy(), b)
        assert y.shape == (2, 3)
