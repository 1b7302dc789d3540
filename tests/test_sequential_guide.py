"""The code blocks of Keras' guide to the Sequential model, as they stand there, with its results.

`tf.ones` is by NumPy. Blocks that need Xception or TensorBoard are left out.
"""

import re
import warnings

import numpy as np
import pytest

import nnseq as keras
from nnseq import layers


class tf:
    """What the guide uses of TensorFlow."""

    @staticmethod
    def ones(shape):
        return np.ones(shape, dtype="float32")


@pytest.fixture(autouse=True)
def session():
    """Names as in a new session; the guide's code never warns."""
    keras.utils.clear_session(free_memory=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def printed(capsys):
    """The rows, (name, type, shape, parameters), and the totals of the last summary printed."""
    text = "Model:" + capsys.readouterr().out.rsplit("Model:", 1)[1]
    rows = re.findall(r"^│ (\w+) \((\w+)\) +│ (\(.*\)) +│ +([\d,]+) │$", text, re.MULTILINE)
    totals = re.findall(r"^ ([\w-]+) params: ([\d,]+) \(", text, re.MULTILINE)
    return re.match('Model: "(.*)"', text)[1], rows, dict(totals)


# --- When to use a Sequential model --------------------------------------------------------------
def test_a_sequential_model_is_equivalent_to_this_function():
    # Define Sequential model with 3 layers
    model = keras.Sequential(
        [
            layers.Dense(2, activation="relu", name="layer1"),
            layers.Dense(3, activation="relu", name="layer2"),
            layers.Dense(4, name="layer3"),
        ]
    )
    # Call model on a test input
    x = tf.ones((3, 3))
    y = model(x)
    assert y.shape == (3, 4)

    from_model = y.numpy()
    weights = model.get_weights()

    # Create 3 layers
    layer1 = layers.Dense(2, activation="relu", name="layer1")
    layer2 = layers.Dense(3, activation="relu", name="layer2")
    layer3 = layers.Dense(4, name="layer3")

    # Call layers on a test input
    x = tf.ones((3, 3))
    y = layer3(layer2(layer1(x)))
    assert y.shape == (3, 4)

    for i, layer in enumerate([layer1, layer2, layer3]):
        layer.set_weights(weights[2 * i : 2 * i + 2])
    np.testing.assert_allclose(layer3(layer2(layer1(x))), from_model, rtol=1e-6, atol=1e-7)


# --- Creating a Sequential model -----------------------------------------------------------------
def test_layers_are_accessible():
    model = keras.Sequential([
        layers.Dense(2, activation="relu"),
        layers.Dense(3, activation="relu"),
        layers.Dense(4),
    ])  # fmt: skip
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"] * 3


def test_add_and_pop(capsys):
    model = keras.Sequential()
    model.add(layers.Dense(2, activation="relu"))
    model.add(layers.Dense(3, activation="relu"))
    model.add(layers.Dense(4))

    model.pop()
    print(len(model.layers))  # 2
    assert capsys.readouterr().out == "2\n"


def test_names():
    model = keras.Sequential(name="my_sequential")
    model.add(layers.Dense(2, activation="relu", name="layer1"))
    model.add(layers.Dense(3, activation="relu", name="layer2"))
    model.add(layers.Dense(4, name="layer3"))
    assert model.name == "my_sequential"
    assert [layer.name for layer in model.layers] == ["layer1", "layer2", "layer3"]


# --- Specifying the input shape in advance -------------------------------------------------------
def test_a_layer_creates_its_weights_when_it_is_called():
    layer = layers.Dense(3)
    assert layer.weights == []  # Empty

    # Call layer on a test input
    x = tf.ones((1, 4))
    y = layer(x)
    assert y.shape == (1, 3)
    # Now it has weights, of shape (4, 3) and (3,)
    assert [w.shape for w in layer.weights] == [(4, 3), (3,)]
    assert layer.weights[1].numpy().tolist() == [0.0, 0.0, 0.0]
    assert "kernel" in repr(layer.weights[0]) and "shape=(4, 3)" in repr(layer.weights[0])


def test_a_model_creates_its_weights_when_it_sees_data(capsys):
    model = keras.Sequential(
        [
            layers.Dense(2, activation="relu"),
            layers.Dense(3, activation="relu"),
            layers.Dense(4),
        ]
    )  # No weights at this stage!

    # At this point, you can't do this:
    with pytest.raises(ValueError, match="have not yet been created"):
        model.weights  # noqa: B018

    # You also can't do this:
    with pytest.raises(ValueError, match="not yet been built"):
        model.summary()

    # Call the model on a test input
    x = tf.ones((1, 4))
    y = model(x)
    print("Number of weights after calling the model:", len(model.weights))  # 6
    assert capsys.readouterr().out == "Number of weights after calling the model: 6\n"
    assert y.shape == (1, 4)

    model.summary()
    assert printed(capsys) == (
        "sequential",
        [
            ("dense", "Dense", "(1, 2)", "10"),
            ("dense_1", "Dense", "(1, 3)", "9"),
            ("dense_2", "Dense", "(1, 4)", "16"),
        ],
        {"Total": "35", "Trainable": "35", "Non-trainable": "0"},
    )


ONE_LAYER = (
    "sequential",
    [("dense", "Dense", "(None, 2)", "10")],
    {"Total": "10", "Trainable": "10", "Non-trainable": "0"},
)


def test_an_input_first(capsys):
    model = keras.Sequential()
    model.add(keras.Input(shape=(4,)))
    model.add(layers.Dense(2, activation="relu"))

    model.summary()
    assert printed(capsys) == ONE_LAYER
    # The `Input` object is not displayed as part of `model.layers`, since it isn't a layer
    assert [type(layer).__name__ for layer in model.layers] == ["Dense"]


def test_an_input_shape_argument(capsys):
    model = keras.Sequential()
    model.add(layers.Dense(2, activation="relu", input_shape=(4,)))

    model.summary()
    assert printed(capsys) == ONE_LAYER
    # always have weights (even before seeing any data) and always have a defined output shape
    assert len(model.weights) == 2 and model.output_shape == (None, 2)


# --- A common debugging workflow: add() + summary() ----------------------------------------------
def test_add_and_summary(capsys):
    model = keras.Sequential()
    model.add(keras.Input(shape=(250, 250, 3)))  # 250x250 RGB images
    model.add(layers.Conv2D(32, 5, strides=2, activation="relu"))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D(3))

    # Can you guess what the current output shape is at this point? Probably not.
    # Let's just print it:
    model.summary()
    first = [
        ("conv2d", "Conv2D", "(None, 123, 123, 32)", "2,432"),
        ("conv2d_1", "Conv2D", "(None, 121, 121, 32)", "9,248"),
        ("max_pooling2d", "MaxPooling2D", "(None, 40, 40, 32)", "0"),
    ]
    totals = {"Total": "11,680", "Trainable": "11,680", "Non-trainable": "0"}
    assert printed(capsys) == ("sequential", first, totals)

    # The answer was: (40, 40, 32), so we can keep downsampling...

    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D(3))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D(2))

    # And now?
    model.summary()
    second = [
        ("conv2d_2", "Conv2D", "(None, 38, 38, 32)", "9,248"),
        ("conv2d_3", "Conv2D", "(None, 36, 36, 32)", "9,248"),
        ("max_pooling2d_1", "MaxPooling2D", "(None, 12, 12, 32)", "0"),
        ("conv2d_4", "Conv2D", "(None, 10, 10, 32)", "9,248"),
        ("conv2d_5", "Conv2D", "(None, 8, 8, 32)", "9,248"),
        ("max_pooling2d_2", "MaxPooling2D", "(None, 4, 4, 32)", "0"),
    ]
    totals = {"Total": "48,672", "Trainable": "48,672", "Non-trainable": "0"}
    assert printed(capsys) == ("sequential", first + second, totals)

    # Now that we have 4x4 feature maps, time to apply global max pooling.
    model.add(layers.GlobalMaxPooling2D())

    # Finally, we add a classification layer.
    model.add(layers.Dense(10))
    assert model(tf.ones((1, 250, 250, 3))).shape == (1, 10)


