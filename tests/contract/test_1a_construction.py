"""Contract section 1a, lines 1 to 12: construction, and a model as a list of layers."""

import copy
import pickle
import re

import numpy as np
import pytest

import nnseq
from nnseq import layers

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def three_layers(k=nnseq):
    return [
        k.layers.Dense(2, activation="relu", name="layer1"),
        k.layers.Dense(3, activation="relu", name="layer2"),
        k.layers.Dense(4, name="layer3"),
    ]


def message(kind, call):
    """The text of the error that a call raises."""
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


def test_line_1_a_model_is_its_layers_one_after_the_other(k):
    layer1, layer2, layer3 = stack = three_layers(k)
    x = np.ones((3, 3))
    y = k.Sequential(stack)(x)
    assert y.shape == (3, 4)
    np.testing.assert_allclose(y, layer3(layer2(layer1(x))), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("wrap", [list, tuple, iter, lambda x: (layer for layer in x)])
def test_line_2_any_iterable(k, wrap):
    stack = three_layers(k)
    assert k.Sequential(wrap(stack)).layers == stack


def test_line_2_signature(k):
    assert k.Sequential().layers == []
    assert k.Sequential(name="my_sequential").name == "my_sequential"
    model = k.Sequential(layers=None, trainable=True, name=None)
    assert model.layers == [] and model.trainable and model.name == "sequential_1"
    assert not k.Sequential(trainable=False).trainable
    assert k.Sequential(three_layers(k), True, "third").name == "third"


@pytest.mark.parametrize("has_input", [False, True])
def test_line_3_layers_is_a_copy(k, has_input):
    stack = three_layers(k)
    model = k.Sequential([k.Input((4,)), *stack] if has_input else stack)
    model.layers.pop()
    model.layers.clear()
    assert model.layers == stack and model.layers is not model.layers


def test_line_3_layers_cannot_be_set(k):
    model = k.Sequential(three_layers(k))
    with pytest.raises(AttributeError) as caught:
        model.layers = []
    assert str(caught.value) == (
        "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and "
        "`pop()` to change the layers in this model."
    )
    assert len(model.layers) == 3


def test_line_4_add_and_pop(k):
    model, stack = k.Sequential(), three_layers(k)
    assert [model.add(layer) for layer in stack] == [None] * 3
    assert model.pop() is stack[2]
    assert len(model.layers) == 2


def test_line_4_pop_of_an_empty_model():
    for kind in (IndexError, TypeError):  # Keras 3 raises the one, Keras 2 the other
        text = message(kind, nnseq.Sequential().pop)
        assert text == "There are no layers in the model."
    only_input = nnseq.Sequential([nnseq.Input((4,))])
    assert message(IndexError, only_input.pop) == "There are no layers in the model."
    only_input.add(layers.Dense(2))
    assert only_input.output_shape == (None, 2)


def test_line_5_repr(k):
    model = k.Sequential([k.layers.Dense(2)])
    assert repr(model) == "<Sequential name=sequential, built=False>"
    assert repr(model.layers[0]) == "<Dense name=dense, built=False>"
    model(X)
    assert repr(model) == "<Sequential name=sequential, built=True>"
    assert repr(model.layers[0]) == "<Dense name=dense, built=True>"
    assert repr(model.weights[1]) == (
        "<Variable path=sequential/dense/bias, shape=(2,), dtype=float32, value=[0. 0.]>"
    )


@pytest.mark.parametrize("of", ["a number", "a class", "a lambda", "None", "a name", "a list"])
def test_line_6_only_layers_can_be_added(k, of):
    thing = {
        "a number": 3,
        "a class": k.layers.Dense,
        "a lambda": lambda x: x,
        "None": None,
        "a name": "dense",
        "a list": [k.layers.Dense(2)],
    }[of]
    expected = (
        "Only instances of `keras.Layer` can be added to a Sequential model. "
        f"Received: {thing} (of type {type(thing)})"
    )
    assert message(ValueError, lambda: k.Sequential().add(thing)) == expected
    assert message(ValueError, lambda: k.Sequential([k.Input((4,)), thing])) == expected


@pytest.mark.parametrize("count", [0, 2])
def test_line_6_layers_take_one_input(k, count):
    class Nothing(k.layers.Layer):
        def call(self):
            return 1.0

    class Two(k.layers.Layer):
        def call(self, a, b):
            return a + b

    text = message(ValueError, lambda: k.Sequential([k.Input((4,)), Two() if count else Nothing()]))
    assert re.search("Layers added to a Sequential model .* single .*positional argument", text)


def test_line_7_names_are_unique(k):
    model = k.Sequential([k.layers.Dense(4, name="a")])
    text = message(ValueError, lambda: model.add(k.layers.Dense(4, name="a")))
    assert text == (
        "All layers added to a Sequential model should have unique names. Name 'a' is already "
        "the name of a layer in this model. Update the `name` argument to pass a unique name."
    )
    assert len(model.layers) == 1


def test_line_7_the_same_object_twice_shares_its_weights(k):
    shared = k.layers.Dense(4, name="a")
    model = k.Sequential([shared, shared])
    y = model(X)
    assert len(model.weights) == 2 and model.layers == [shared, shared]
    np.testing.assert_allclose(y, shared(shared(X)), rtol=1e-6, atol=1e-7)


def test_line_8_a_second_input(k):
    model = k.Sequential([k.Input((2,))], name="s")
    text = message(ValueError, lambda: model.add(k.Input((3,))))
    assert text == (
        "Sequential model 's' has already been configured to use input shape (None, 2). You "
        "cannot add a different Input layer to it."
    )
    model.add(k.layers.Dense(1))
    assert model.output_shape == (None, 1)


def test_line_8_an_input_after_other_layers():
    model = nnseq.Sequential([layers.Dense(2)], name="s")
    text = message(ValueError, lambda: model.add(nnseq.Input((3,))))
    assert text == "Sequential model 's' already has layers; an Input comes first."


def test_line_9_an_empty_model_cannot_be_called():
    text = (
        "Sequential model sequential_3 cannot be built because it has no layers. "
        "Call `model.add(layer)`."
    )
    model = nnseq.Sequential(name="sequential_3")
    assert message(ValueError, lambda: model(X)) == text
    assert message(ValueError, lambda: model.build((None, 4))) == text
    assert message(ValueError, lambda: model.predict(X, verbose=0)) == text
    model.add(layers.Dense(2))
    assert model(X).shape == (3, 2)


@pytest.mark.parametrize("make", ["Sequential", "Dense", "Input"])
@pytest.mark.parametrize(("name", "kind"), [("a/b", "str"), (5, "int")])
def test_line_10_names_without_slash(k, make, name, kind):
    def named():
        if make == "Dense":
            return k.layers.Dense(2, name=name)
        return k.Sequential(name=name) if make == "Sequential" else k.Input((2,), name=name)

    assert message(ValueError, named) == (
        "Argument `name` must be a string and cannot contain character `/`. "
        f"Received: name={name} (of type <class '{kind}'>)"
    )


def test_line_10_unknown_arguments(k):
    text = message(ValueError, lambda: k.layers.Dense(2, foo=5))
    assert text == "Unrecognized keyword arguments passed to Dense: {'foo': 5}"


def test_line_11_a_model_is_also_a_list():
    stack = three_layers()
    model = nnseq.Sequential([nnseq.Input((4,)), *stack])
    assert len(model) == 3 and list(model) == stack
    assert model[0] is stack[0] and model[-1] is stack[2] and model[1:] == stack[1:]
    assert stack[1] in model and layers.Dense(2) not in model
    assert nnseq.Sequential()  # an empty model is no less a model
    with pytest.raises(IndexError):
        model[3]


@pytest.mark.parametrize("state", ["unbuilt", "built", "compiled", "trained"])
@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_line_12_copies(k, state, way):
    model = k.Sequential([*three_layers(k), k.layers.BatchNormalization()])
    if state == "built":
        model.build((None, 4))
    if state in ("compiled", "trained"):
        model.compile("adam", "mse", metrics=["mae"])
    if state == "trained":
        model.fit(X, X, verbose=0)
    other = copy.deepcopy(model) if way == "deepcopy" else pickle.loads(pickle.dumps(model))
    assert other.name == model.name
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    if state in ("built", "trained"):
        np.testing.assert_array_equal(other(X), model(X))
        before = model.get_weights()
        other.set_weights([np.zeros_like(w) for w in other.get_weights()])
        for a, b in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_line_12_a_copy_trains_on_with_the_same_bits():
    model = nnseq.Sequential([*three_layers(), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, X[:, :1], epochs=2, shuffle=False, verbose=0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    losses = [m.fit(X, X[:, :1], shuffle=False, verbose=0).history for m in (model, *copies)]
    assert losses[0] == losses[1] == losses[2]
    for other in copies:
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_line_12_a_copy_has_tensors_and_layers_of_its_own():
    model = nnseq.Sequential([nnseq.Input((4,)), *three_layers()])
    other = pickle.loads(pickle.dumps(model))
    features = nnseq.Model(other.inputs, [layer.output for layer in other.layers])
    np.testing.assert_array_equal(features(X)[2], model(X))
    assert not {id(layer) for layer in model.layers} & {id(layer) for layer in other.layers}
    assert re.fullmatch("<Sequential name=.*, built=True>", repr(other))
