"""Contract section 1f, lines 34 to 37: a built Sequential model is a functional model."""

import warnings

import numpy as np
import pytest

import nnseq
from nnseq import Functional, Input, Model, Sequential, layers

X = np.random.default_rng(0).normal(size=(1, 25, 25, 3)).astype("float32")


def conv_net(k=nnseq):
    return k.Sequential(
        [
            k.Input(shape=(25, 25, 3)),
            k.layers.Conv2D(32, 5, strides=2, activation="relu"),
            k.layers.Conv2D(32, 3, activation="relu", name="mid"),
            k.layers.Conv2D(32, 3, activation="relu"),
        ]
    )


def test_line_34_the_outputs_of_all_layers(k):
    m = conv_net(k)
    extractor = k.Model(inputs=m.inputs, outputs=[layer.output for layer in m.layers])
    with warnings.catch_warnings():
        warnings.simplefilter("error" if k is nnseq else "ignore")
        features = extractor(X)
    assert isinstance(features, list)
    assert [f.shape for f in features] == [(1, 11, 11, 32), (1, 9, 9, 32), (1, 7, 7, 32)]
    np.testing.assert_allclose(m(X), features[-1], rtol=1e-5, atol=1e-6)
    assert type(extractor).__name__ == "Functional"
    assert [layer.name for layer in extractor.layers][:2] == ["input_layer", "conv2d"]
    assert extractor.layers[1:] == m.layers
    assert all(a is b for a, b in zip(m.weights, extractor.weights, strict=True))


def test_line_34_the_output_of_one_layer(k):
    m = conv_net(k)
    extractor = k.Model(inputs=m.inputs, outputs=m.get_layer(name="mid").output)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if k is nnseq else "ignore")
        features = extractor(X)
    assert features.shape == (1, 9, 9, 32)
    np.testing.assert_allclose(features, m.layers[1](m.layers[0](X)), rtol=1e-5, atol=1e-6)


def test_line_34_features_follow_the_model():
    m = conv_net()
    extractor = Model(inputs=m.inputs, outputs=[layer.output for layer in m.layers])
    before = extractor(X)[1].numpy()
    m.compile("sgd", "mse")
    m.fit(X, np.ones((1, 7, 7, 32)), verbose=0)
    after = extractor.predict(X, verbose=0)[1]
    assert (before != after).any()
    np.testing.assert_allclose(after, m.layers[1](m.layers[0](X)), rtol=1e-5, atol=1e-6)
    assert isinstance(extractor, Functional) and isinstance(extractor, Model)


def test_line_34_other_batches_after_a_call():
    m = Sequential([layers.Dense(3, "tanh"), layers.Dense(2)])
    m(np.ones((1, 4)))  # built for one row
    extractor = Model(m.inputs, [layer.output for layer in m.layers])
    assert [f.shape for f in extractor(np.ones((6, 4)))] == [(6, 3), (6, 2)]


@pytest.mark.parametrize("kind", ["Sequential", "Functional"])
def test_line_34_a_model_in_the_model_is_a_layer(kind):
    x = Input((4,))
    base = Sequential([x, layers.Dense(5), layers.Dense(6)], name="base")
    if kind == "Functional":
        base = Model(x, base.layers[1](base.layers[0](x)), name="base")
    m = Sequential([Input((4,)), layers.Dense(4), base, layers.Dense(2)])
    data = np.ones((3, 4), "float32")
    h = m.layers[0](data)
    for extractor in (
        Model(m.inputs, [layer.output for layer in m.layers]),
        Model(m.inputs, [m.get_layer("base").output]),
        Model(m.inputs, base.outputs),
    ):
        features = extractor(data)
        feature = features[1] if len(features) == 3 else features[0]
        np.testing.assert_allclose(feature, base(h), rtol=1e-5, atol=1e-6)
    alone = Model(base.inputs, base.output)
    np.testing.assert_array_equal(alone(data), base(data))
    inner = Model(base.input, [base.layers[-2].output, base.output])
    assert [f.shape for f in inner(data)] == [(3, 5), (3, 6)]


def test_line_35_layers_have_input_and_output_once_built(k):
    lazy = k.Sequential([k.layers.Dense(2), k.layers.Dense(3)])
    with pytest.raises(AttributeError, match=r"dense has never been called and thus has no def"):
        _ = lazy.layers[0].output
    lazy.build((None, 4))
    first, second = lazy.layers
    assert type(first.output).__name__ == "KerasTensor"
    assert first.input.shape == (None, 4) and first.output.shape == (None, 2)
    assert second.input is first.output and second.output.shape == (None, 3)
    assert isinstance(lazy.inputs, list) and isinstance(lazy.outputs, list)
    assert lazy.inputs[0] is first.input and lazy.outputs[0] is second.output


def test_line_35_input_and_output_of_the_model():
    m = conv_net()
    assert m.input is m.inputs[0] and m.output is m.outputs[0]
    assert m.output is m.layers[-1].output and m.input is m.layers[0].input
    extractor = Model(m.input, m.output)
    np.testing.assert_array_equal(extractor(X), m(X))
    m.pop()
    assert m.output is m.layers[-1].output and m.outputs == [m.output]


def test_line_36_get_layer(k):
    m = conv_net(k)
    assert m.get_layer("mid") is m.get_layer(name="mid") is m.layers[1]
    assert m.get_layer(index=0) is m.layers[0] and m.get_layer(index=2) is m.layers[2]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"name": "nope"},
            "No such layer: nope. Existing layers are: ['conv2d', 'mid', 'conv2d_1'].",
        ),
        ({"index": 9}, "Was asked to retrieve layer at index 9 but model only has 3 layers."),
        ({}, "Provide either a layer name or layer index at `get_layer`."),
        (
            {"index": 1, "name": "mid"},
            "Provide only a layer name or a layer index. Received: index=1, name=mid.",
        ),
    ],
)
def test_line_36_errors(k, arguments, text):
    with pytest.raises(ValueError) as caught:
        conv_net(k).get_layer(**arguments)
    assert str(caught.value) == text


def test_line_37_from_the_middle_to_the_end(k):
    m = conv_net(k)
    head = k.Model(m.layers[1].output, m.outputs)
    h = np.random.default_rng(1).normal(size=(2, 9, 9, 32)).astype("float32")
    y = head(h)
    y = y[0] if isinstance(y, (list, tuple)) else y
    np.testing.assert_allclose(y, m.layers[2](h), rtol=1e-4, atol=1e-5)
    assert len(head.weights) == 2 and head.weights[0] is m.layers[2].kernel


def test_line_37_middle_to_middle():
    m = Sequential([Input((4,)), *(layers.Dense(3, "tanh") for _ in range(4))])
    part = Model(m.layers[0].output, m.layers[2].output)
    h = np.ones((2, 3), "float32")
    np.testing.assert_allclose(part(h), m.layers[2](m.layers[1](h)), rtol=1e-6)
    with pytest.raises(ValueError, match="depend on the input"):
        Model(m.layers[2].output, m.layers[0].output)
