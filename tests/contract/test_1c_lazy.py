"""Contract section 1c, lines 16 to 24: weights are made when the shape of the input is known."""

import re
import warnings

import numpy as np
import pytest

import nnseq
from nnseq import layers

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
Y = np.ones((5, 1), "float32")


def guide_model(k=nnseq, **kwargs):
    return k.Sequential(
        [k.layers.Dense(2, activation="relu"), k.layers.Dense(3, activation="relu"),
         k.layers.Dense(4)], **kwargs,
    )  # fmt: skip


def shapes(variables):
    return [tuple(v.shape) for v in variables]


def rows_of(model):
    """(output shape, parameters) of each row of the summary."""
    texts = []
    model.summary(print_fn=texts.append)
    rows = re.findall(r"^│.*│ +(\(.*\)) +│ +([\d,]+) +│$", texts[0], re.MULTILINE)
    return rows, re.search(r"Total params: (.*)", texts[0])[1]


def test_line_16_a_layer_makes_its_weights_at_the_first_call(k):
    layer = k.layers.Dense(3)
    assert layer.weights == [] and not layer.built
    y = layer(np.ones((1, 4)))
    assert y.shape == (1, 3) and layer.built
    assert shapes(layer.weights) == [(4, 3), (3,)]
    assert layer.weights[0] is layer.kernel and layer.weights[1] is layer.bias
    assert not np.asarray(layer.bias).any() and np.asarray(layer.kernel).any()
    assert [v.name for v in layer.weights] == ["kernel", "bias"]


def test_line_16_paths(k):
    alone = k.layers.Dense(3)
    alone(X)
    assert [v.path for v in alone.weights] == ["dense/kernel", "dense/bias"]
    model = k.Sequential([k.layers.Dense(3), k.Sequential([k.layers.Dense(2)], name="inner")])
    model(X)
    assert [v.path for v in model.weights] == [
        "sequential/dense_1/kernel", "sequential/dense_1/bias",
        "sequential/inner/dense_2/kernel", "sequential/inner/dense_2/bias",
    ]  # fmt: skip
    built_before = k.Sequential([alone], name="m")
    built_before(X)
    assert built_before.weights[0].path == "dense/kernel"


def test_line_17_weights_of_an_unbuilt_model():
    model = guide_model(name="sequential_3")
    expected = (
        "Weights for model 'sequential_3' have not yet been created. Weights are created when the "
        "model is first called on inputs or `build()` is called with an `input_shape`."
    )
    for read in (
        lambda: model.weights,
        lambda: model.trainable_weights,
        lambda: model.non_trainable_weights,
        lambda: model.variables,
        lambda: model.trainable_variables,
        lambda: model.non_trainable_variables,
        model.get_weights,
        lambda: model.set_weights([]),
    ):
        with pytest.raises(ValueError) as caught:
            read()
        assert str(caught.value) == expected
    model(X)
    assert len(model.weights) == len(model.trainable_variables) == 6


def test_line_18_summary_of_an_unbuilt_model():
    for model in (guide_model(), nnseq.Sequential()):
        with pytest.raises(ValueError) as caught:
            model.summary()
        assert str(caught.value) == (
            "This model has not yet been built. Build the model first by calling `build()` or by "
            "calling the model on a batch of data."
        )


def test_line_19_what_an_unbuilt_model_does_not_know(k):
    for thing, name in ((k.layers.Dense(3), "dense"), (guide_model(k, name="m"), "m")):
        with pytest.raises(ValueError) as caught:
            thing.count_params()
        assert str(caught.value) == (
            f"You tried to call `count_params` on layer '{name}', but the layer isn't built. You "
            "can build it manually via: `layer.build(input_shape)`."
        )
    model = guide_model(k)
    for name in ("inputs", "outputs", "input_shape", "output_shape", "input", "output"):
        assert not hasattr(model, name)
    for name in ("input", "output"):
        assert not hasattr(model.layers[0], name)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("inputs", "inputs"), ("outputs", "outputs"),
        ("input", "inputs"), ("output", "outputs"),
        ("input_shape", "input shape"), ("output_shape", "output shape"),
    ],
)  # fmt: skip
def test_line_19_texts(name, what):
    with pytest.raises(AttributeError) as caught:
        getattr(guide_model(name="x"), name)
    assert str(caught.value) == f"Sequential model 'x' has no defined {what} yet."


