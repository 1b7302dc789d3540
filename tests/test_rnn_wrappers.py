"""RNN over any cell, StackedRNNCells, Bidirectional and ConvLSTM, against Keras."""

import json

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops

keras = pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
pytestmark = pytest.mark.keras

SEQUENCE = (3, 5, 4)
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]], bool)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def assert_close(got, want, bound=1e-5):
    for a, b in zip(nnseq.tree.flatten(got), nnseq.tree.flatten(want), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=bound * max(1, np.abs(b).max(initial=0)))


def custom(lib):
    """A cell as in Keras' documentation, with what it needs and no more."""

    class Minimal(lib.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape):
            shape = (input_shape[-1], self.units)
            self.kernel = self.add_weight(shape=shape, name="kernel")
            self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")

        def call(self, inputs, states):
            h = lib.ops.matmul(inputs, self.kernel) + lib.ops.matmul(states[0], self.recurrent)
            return h, [h]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Minimal


def make(lib, layer):
    """`layer` of lib.layers, as a function of that."""
    return layer(lib.layers, lib)


def pair(layer, shape=SEQUENCE):
    """The layer and Keras', with the same random weights."""
    both = ours, theirs = make(nnseq, layer), make(keras, layer)
    for one in both:
        one.build(shape)
    assert [w.path.split("/", 1)[1] for w in ours.weights] == [
        w.path.split("/", 1)[1] for w in theirs.weights
    ]
    weights = [normal(w.shape, k) * 0.5 for k, w in enumerate(ours.weights)]
    for one in both:
        one.set_weights(weights)
    return both


ONE = {"return_state": True}
ALL = {"return_state": True, "return_sequences": True}
BACK = {"go_backwards": True, "return_sequences": True}
LAYERS = {
    "lstm": lambda m, _: m.RNN(m.LSTMCell(3, name="cell"), **ALL),
    "gru": lambda m, _: m.RNN(m.GRUCell(3, activation="relu", name="cell"), **BACK),
    "stack": lambda m, _: m.RNN([m.LSTMCell(3, name="a"), m.GRUCell(4, name="b")], **ALL),
    "stack backwards": lambda m, _: m.RNN([m.SimpleRNNCell(3, name=n) for n in "ab"], **BACK),
    "zeros": lambda m, _: m.RNN(m.GRUCell(3, name="cell"), zero_output_for_mask=True, **ALL),
    "custom": lambda m, lib: m.RNN(custom(lib)(3, name="cell"), **ALL),
    "custom backwards": lambda m, lib: m.RNN(custom(lib)(3, name="cell"), **BACK),
    "custom stack": lambda m, lib: m.RNN([custom(lib)(3, name="a"), m.LSTMCell(4, name="b")]),
    "both": lambda m, _: m.Bidirectional(m.LSTM(3, name="one")),
    "both, sum": lambda m, _: m.Bidirectional(m.LSTM(3, name="one", **ALL), merge_mode="sum"),
    "both, two": lambda m, _: m.Bidirectional(m.GRU(3, name="one", **ALL), merge_mode=None),
    "both, ave": lambda m, _: m.Bidirectional(m.GRU(3, name="one", **ONE), merge_mode="ave"),
    "both, mul": lambda m, _: m.Bidirectional(
        m.RNN(m.SimpleRNNCell(3, name="cell"), name="one"),
        merge_mode="mul",
        backward_layer=m.SimpleRNN(3, go_backwards=True, name="other"),
    ),
    "conv 1": lambda m, _: m.ConvLSTM1D(3, 2, **ALL),
    "conv same": lambda m, _: m.ConvLSTM2D(3, (3, 2), strides=2, padding="same", **BACK),
    "conv first": lambda m, _: m.ConvLSTM2D(
        2, 2, dilation_rate=2, data_format="channels_first", use_bias=False, **ALL
    ),
    "conv 3": lambda m, _: m.ConvLSTM3D(2, (2, 1, 2), strides=(1, 2, 1), padding="same"),
}


