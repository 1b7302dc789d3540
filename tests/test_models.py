"""Model, functional models and Sequential, by the lines of the Keras contract."""

import copy
import pickle
import warnings

import numpy as np
import pytest

from nnseq import Functional, GradientTape, Input, Model, Sequential, layers, ops
from nnseq.utils import clear_session

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def three_layers(**kwargs):
    return [
        layers.Dense(2, "relu", name="layer1", **kwargs),
        layers.Dense(3, "relu", name="layer2"),
        layers.Dense(4, name="layer3"),
    ]


# --- construction and list behaviour (1-12) ------------------------------------------------------
def test_equals_the_layers_one_after_the_other():
    stack = three_layers()
    y = Sequential(stack)(np.ones((3, 3)))
    assert y.shape == (3, 4)
    np.testing.assert_allclose(y, stack[2](stack[1](stack[0](np.ones((3, 3))))), rtol=1e-6)


@pytest.mark.parametrize("wrap", [list, tuple, iter])
def test_any_iterable(wrap):
    assert len(Sequential(wrap(three_layers())).layers) == 3


def test_construction():
    clear_session()
    assert repr(Sequential()) == "<Sequential name=sequential, built=False>"
    assert Sequential(name="my_sequential").name == "my_sequential"
    assert Sequential(layers=None, trainable=True, name=None).name == "sequential_1"


def test_layers_is_a_copy_and_reserved():
    model = Sequential(three_layers())
    model.layers.pop()
    assert len(model.layers) == 3
    with pytest.raises(AttributeError, match=r"reserved.*`add\(\)` and `pop\(\)`"):
        model.layers = []


def test_add_and_pop():
    model = Sequential()
    stack = three_layers()
    assert [model.add(layer) for layer in stack] == [None] * 3
    assert model.pop() is stack[2]
    assert len(model.layers) == len(model) == 2
    assert model[0] is stack[0] and list(model) == stack[:2]
    for kind in (IndexError, TypeError):
        with pytest.raises(kind, match="no layers in the model"):
            Sequential().pop()


@pytest.mark.parametrize("thing", [3, layers.Dense, lambda x: x, None, "dense"])
def test_only_layers(thing):
    with pytest.raises(ValueError, match=r"Only instances of `keras.Layer` can be added"):
        Sequential([thing])


def test_unique_names():
    shared = layers.Dense(4, name="a")
    model = Sequential([shared, shared])
    model(X)
    assert len(model.weights) == 2
    with pytest.raises(ValueError, match="Name 'a' is already the name of a layer in this model"):
        model.add(layers.Dense(4, name="a"))


def test_second_input():
    model = Sequential([Input((2,))], name="s")
    text = (
        r"Sequential model 's' has already been configured to use input shape \(None, 2\). "
        "You cannot add a different Input layer to it."
    )
    with pytest.raises(ValueError, match=text):
        model.add(Input((3,)))


def test_empty_model():
    text = r"cannot be built because it has no layers. Call `model.add\(layer\)`."
    with pytest.raises(ValueError, match=text):
        Sequential()(X)
    with pytest.raises(ValueError, match=text):
        Sequential().build((None, 3))


def test_names_and_arguments():
    with pytest.raises(ValueError, match=r"cannot contain character `/`. Received: name=a/b"):
        Sequential(name="a/b")
    with pytest.raises(ValueError, match=r"passed to Dense: \{'foo': 5\}"):
        layers.Dense(2, foo=5)


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_pickles(duplicate, built):
    model = Sequential(three_layers())
    if built:
        before = model(X).numpy()
    other = duplicate(model)
    other(X)
    if built:
        np.testing.assert_array_equal(other(X), before)
        other.layers[0].kernel.assign(other.layers[0].kernel * 0)
        np.testing.assert_array_equal(model(X), before)
        assert Model(other.inputs, other.layers[1].output)(X).shape == (3, 3)


# --- lazy building (16-24) -----------------------------------------------------------------------
def test_paths():
    clear_session()
    alone = layers.Dense(3)
    alone(X)
    assert alone.kernel.path == "dense/kernel"
    model = Sequential([layers.Dense(3)], name="m")
    model(X)
    assert [v.path for v in model.weights] == ["m/dense_1/kernel", "m/dense_1/bias"]
    assert repr(model.weights[1]) == (
        "<Variable path=m/dense_1/bias, shape=(3,), dtype=float32, value=[0. 0. 0.]>"
    )


def test_unbuilt_errors():
    model = Sequential(three_layers(), name="m")
    with pytest.raises(ValueError, match=r"Weights for model 'm' have not yet been created."):
        _ = model.weights
    with pytest.raises(ValueError, match="`count_params` on layer 'm', but the layer isn't built"):
        model.count_params()
    for name in ("inputs", "outputs", "input", "output", "input_shape", "output_shape"):
        assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=r"Sequential model 'm' has no defined inputs yet."):
        _ = model.inputs


def test_first_call_builds_for_its_shape_and_any_batch_works():
    model = Sequential(three_layers())
    model(X[:1])
    assert len(model.weights) == 6 and model.count_params() == 10 + 9 + 16
    assert [layer.output.shape for layer in model.layers] == [(1, 2), (1, 3), (1, 4)]
    assert model(X).shape == (3, 4) and model(np.ones((50, 4))).shape == (50, 4)
    assert model.output_shape == (1, 4)


def test_build():
    model = Sequential(three_layers())
    model.build((None, 4))
    assert model.input_shape == (None, 4) and model.output_shape == (None, 4)
    assert model.built and len(model.weights) == 6
    assert model.input.shape == (None, 4) and len(model.outputs) == 1


