"""Contract section 1d, lines 25 to 30: models that know the shape of their input."""

import warnings

import numpy as np
import pytest

import nnseq
from nnseq import Input, Model, Sequential, layers

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


@pytest.fixture(autouse=True)
def no_warnings(request):
    with warnings.catch_warnings():
        if "keras" not in request.node.name:
            warnings.simplefilter("error")
        yield


def test_line_25_an_input_builds_the_model(k):
    model = k.Sequential([k.Input(shape=(4,)), k.layers.Dense(2)])
    assert model.built and len(model.weights) == 2
    assert model.input_shape == (None, 4) and model.output_shape == (None, 2)
    assert len(model.layers) == 1 and type(model.layers[0]).__name__ == "Dense"
    assert type(model._layers[0]).__name__ == "InputLayer"


def test_line_25_an_input_layer_does_as_well(k):
    model = k.Sequential([k.layers.InputLayer((4,)), k.layers.Dense(2)])
    assert model.built and model.output_shape == (None, 2) and len(model.layers) == 1
    model = k.Sequential()
    model.add(k.Input(shape=(4,)))
    model.add(k.layers.Dense(2))
    assert model.built and model.output_shape == (None, 2)


def test_line_25_the_input_is_in_the_configuration(k):
    config = k.Sequential([k.Input(shape=(4,), name="x"), k.layers.Dense(2)]).get_config()
    assert [entry["class_name"] for entry in config["layers"]] == ["InputLayer", "Dense"]
    assert tuple(config["layers"][0]["config"]["batch_shape"]) == (None, 4)


def test_line_26_an_int_is_a_shape():
    for shape in ((784), np.int64(784)):
        model = Sequential([Input(shape=shape), layers.Dense(2)])
        assert model.input_shape == (None, 784) and model.count_params() == 784 * 2 + 2


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"shape": (4,)}, (None, 4)),
        ({"shape": [4]}, (None, 4)),
        ({"shape": ()}, (None,)),
        ({"shape": (None, None, 3)}, (None, None, None, 3)),
        ({"batch_shape": (2, 3)}, (2, 3)),
        ({"shape": (4,), "batch_size": 3}, (3, 4)),
    ],
)
def test_line_27_shapes(k, arguments, shape):
    x = k.Input(**arguments)
    assert x.shape == shape and x.dtype == "float32"


def test_line_27_dtype(k):
    assert k.Input((4,), dtype="int32").dtype == "int32"


def test_line_27_errors(k):
    with pytest.raises(ValueError) as caught:
        k.Input()
    assert str(caught.value) == "You must pass a `shape` argument."
    with pytest.raises(ValueError) as caught:
        k.Input(shape=(4,), batch_shape=(None, 4))
    assert str(caught.value) == ("You cannot pass both `shape` and `batch_shape` at the same time.")


@pytest.mark.parametrize("shape", ["784", (-1,), (2.5,), ("a",), [[4]], {"a": 4}, True])
@pytest.mark.parametrize("argument", ["shape", "batch_shape"])
def test_line_27_not_a_shape(argument, shape):
    with pytest.raises(ValueError, match=r"Cannot convert '.*' to a shape"):
        Input(**{argument: shape})
    with pytest.raises(ValueError, match=r"Cannot convert '.*' to a shape"):
        layers.Dense(2, **{f"{'batch_' * (argument == 'batch_shape')}input_shape": shape})


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": (4,)}, (None, 4)),
        ({"input_shape": [4]}, (None, 4)),
        ({"input_shape": 4}, (None, 4)),
        ({"input_dim": 4}, (None, 4)),
        ({"batch_input_shape": (None, 4)}, (None, 4)),
        ({"batch_input_shape": (5, 4)}, (5, 4)),
        ({"input_shape": (4,), "batch_size": 5}, (5, 4)),
    ],
)
def test_line_28_the_first_layer_says_the_shape(arguments, shape):
    model = Sequential([layers.Dense(2, **arguments), layers.Dense(3, input_shape=(9,))])
    assert model.built and model.input_shape == shape and len(model.layers) == 2
    assert model(X).shape == (5, 3)
    model = Sequential()
    model.add(layers.Dense(2, activation="relu", **arguments))
    assert model.built and model.output_shape == (shape[0], 2)