IMAGES = {"conv 1": (2, 4, 6, 3), "conv same": (2, 4, 6, 5, 3), "conv first": (2, 3, 2, 6, 5)}
IMAGES["conv 3"] = (2, 3, 4, 3, 2, 2)
TRAINED = ["stack", "zeros", "custom stack", "both, sum", "both, mul", "conv same", "conv first"]
TRAINED += ["conv 3"]


def shape_of(name):
    return IMAGES.get(name, SEQUENCE)


@pytest.mark.parametrize("name", LAYERS)
def test_values_masks_and_shapes(name):
    shape = shape_of(name)
    ours, theirs = pair(LAYERS[name], shape)
    x = normal(shape, 9)
    assert_close(ours(x), theirs(x))
    if name not in (*IMAGES, "custom stack"):  # of which Keras on JAX takes no mask
        assert_close(ours(x, mask=MASK), theirs(x, mask=MASK))
    for batch in (None, 2):
        got = ours.compute_output_shape((batch, *shape[1:]))
        want = theirs.compute_output_shape((batch, *shape[1:]))
        assert str(nnseq.tree.flatten(got)) == str(nnseq.tree.flatten(want))


@pytest.mark.parametrize("name", TRAINED)
def test_training_and_files(name, tmp_path):
    def model_of(lib):
        shape = shape_of(name)
        with lib.utils.custom_object_scope({"Minimal": custom(lib)}):
            x = lib.Input(shape[1:])
            y = lib.tree.flatten(make(lib, LAYERS[name])(x))[0]
            model = lib.Model(x, lib.layers.Dense(1)(lib.layers.Flatten()(y)))
        model.compile(lib.optimizers.Adam(0.01), "mse")
        return model

    ours, theirs = model_of(nnseq), model_of(keras)
    theirs.set_weights(ours.get_weights())
    x, y = normal((12, *shape_of(name)[1:]), 1), normal((12, 1), 2)
    fit = {"batch_size": 4, "shuffle": False, "verbose": 0}
    got, want = ours.fit(x, y, **fit), theirs.fit(x, y, **fit)
    assert_close(got.history["loss"], want.history["loss"], 1e-3)
    assert_close(ours.get_weights(), theirs.get_weights(), 1e-3)
    ours.save(tmp_path / "ours.keras")
    with keras.utils.custom_object_scope({"Minimal": custom(keras)}):
        read = keras.models.load_model(tmp_path / "ours.keras")
    assert_close(read.predict(x, verbose=0), ours.predict(x, verbose=0))
    theirs.save(tmp_path / "theirs.keras")
    with nnseq.utils.custom_object_scope({"Minimal": custom(nnseq)}):
        read = nnseq.models.load_model(tmp_path / "theirs.keras")
        again = type(read).from_config(json.loads(json.dumps(read.get_config())))
    assert_close(read.predict(x, verbose=0), theirs.predict(x, verbose=0))
    assert again.get_config() == read.get_config()


# --- masks ----------------------------------------------------------------------------------------


def test_a_mask_of_images_holds_the_states():
    layer = layers.ConvLSTM1D(3, 2, **ALL)
    x = normal((3, 5, 6, 2))
    y, h, c = layer(x, mask=MASK)
    for row in range(3):
        kept, last, cell = layer(x[row : row + 1, MASK[row]])
        np.testing.assert_array_equal(h.numpy()[row], last.numpy()[0])
        np.testing.assert_array_equal(c.numpy()[row], cell.numpy()[0])
        np.testing.assert_array_equal(y.numpy()[row][MASK[row]], kept.numpy()[0])
    assert (y.numpy()[1, 0] == 0).all()
    np.testing.assert_array_equal(y.numpy()[1, 4], y.numpy()[1, 3])