def test_several_image_sizes():
    model = Sequential([layers.Conv2D(3, 3), layers.GlobalMaxPooling2D(), layers.Dense(2)])
    for size in (8, 10, 9):
        assert model(np.ones((2, size, size, 1))).shape == (2, 2)


def test_wrong_last_axis():
    model = Sequential([layers.Dense(2, name="d")])
    model(X)
    text = (
        "Input 0 of layer 'd' is incompatible with the layer: expected axis -1 of input shape to "
        r"have value 4, but received input with shape \(5, 7\)"
    )
    with pytest.raises(ValueError, match=text) as caught:
        model(np.ones((5, 7)))
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert model(X).shape == (3, 2)


# --- Input and input_shape (25-30) ---------------------------------------------------------------
def test_input_first():
    model = Sequential([Input((4,)), layers.Dense(2)])
    assert model.built and len(model.weights) == 2 and model.output_shape == (None, 2)
    assert len(model.layers) == 1
    assert isinstance(model._layers[0], layers.InputLayer)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"input_shape": (4,)},
        {"input_dim": 4},
        {"batch_input_shape": (None, 4)},
        {"input_shape": [4]},
    ],
)
def test_old_ways_to_give_the_input_shape(kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Sequential([layers.Dense(2, **kwargs), layers.Dense(3, input_shape=(9,))])
    assert model.built and model.input_shape == (None, 4) and model.output_shape == (None, 3)


def test_integer_input_shape():
    model = Sequential([Input(shape=(784)), layers.Dense(2)])
    assert model.input_shape == (None, 784)


def test_models_as_layers():
    inner = Sequential([Input((4,)), layers.Dense(5)])
    outer = Sequential([inner, layers.Dense(2)])
    assert outer.built and outer.output_shape == (None, 2) and len(outer.weights) == 4
    lazy = Sequential([Sequential([layers.Dense(5)]), layers.Dense(2)])
    assert lazy(X).shape == (3, 2)
    x = Input((4,))
    model = Model(x, layers.Dense(1)(inner(x)))
    np.testing.assert_allclose(model(X), model.layers[-1](inner(X)), rtol=1e-6, atol=1e-7)


def test_structures_of_inputs_call_the_layers_in_order():
    model = Sequential([layers.Add(), layers.Dense(2)])
    assert model([X, X]).shape == (3, 2)


# --- incremental building (31) -------------------------------------------------------------------
def test_shapes_while_a_model_grows():
    model = Sequential([Input((250, 250, 3)), layers.Conv2D(32, 5, strides=2, activation="relu")])
    shapes, kernel = [model.output_shape], model.layers[0].kernel.numpy()
    for layer in (
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(3),
        layers.GlobalMaxPooling2D(),
    ):
        model.add(layer)
        shapes.append(model.output_shape)
    assert shapes == [(None, 123, 123, 32), (None, 121, 121, 32), (None, 40, 40, 32), (None, 32)]
    assert model.count_params() == 2432 + 9248
    model.pop()
    assert model.output_shape == (None, 40, 40, 32) and model.built
    np.testing.assert_array_equal(model.layers[0].kernel, kernel)


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


# --- feature extraction (34-37) ------------------------------------------------------------------
def test_feature_extraction():
    model = Sequential(
        [
            Input((25, 25, 3)),
            layers.Conv2D(32, 5, strides=2, name="first"),
            layers.Conv2D(32, 3, name="mid"),
            layers.Conv2D(32, 3),
        ]
    )
    x = np.ones((1, 25, 25, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extractor = Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers])
        features = extractor(x)
    assert type(extractor) is Functional and isinstance(extractor.layers[0], layers.InputLayer)
    assert [f.shape for f in features] == [(1, 11, 11, 32), (1, 9, 9, 32), (1, 7, 7, 32)]
    one = Model(inputs=model.inputs, outputs=model.get_layer(name="mid").output)
    np.testing.assert_array_equal(one(x), features[1])
    assert one.get_layer("mid") is model.get_layer("mid")
    np.testing.assert_allclose(model(x), features[-1], rtol=1e-6)


def test_get_layer():
    model = Sequential([Input((4,)), *three_layers()])
    assert model.get_layer("layer2") is model.layers[1]
    assert model.get_layer(index=0) is model.layers[0]
    for kwargs, text in [
        (
            {"name": "nope"},
            r"No such layer: nope. Existing layers are: \['layer1', 'layer2', 'layer3'\].",
        ),
        ({"index": 9}, "Was asked to retrieve layer at index 9 but model only has 3 layers."),
        ({}, "Provide either a layer name or layer index at `get_layer`."),
        (
            {"index": 1, "name": "mid"},
            "Provide only a layer name or a layer index. Received: index=1, name=mid.",
        ),
    ]:
        with pytest.raises(ValueError, match=text):
            model.get_layer(**kwargs)


def test_model_from_the_middle():
    model = Sequential([Input((4,)), *three_layers()])
    tail = Model(model.layers[1].output, model.outputs)
    h = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(tail(h)[0], model.layers[2](h))


# --- transfer learning (38-41) -------------------------------------------------------------------
def test_freezing():
    model = Sequential([Input((4,)), *(layers.Dense(3, "tanh") for _ in range(3)), layers.Dense(2)])
    for layer in model.layers[:-1]:
        layer.trainable = False
    assert model.trainable
    counts = [len(w) for w in (model.weights, model.trainable_weights, model.non_trainable_weights)]
    assert counts == [8, 2, 6]
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 2)), verbose=0)
    changed = [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False] * 6 + [True] * 2
    model.trainable = False
    assert model.trainable_weights == [] and not model.layers[0].trainable


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