def test_line_28_a_later_layer_does_not(k):
    model = k.Sequential([k.layers.Dense(2), k.layers.Dense(3)])
    assert not model.built
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = k.Sequential([k.layers.Dense(2), k.layers.Dense(3, input_shape=(2,))])
    assert not model.built


def test_line_28_embedding():
    table = np.arange(12, dtype="float32").reshape(6, 2)
    embedding = layers.Embedding(6, 2, input_length=3, weights=[table])
    model = Sequential([embedding, layers.Flatten()])
    ids = np.array([[0, 5, 1]])
    np.testing.assert_array_equal(model(ids), [[0, 1, 10, 11, 2, 3]])
    model = Sequential([layers.Embedding(6, 2, input_length=3), layers.Flatten()])
    assert model.built and model.output_shape == (None, 6)


def test_line_29_a_built_model_first(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(5)])
    outer = k.Sequential([inner, k.layers.Dense(2)])
    assert outer.built and outer.input_shape == (None, 4) and outer.output_shape == (None, 2)
    assert len(outer.weights) == 4
    x = k.Input((4,))
    functional = k.Model(x, k.layers.Dense(3)(x))
    outer = k.Sequential([functional, k.layers.Dense(2)])
    assert outer.built and outer.output_shape == (None, 2)
    np.testing.assert_allclose(outer(X), outer.layers[1](functional(X)), rtol=1e-5, atol=1e-6)


def test_line_30_a_model_in_a_model(k):
    lazy = k.Sequential([k.Sequential([k.layers.Dense(5)]), k.layers.Dense(2)])
    assert not lazy.built and lazy(X).shape == (5, 2) and len(lazy.weights) == 4
    inner = k.Sequential([k.layers.Dense(3)])
    x = k.Input((4,))
    model = k.Model(x, k.layers.Dense(1)(inner(x)))
    assert inner.built and len(model.weights) == 4 and inner in model.layers
    np.testing.assert_allclose(model(X), model.layers[-1](inner(X)), rtol=1e-5, atol=1e-6)


def test_line_30_lists_and_dicts_of_inputs(k):
    model = k.Sequential([k.layers.Add(), k.layers.Dense(2)])
    assert model([X, X]).shape == (5, 2) and len(model.weights) == 2
    np.testing.assert_allclose(model([X, X]), model.layers[1](2 * X), rtol=1e-5, atol=1e-6)

    class Pick(k.layers.Layer):
        def call(self, inputs):
            return inputs["b"] - inputs["a"]

    model = k.Sequential([Pick(), k.layers.Dense(2)])
    np.testing.assert_allclose(
        model({"a": X, "b": 3 * X}), model.layers[1](2 * X), rtol=1e-5, atol=1e-6
    )


def test_line_30_lists_and_dicts_can_be_trained():
    model = Sequential([layers.Concatenate(), layers.Dense(2, name="d")])
    model.compile("sgd", "mse")
    before = model.fit([X, X], np.ones((5, 2)), epochs=3, verbose=0).history["loss"]
    assert before[-1] < before[0]
    assert model.predict([X, X], verbose=0).shape == (5, 2)
    assert len(model.weights) == 2


def test_line_30_a_shared_model_has_one_set_of_weights():
    base = Sequential([Input((4,)), layers.Dense(3)])
    first, second = Sequential([base, layers.Dense(1)]), Sequential([base, layers.Dense(2)])
    a, b = Input((4,)), Input((4,))
    both = Model([a, b], layers.Add()([base(a), base(b)]))
    assert len(both.weights) == 2
    kernel = base.layers[0].kernel
    assert all(m.weights[0] is kernel for m in (first, second, both))
    np.testing.assert_allclose(both([X, X]), 2 * base(X).numpy(), rtol=1e-5)
    nnseq.utils.clear_session()