def test_masks_pass_through():
    tokens = np.array([[3, 1, 2, 0, 0], [1, 0, 0, 0, 0]])

    def model_of(lib):
        m = lib.layers
        two = m.Bidirectional(m.LSTM(3, return_sequences=True))
        stack = m.RNN([m.GRUCell(3), m.GRUCell(4)], return_sequences=True)
        parts = [m.Embedding(5, 4, mask_zero=True), two, stack, m.GlobalAveragePooling1D()]
        model = lib.Sequential([lib.Input((None,), dtype="int32"), *parts])
        return model

    ours, theirs = model_of(nnseq), model_of(keras)
    ours.set_weights([normal(w.shape, k) for k, w in enumerate(ours.weights)])
    theirs.set_weights(ours.get_weights())
    assert_close(ours.predict(tokens, verbose=0), theirs.predict(tokens, verbose=0))
    layer = layers.Bidirectional(layers.GRU(2, **ALL), merge_mode=None)
    masks = layer.compute_mask(None, MASK)
    assert masks[0] is MASK and masks[1] is MASK and masks[2:] == (None, None)


# --- cells ----------------------------------------------------------------------------------------


def test_a_cell_of_ones_own_class_runs_as_it_is_written():
    class Doubled(layers.SimpleRNNCell):
        def call(self, sequence, states, training=False):
            h, after = super().call(sequence, states, training)
            return 2 * h, after

    plain, doubled = layers.RNN(layers.SimpleRNNCell(3)), layers.RNN(Doubled(3))
    x = normal(SEQUENCE)
    plain(x), doubled(x)
    doubled.set_weights(plain.get_weights())
    np.testing.assert_array_equal(doubled(x).numpy(), 2 * plain(x).numpy())


def test_a_cell_need_not_be_a_layer():
    class Sum:
        state_size = (4,)

        def call(self, inputs, states):
            return states[0] + inputs, [states[0] + inputs]

    x = normal(SEQUENCE)
    assert_close(layers.RNN(Sum())(x).numpy(), x.sum(1), 1e-6)
    stack = layers.RNN([Sum(), layers.GRUCell(2)], return_state=True)
    assert [y.shape for y in nnseq.tree.flatten(stack(x))] == [(3, 2), (3, 4), (3, 2)]


def test_states_of_any_shape_and_training_reach_the_cell():
    seen = []

    class Cell(layers.Layer):
        state_size, output_size = [2, 3], (2, 3)

        def get_initial_state(self, batch_size=None):
            return [ops.ones((batch_size, 2, 3))]

        def call(self, inputs, states, training=False):
            seen.append(training)
            return states[0] * 2.0, [states[0] * 2.0]

    cell = Cell()
    cell.state_size = [(2, 3)]
    layer = layers.RNN(cell, return_sequences=True)
    with pytest.raises(ValueError, match="`initial_state` must be 2 tensors"):
        layer(normal(SEQUENCE))
    cell.state_size = [6]
    layer = layers.RNN(cell, return_sequences=True)
    y = layer(normal(SEQUENCE), mask=MASK, training=True).numpy()
    assert seen == [True] and y.shape == (3, 5, 2, 3)
    np.testing.assert_array_equal(y[:, -1, 0, 0], 2.0 ** MASK.sum(1))


