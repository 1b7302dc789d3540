"""Model, functional models and Sequential, beside what tests/contract holds."""

import numpy as np
import pytest

from nnseq import GradientTape, Input, Model, Sequential, layers, ops

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def three_layers(**kwargs):
    return [
        layers.Dense(2, "relu", name="layer1", **kwargs),
        layers.Dense(3, "relu", name="layer2"),
        layers.Dense(4, name="layer3"),
    ]


# --- Sequential ---------------------------------------------------------------------------------
def test_several_image_sizes():
    model = Sequential([layers.Conv2D(3, 3), layers.GlobalMaxPooling2D(), layers.Dense(2)])
    for size in (8, 10, 9):
        assert model(np.ones((2, size, size, 1))).shape == (2, 2)


def test_add_and_pop_after_a_call():
    model = Sequential(three_layers())
    before = model(X).numpy()
    model.add(layers.Activation("relu"))
    np.testing.assert_array_equal(model(X), np.maximum(before, 0))
    model.pop()
    np.testing.assert_array_equal(model(X), before)
    while model.layers:
        model.pop()
    assert not model.built


# --- functional models ---------------------------------------------------------------------------
def test_shared_layers_and_structures():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = layers.Dense(3)
    total = shared(a) + 2 * shared(b)
    model = Model({"a": a, "b": b}, {"sum": total, "parts": [shared.output, ops.exp(total)]})
    out = model({"b": X, "a": 2 * X})
    assert sorted(out) == ["parts", "sum"] and len(model.weights) == 2
    kernel = shared.kernel.numpy()
    np.testing.assert_allclose(out["sum"], 2 * X @ kernel + 2 * (X @ kernel), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(out["parts"][1], np.exp(out["sum"].numpy()), rtol=1e-5)
    with pytest.raises(ValueError, match="no value for input 'b'"):
        model({"a": X})


def test_inputs_by_name_or_in_order():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    model = Model([a, b], a - b)
    np.testing.assert_array_equal(model([2 * X, X]), X)
    np.testing.assert_array_equal(model({"b": X, "a": 2 * X}), X)
    with pytest.raises(ValueError, match=r"expected 2 input\(s\). Received 1"):
        model(X)


def test_functional_inputs_are_fitted():
    x = Input((1,))
    model = Model(x, x * 2.0)
    assert model(np.array([1, 2, 3])).shape == (3, 1)
    assert model([[1], [2]]).numpy().tolist() == [[2.0], [4.0]]
    with pytest.raises(ValueError, match=r"expected shape=\(None, 1\), found shape=\(3, 4\)"):
        model(X)


def test_functional_errors():
    x, other = Input((4,), name="x"), Input((4,), name="other")
    with pytest.raises(ValueError, match="depend on the input 'other'"):
        Model(x, x + other)
    with pytest.raises(ValueError, match="must be KerasTensors"):
        Model(x, X)
    with pytest.raises(ValueError, match="both `inputs` and `outputs`"):
        Model(inputs=x)
    y = layers.Dense(2, name="d")(layers.Dense(3, name="d")(x))
    with pytest.raises(ValueError, match="'d' is used by two layers"):
        Model(x, y)


@pytest.mark.keras
def test_order_of_layers_is_that_of_keras():
    keras = pytest.importorskip("keras")

    def names(input_, dense, add, concatenate, model):
        a, b = input_((4,), name="a"), input_((4,), name="b")
        h = dense(4, name="h")
        left = dense(4, name="left2")(dense(4, name="left1")(h(a)))
        right = dense(4, name="right")(h(b))
        both = add(name="add")([left, right])
        join = concatenate(name="join")([both, a, dense(2, name="late")(b)])
        made = model([a, b], [dense(1, name="out1")(join), dense(1, name="out2")(both)])
        return [layer.name for layer in made.layers], [w.shape for w in made.weights]

    k = keras.layers
    want = names(keras.Input, k.Dense, k.Add, k.Concatenate, keras.Model)
    got = names(Input, layers.Dense, layers.Add, layers.Concatenate, Model)
    assert got[0] == want[0]
    assert got[1] == [tuple(shape) for shape in want[1]]


def test_subclass_of_model_made_functionally():
    class Custom(Model):
        def tag(self):
            return "custom"

    x = Input((4,))
    model = Custom(x, layers.Dense(2)(x), name="c")
    assert model.tag() == "custom" and model(X).shape == (3, 2) and model.name == "c"
    assert model.output_shape == (None, 2)


# --- subclassed models ---------------------------------------------------------------------------
class Two(Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one = layers.Dense(5, activation="relu")
        self.two = layers.Dense(2)

    def call(self, inputs, training=None):
        h = self.one(inputs)
        if training:
            h = h * 0.0
        return self.two(h)


def test_subclassed_model():
    model = Two(name="m")
    with pytest.raises(ValueError, match="Weights for model 'm'"):
        _ = model.weights
    y = model(X)
    assert y.shape == (3, 2) and model.built and len(model.weights) == 4
    assert model.weights[0].path == "m/dense/kernel" or model.weights[0].path.startswith("m/dense_")
    assert [layer.name for layer in model.layers] == [model.one.name, model.two.name]
    assert (model(X, training=True).numpy() == 0).all()
    np.testing.assert_array_equal(model(X), y)
    built = Two()
    built.build((None, 4))
    assert len(built.weights) == 4 and built.weights[0].shape == (4, 5)


def test_subclassed_model_inside_a_functional_one():
    inner, x = Two(), Input((4,))
    model = Model(x, inner(x) * 2.0)
    np.testing.assert_allclose(model(X), 2 * inner(X).numpy(), rtol=1e-6)


def test_several_inputs_and_arguments():
    class Pair(Model):
        def call(self, inputs, scale=1.0):
            a, b = inputs
            return {"sum": (a + b) * scale}

    model = Pair()
    np.testing.assert_allclose(model((X, X))["sum"], 2 * X)
    np.testing.assert_allclose(model([X, X], scale=3.0)["sum"], 6 * X)


def test_values_in_python_need_run_eagerly():
    class Branch(Model):
        def call(self, inputs):
            return inputs if float(ops.sum(inputs)) > 0 else -inputs

    model = Branch()
    with pytest.raises(TypeError, match="run_eagerly=True"):
        model(-np.ones((2, 2)))
    model.run_eagerly = True
    assert model(-np.ones((2, 2))).tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert model(np.ones((2, 2))).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_under_a_tape_a_model_runs_eagerly():
    model = Two()
    with GradientTape() as tape:
        y = ops.sum(model(X))
    grads = tape.gradient(y, model.trainable_weights)
    assert [g.shape for g in grads] == [(4, 5), (5,), (5, 2), (2,)]
    np.testing.assert_allclose(grads[3], [3.0, 3.0])


def test_call_accepts_lists_and_other_arrays():
    model = Sequential([layers.Dense(2)])
    want = model(X).numpy()
    np.testing.assert_allclose(model(X.tolist()), want, rtol=1e-6)
    np.testing.assert_allclose(model(X.astype(np.float64)), want, rtol=1e-6)
    np.testing.assert_allclose(model(np.asfortranarray(X)), want, rtol=1e-6)
    np.testing.assert_allclose(model(ops.convert_to_tensor(X)), want, rtol=1e-6)
    assert model((X * 10).astype(np.int32)).shape == (3, 2)


def test_weights_changed_by_hand_are_seen():
    model = Sequential([layers.Dense(2, use_bias=False)])
    model(X)
    model.set_weights([np.zeros((4, 2))])
    assert not model(X).numpy().any()