# --- Feature extraction with a Sequential model --------------------------------------------------
def test_features_of_all_layers():
    initial_model = keras.Sequential(
        [
            keras.Input(shape=(250, 250, 3)),
            layers.Conv2D(32, 5, strides=2, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
        ]
    )
    feature_extractor = keras.Model(
        inputs=initial_model.inputs,
        outputs=[layer.output for layer in initial_model.layers],
    )

    # Call feature extractor on test input.
    x = tf.ones((1, 250, 250, 3))
    features = feature_extractor(x)
    assert [f.shape for f in features] == [
        (1, 123, 123, 32), (1, 121, 121, 32), (1, 119, 119, 32),
    ]  # fmt: skip
    for layer, feature in zip(initial_model.layers, features, strict=True):
        x = layer(x)
        np.testing.assert_allclose(feature, x, rtol=1e-5, atol=1e-6)
    # every layer has an input and output attribute
    assert all(hasattr(layer, "input") and hasattr(layer, "output") for layer in initial_model)


def test_features_of_one_layer():
    initial_model = keras.Sequential(
        [
            keras.Input(shape=(250, 250, 3)),
            layers.Conv2D(32, 5, strides=2, activation="relu"),
            layers.Conv2D(32, 3, activation="relu", name="my_intermediate_layer"),
            layers.Conv2D(32, 3, activation="relu"),
        ]
    )
    feature_extractor = keras.Model(
        inputs=initial_model.inputs,
        outputs=initial_model.get_layer(name="my_intermediate_layer").output,
    )
    # Call feature extractor on test input.
    x = tf.ones((1, 250, 250, 3))
    features = feature_extractor(x)
    assert features.shape == (1, 121, 121, 32)
    expected = initial_model.layers[1](initial_model.layers[0](x))
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-6)