def test_line_21_a_call_builds_for_the_shape_it_gets(k):
    model = guide_model(k)
    assert model(np.ones((1, 4))).shape == (1, 4)
    assert len(model.weights) == 6 and model.built
    assert shapes(model.weights) == [(4, 2), (2,), (2, 3), (3,), (3, 4), (4,)]
    expected = [("(1, 2)", "10"), ("(1, 3)", "9"), ("(1, 4)", "16")]
    assert rows_of(model) == (expected, "35 (140.00 B)")
    assert model(X).shape == (5, 4) and model(np.ones((50, 4))).shape == (50, 4)
    assert rows_of(model)[0] == expected
    assert model.output_shape == (1, 4)


def test_line_21_build(k):
    model = guide_model(k)
    model.build((None, 4))
    assert rows_of(model)[0] == [("(None, 2)", "10"), ("(None, 3)", "9"), ("(None, 4)", "16")]
    assert model.input_shape == (None, 4) and model.output_shape == (None, 4)
    kernel = np.asarray(model.weights[0]).copy()
    model(X)
    np.testing.assert_array_equal(model.weights[0], kernel)
    with pytest.raises(ValueError, match=r"already been configured to use input shape \(None, 4\)"):
        model.build((None, 5))


def test_line_22_fit_builds_for_any_batch_size():
    x, y = np.ones((48, 3)), np.ones((48, 1))
    for use in (
        lambda m: m.fit(x, y, batch_size=48, verbose=0),
        lambda m: m.fit(x, y, batch_size=7, verbose=0),
        lambda m: m.evaluate(x, y, verbose=0),
        lambda m: m.predict(x, verbose=0),
        lambda m: m.train_on_batch(x, y),
        lambda m: m.test_on_batch(x, y),
        lambda m: m.predict_on_batch(x),
        lambda m: m.fit(iter([(x, y)]), verbose=0),
    ):
        model = nnseq.Sequential([layers.Dense(3), layers.Dense(1)])
        model.compile("sgd", "mse")
        use(model)
        assert model.output_shape == (None, 1) and model.layers[0].output.shape == (None, 3)


def test_line_23_predict_needs_neither_compile_nor_build(k):
    model = guide_model(k)
    assert model.predict(X, verbose=0).shape == (5, 4)
    assert len(model.weights) == 6


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("built", [False, True])
def test_line_23_training_needs_compile(call, built):
    model = guide_model()
    if built:
        model.build((None, 4))
    with pytest.raises(ValueError) as caught:
        getattr(model, call)(X, Y)
    assert str(caught.value) == "You must call `compile()` before using the model."
    assert model.predict(X, verbose=0).shape == (5, 4)


def test_line_24_another_last_dim():
    model = guide_model()
    model(X)
    name = model.layers[0].name
    expected = (
        f"Input 0 of layer '{name}' is incompatible with the layer: expected axis -1 of input "
        "shape to have value 4, but received input with shape (5, 7)"
    )
    with pytest.raises(ValueError) as caught:
        model(np.ones((5, 7)))
    assert str(caught.value) == expected
    for rank in (np.ones(4), np.ones((5, 2, 7))):
        with pytest.raises(ValueError, match=f"Input 0 of layer '{name}' is incompatible"):
            model(rank)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model(X).shape == (5, 4)


@pytest.mark.keras
def test_line_24_keras_says_the_same_within_more_words():
    keras = pytest.importorskip("keras")
    texts = []
    for k in (nnseq, keras):
        model = k.Sequential([k.layers.Dense(2, name="d")])
        model(X)
        with pytest.raises(ValueError) as caught:
            model(np.ones((5, 7)))
        texts.append(str(caught.value))
    what = " of layer 'd' is incompatible with the layer: expected axis -1 of input shape to have "
    assert all(what in text for text in texts)
