"""Programs that are wrong in a way users are: each is told in one line what to do."""

import warnings

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops, optimizers

X = np.linspace(-1, 1, 80, dtype="float32").reshape(20, 4)


def vector(size=4):
    return nnseq.Input((size,))


def sequential(*given):
    return nnseq.Sequential([vector(), *given])


class Silent(layers.Layer):
    def call(self, inputs):
        inputs * 2.0


class SilentModel(nnseq.Model):
    def call(self, inputs):
        inputs * 2.0


class ByNumPy(layers.Layer):
    def call(self, inputs):
        return np.tanh(inputs)


class Late(layers.Layer):
    """Makes its weight in `call`."""

    def call(self, inputs):
        return inputs * self.add_weight(shape=(4,), name="late")


class Forgetful(layers.Layer):
    def __init__(self):
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


class ForgetfulModel(nnseq.Model):
    def __init__(self):
        self.dense = layers.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)


def fit(model):
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)


def add_weight_later():
    layer = layers.Dense(3)
    layer.build((None, 4))
    layer.add_weight(shape=(2,), name="more")


PROGRAMS = {
    "an output in place of a layer": (
        lambda: sequential(layers.Dense(3)(X)), ValueError,
        "<Tensor shape=(20, 3), dtype=float32>", "Add the layer itself"),
    "a symbolic output in place of a layer": (
        lambda: sequential(layers.Dense(3)(vector())), ValueError, "Add the layer itself"),
    "an array as input of a model": (
        lambda: nnseq.Model(X, layers.Dense(1)(vector())), ValueError,
        "Received: <ndarray shape=(20, 4), dtype=float32>"),
    "a wrong name of an input": (
        lambda: nnseq.Model({"a": (a := vector())}, layers.Dense(1)(a)).predict({"b": X}),
        ValueError, "no value for input 'a'", "['a'], given were ['b']"),
    "sums of different sizes": (
        lambda: layers.Add(name="both")([vector(), vector(5)]), ValueError,
        "both: ", "(None, 4), (None, 5)"),
    "rows of different lengths one below the other": (
        lambda: layers.Concatenate(axis=1, name="wide")([nnseq.Input((4, 3)), nnseq.Input((5, 2))]),
        ValueError, "wide: ", "(None, 4, 3), (None, 5, 2)"),
    "attention without a value": (
        lambda: layers.MultiHeadAttention(2, 3, name="self")(nnseq.Input((5, 4))), TypeError,
        "self: `call` of MultiHeadAttention needs value"),
    "attention of one input": (
        lambda: layers.AdditiveAttention(name="attend")(vector()), ValueError,
        "attend: AdditiveAttention layer must be called on a list", "(None, 4)"),
    "a cell without states": (
        lambda: layers.GRUCell(3, name="cell")(vector()), TypeError,
        "cell: `call` of GRUCell needs states"),
    "recurrence over vectors": (
        lambda: layers.RNN(layers.LSTMCell(2), name="over")(vector()), ValueError,
        "over: RNN takes sequences (N, T, ...)", "(None, 4)"),
    "BatchNormalization of axis 4": (
        lambda: sequential(layers.BatchNormalization(axis=4, name="norm")), ValueError,
        "norm: There is no axis 4 in inputs of shape (None, 4)"),
    "LayerNormalization of axis 2": (
        lambda: sequential(layers.LayerNormalization(axis=[1, 2], name="norm")), ValueError,
        "norm: There is no axis 2 in inputs of shape (None, 4)"),
    "GroupNormalization of axis -3": (
        lambda: sequential(layers.GroupNormalization(2, axis=-3, name="norm")), ValueError,
        "norm: There is no axis -3 in inputs of shape (None, 4)"),
    "RMSNormalization of axis 2": (
        lambda: sequential(layers.RMSNormalization(axis=2, name="norm")), ValueError,
        "norm: There is no axis 2 in inputs of shape (None, 4)"),
    "shared axis 4": (
        lambda: sequential(layers.PReLU(shared_axes=[4], name="leak")), ValueError,
        "leak: `shared_axes` must be among [1]", "(None, 4)", "[4]"),
    "no function in Lambda": (
        lambda: layers.Lambda("relu"), TypeError, "`function` must be a function", "'relu'"),
    "einsum of different sizes": (
        lambda: ops.einsum("ij,jk->ik", X, X), ValueError,
        "'ij,jk->ik' of shapes (20, 4), (20, 4): j has the sizes 4 and 20"),
    "einsum of different leading sizes": (
        lambda: ops.einsum("...j,...j->...", X, X[:3]), ValueError, "... has the sizes 20 and 3"),
    "a layer without `return`": (
        lambda: sequential(Silent(name="mute"), layers.Dense(2)), ValueError,
        "`call` of layer 'mute' (of type Silent) returned None", "`return`"),
    "a model without `return`": (
        lambda: fit(SilentModel()), ValueError, "`call` of the model returned None", "`return`"),
    "NumPy in `call`": (
        lambda: sequential(ByNumPy(name="slow")), TypeError, "slow: ", "Use nnseq.ops"),
    "a weight in `call`": (
        lambda: fit(sequential(Late(name="l"))), ValueError,
        "Layer 'l': a weight 'late' cannot be added", "in `build()`"),
    "a weight of a built layer": (
        add_weight_later, ValueError, "a weight 'more' cannot be added", "in `build()`"),
    "a layer without super().__init__()": (
        lambda: sequential(Forgetful()), RuntimeError, "In layer 'Forgetful'",
        "super().__init__()"),
    "a model without super().__init__()": (
        lambda: ForgetfulModel()(X), RuntimeError, "In layer 'ForgetfulModel'",
        "super().__init__()"),
    "a learning rate in quotes": (
        lambda: optimizers.Adam("0.1"), ValueError, "`learning_rate` should be a number", "'0.1'"),
    "a misspelt layer": (
        lambda: layers.Densee(3), AttributeError, "no layers.Densee: did you mean Dense?"),
    "a misspelt function": (
        lambda: ops.softmaxx(X), AttributeError, "no ops.softmaxx: did you mean softmax?"),
    "a misspelt model": (
        lambda: nnseq.Sequentiel(), AttributeError, "no Sequentiel: did you mean Sequential?"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_told_in_one_line(name):
    program, error, *words = PROGRAMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error) as caught:
            program()
    text = str(caught.value)
    assert "\n" not in text and len(text) < 400
    for word in words:
        assert word in text, text


def test_a_layer_may_say_that_it_is_built_before_its_weights():
    class Scaled(layers.Layer):
        def __init__(self):
            super().__init__()
            self.built = True
            self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")

        def call(self, inputs):
            return inputs * self.scale

    np.testing.assert_array_equal(Scaled()(X), X)


def test_attributes_of_a_layer_without_super_init_are_missing():
    layer = Forgetful()
    assert not hasattr(layer, "built")
    assert getattr(layer, "name", "none") == "none"
    with pytest.raises(AttributeError, match="has never been called and thus has no defined"):
        layers.Dense(3).output  # noqa: B018 (the text of the property itself)
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'kernl'"):
        layers.Dense(3).kernl  # noqa: B018


# --- functions of NumPy --------------------------------------------------------------------------
def test_functions_of_numpy_take_the_numbers():
    x, v = ops.convert_to_tensor(X), nnseq.Variable(X)
    for given in (x, v):
        for found, want in ((np.exp(given), np.exp(X)), (np.maximum(X, given), X)):
            assert type(found) is np.ndarray
            np.testing.assert_array_equal(found, want)
    out = np.zeros_like(X)
    assert np.add(x, 1, out=out) is out
    np.testing.assert_array_equal(out, X + 1)
    assert np.add.reduce(x, axis=None) == np.add.reduce(X, axis=None)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide, np.less, np.power])
def test_operators_with_an_array_on_the_left_are_those_of_tensors(ufunc):
    a, b = np.abs(X) + 1, np.abs(X[::-1]) + 1
    found = ufunc(a, ops.convert_to_tensor(b))
    assert isinstance(found, nnseq.KerasTensor | type(ops.convert_to_tensor(b)))
    np.testing.assert_allclose(found, ufunc(a, b), rtol=1e-6)
    assert isinstance(ufunc(np.ones((1, 4), "f4"), vector()), nnseq.KerasTensor)


def test_in_place_with_an_array_on_the_left():
    total = np.zeros_like(X)
    total += ops.convert_to_tensor(X)
    np.testing.assert_array_equal(total, X)
    total = np.zeros((1, 4), "float32")
    total += vector()
    assert isinstance(total, nnseq.KerasTensor)