# --- Transfer learning with a Sequential model ---------------------------------------------------
def blueprint():
    return keras.Sequential([
        keras.Input(shape=(784)),
        layers.Dense(32, activation='relu'),
        layers.Dense(32, activation='relu'),
        layers.Dense(32, activation='relu'),
        layers.Dense(10),
    ])  # fmt: skip


def test_freezing_all_layers_except_the_last_one(tmp_path, capsys):
    path = tmp_path / "pretrained.weights.h5"
    pretrained = blueprint()
    pretrained.save_weights(path)
    x = np.random.default_rng(0).normal(size=(40, 784)).astype("float32")
    y = np.arange(40) % 10

    model = blueprint()

    # Presumably you would want to first load pre-trained weights.
    model.load_weights(path)
    before = model.get_weights()
    for mine, saved in zip(before, pretrained.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, saved)

    # Freeze all layers except the last one.
    for layer in model.layers[:-1]:
        layer.trainable = False

    # Recompile and train (this will only update the weights of the last layer).
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, y, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    same = [bool((a == b).all()) for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [True] * 6 + [False] * 2
    model.summary()
    totals = printed(capsys)[2]
    assert (totals["Trainable"], totals["Non-trainable"]) == ("330", "27,232")


def test_a_frozen_base_below_a_new_classifier():
    """The guide's second blueprint with a small base in place of Xception."""
    base_model = keras.Sequential([
        keras.Input(shape=(12, 12, 3)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.GlobalAveragePooling2D(),
    ])  # fmt: skip

    # Freeze the base model
    base_model.trainable = False

    # Use a Sequential model to add a trainable classifier on top
    model = keras.Sequential([
        base_model,
        layers.Dense(1000),
    ])  # fmt: skip
    assert model.built and len(model.trainable_weights) == 2

    # Compile & train
    before = base_model.get_weights()
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(np.random.default_rng(0).normal(size=(8, 12, 12, 3)), np.arange(8), verbose=0)
    for a, b in zip(before, base_model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_go_on_through_the_guide(capsys):
    """In one session the summaries show the numbers that the guide shows."""
    keras.Sequential([layers.Dense(2, name="layer1"), layers.Dense(4, name="layer3")])
    keras.Sequential([layers.Dense(2), layers.Dense(3), layers.Dense(4)])
    model = keras.Sequential()
    for units in (2, 3, 4):
        model.add(layers.Dense(units))
    keras.Sequential(name="my_sequential")
    layer = layers.Dense(3)
    layer(tf.ones((1, 4)))
    assert [w.path for w in layer.weights] == ["dense_6/kernel", "dense_6/bias"]
    model = keras.Sequential([layers.Dense(2), layers.Dense(3), layers.Dense(4)])
    model(tf.ones((1, 4)))
    model.summary()
    name, rows, _ = printed(capsys)
    assert (name, [row[0] for row in rows]) == ("sequential_3", ["dense_7", "dense_8", "dense_9"])
    model = keras.Sequential([keras.Input(shape=(4,)), layers.Dense(2)])
    model.summary()
    assert printed(capsys)[:2] == ("sequential_4", [("dense_10", "Dense", "(None, 2)", "10")])
    model = keras.Sequential([layers.Dense(2, input_shape=(4,))])
    model.summary()
    assert printed(capsys)[:2] == ("sequential_5", [("dense_11", "Dense", "(None, 2)", "10")])
    assert keras.Sequential().name == "sequential_6"