def test_dropout_of_stacked_cells_is_drawn_once_for_all_steps():
    cells = [layers.GRUCell(4, dropout=0.5, seed=1), layers.LSTMCell(4, recurrent_dropout=0.5)]
    layer = layers.RNN(cells)
    x = normal(SEQUENCE)
    first, second = (layer(x, training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_array_equal(layer(x).numpy(), layer(x).numpy())


def test_dropout_of_images():
    layer = layers.ConvLSTM2D(3, 2, dropout=0.4, recurrent_dropout=0.3, seed=1)
    x = normal((2, 4, 6, 5, 3))
    again = layers.ConvLSTM2D(3, 2, dropout=0.4, recurrent_dropout=0.3, seed=1)
    again.build(x.shape)
    layer.build(x.shape)
    again.set_weights(layer.get_weights())
    dropped = layer(x, training=True).numpy()
    np.testing.assert_array_equal(dropped, again(x, training=True).numpy())
    assert np.abs(dropped - layer(x).numpy()).max() > 1e-3


def test_calling_stacked_cells():
    def step(lib):
        stack = lib.layers.StackedRNNCells([lib.layers.LSTMCell(3), lib.layers.GRUCell(4)])
        states = [[normal((3, 3), 1), normal((3, 3), 2)], [normal((3, 4), 3)]]
        stack.build((3, 4))
        stack.set_weights([normal(w.shape, k) for k, w in enumerate(stack.weights)])
        return stack(normal((3, 4)), states), stack

    (got, ours), (want, theirs) = step(nnseq), step(keras)
    assert_close(got, want)
    assert ours.state_size == theirs.state_size and ours.output_size == theirs.output_size
    config = json.loads(json.dumps(ours.get_config()))
    assert [c.units for c in layers.StackedRNNCells.from_config(config).cells] == [3, 4]


# --- stateful and initial states ------------------------------------------------------------------


def test_stateful_stacks_and_directions():
    x = normal((3, 10, 4))
    for build in (
        lambda **k: layers.RNN([layers.LSTMCell(3, seed=1), layers.GRUCell(4)], **k),
        lambda **k: layers.ConvLSTM1D(3, 2, **k),
    ):
        layer, free = build(stateful=True), build()
        data = x if isinstance(layer.cell, layers.StackedRNNCells) else normal((3, 10, 5, 2))
        layer.build((3, 5, *data.shape[2:]))
        free.build(data.shape)
        free.set_weights(layer.get_weights())
        layer(data[:, :5])
        assert_close(layer(data[:, 5:]), free(data), 1e-6)
        layer.reset_state()
        assert all((s.numpy() == 0).all() for s in nnseq.tree.flatten(layer.states))
    both = layers.Bidirectional(layers.GRU(3, stateful=True))
    both(x)
    np.testing.assert_array_equal(both.states[0].numpy(), both.forward_layer.states[0].numpy())
    both.reset_states()
    assert len(both.states) == 2 and (both.states[1].numpy() == 0).all()
    with pytest.raises(AttributeError, match="must be stateful"):
        layers.Bidirectional(layers.GRU(3)).reset_state()


def test_initial_states_of_both_directions():
    ours, theirs = pair(LAYERS["both, sum"])
    x, states = normal(SEQUENCE), [normal((3, 3), k) for k in range(4)]
    assert_close(ours(x, initial_state=states), theirs(x, initial_state=states))


# --- arguments ------------------------------------------------------------------------------------


def test_errors_say_what_is_wrong():
    lstm = layers.LSTM
    for make_it, match in (
        (lambda: layers.RNN(3), "`call` method"),
        (lambda: layers.RNN(layers.Dense(3)), "`state_size`"),
        (lambda: layers.StackedRNNCells([]), "at least one cell"),
        (lambda: layers.Bidirectional(layers.Dense(3)), "`layer` must be a recurrent layer"),
        (lambda: layers.Bidirectional(lstm(3), merge_mode="max"), "Invalid merge mode"),
        (lambda: layers.Bidirectional(lstm(3), backward_layer=lstm(3)), "`go_backwards`"),
        (
            lambda: layers.Bidirectional(lstm(3), backward_layer=lstm(3, **BACK)),
            '"return_sequences", got "False" for forward layer',
        ),
        (lambda: layers.ConvLSTM2D(3, 2, strides=2, dilation_rate=2), "not compatible"),
        (lambda: layers.ConvLSTM2D(3, (2, 2, 2)), "kernel_size"),
        (lambda: layers.ConvLSTM1D(3, 2).build((2, 4, None, 3)), "spatial dimensions"),
        (lambda: layers.ConvLSTM1D(3, 2)(normal((2, 4, 3))), "ndim=4"),
    ):
        with pytest.raises(ValueError, match=match) as found:
            make_it()
        assert "\n" not in str(found.value)
    layer = layers.RNN([layers.GRUCell(3), layers.GRUCell(2)], name="rnn")
    with pytest.raises(ValueError, match=r"rnn.*must be 2 tensors.*structure of \[3, 2\]"):
        layer(normal(SEQUENCE), initial_state=[normal((3, 3))])
