"""Each layer of nnseq.layers exported to ONNX and run by onnxruntime."""

import numpy as np
import pytest
from differential.bodies import LAYERS
from differential.cases import LAYER_NAMES, describe
from differential.plain import FIRST, make
from onnx_run import check, with_weights

import nnseq
from nnseq import Input, layers

RNG = np.random.default_rng(3)
IMAGE, SEQUENCE, VECTOR, VOLUME = (9, 8, 3), (6, 4), (5,), (4, 4, 3, 2)


def floats(*shape):
    return RNG.normal(size=(3, *shape)).astype("float32")


def pixels(*shape):
    return RNG.integers(0, 256, (3, *shape)).astype("float32")


def whole(*shape):
    return RNG.integers(0, 4, (3, *shape)).astype("int32")


def pair(layer):
    """Called on query and value."""
    return lambda inputs: layer(*inputs)


# Beside those that the differential test draws: (layer, inputs).
MORE = {
    "Add": (lambda: layers.Add(), [floats(4), floats(4)]),
    "AdditiveAttention": (lambda: layers.AdditiveAttention(), [floats(5, 4), floats(6, 4)]),
    "Attention": (lambda: layers.Attention(use_scale=True), [floats(5, 4), floats(6, 4)]),
    "AutoContrast": (lambda: layers.AutoContrast(), [pixels(*IMAGE)]),
    "Average": (lambda: layers.Average(), [floats(4), floats(4)]),
    "CategoryEncoding": (lambda: layers.CategoryEncoding(4), [whole(3)]),
    "CategoryEncoding-count": (
        lambda: layers.CategoryEncoding(4, output_mode="count"), [whole(3)],
    ),
    "CenterCrop": (lambda: layers.CenterCrop(5, 4), [floats(*IMAGE)]),
    "Concatenate": (lambda: layers.Concatenate(axis=1), [floats(2, 3), floats(4, 3)]),
    "ContrastLimitedAdaptiveHistogramEqualization": (
        lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2)),
        [pixels(8, 8, 3)],
    ),
    "ConvLSTM3D": (lambda: layers.ConvLSTM3D(2, 2), [floats(3, *VOLUME)]),
    "CutMix": (lambda: layers.CutMix(), [pixels(*IMAGE)]),
    "Discretization": (lambda: layers.Discretization([-0.5, 0.0, 1.0]), [floats(4)]),
    "Dot": (lambda: layers.Dot(axes=(2, 1), normalize=True), [floats(3, 4), floats(4, 2)]),
    "Equalization": (lambda: layers.Equalization(), [pixels(*IMAGE)]),
    "GRUCell": (lambda: layers.RNN(layers.GRUCell(3), return_sequences=True), [floats(*SEQUENCE)]),
    "GroupQueryAttention": (
        lambda: pair(layers.GroupQueryAttention(4, 4, 2)), [floats(5, 6), floats(7, 6)],
    ),
    "InputLayer": (lambda: layers.Identity(), [floats(4)]),
    "LSTMCell": (lambda: layers.RNN(layers.LSTMCell(3)), [floats(*SEQUENCE)]),
    "Maximum": (lambda: layers.Maximum(), [floats(4), floats(4)]),
    "Minimum": (lambda: layers.Minimum(), [floats(4), floats(4)]),
    "MultiHeadAttention": (
        lambda: pair(layers.MultiHeadAttention(2, 3, value_dim=4)), [floats(5, 6), floats(7, 6)],
    ),
    "MixUp": (lambda: layers.MixUp(), [pixels(*IMAGE)]),
    "Multiply": (lambda: layers.Multiply(), [floats(4), floats(4)]),
    "Pipeline": (
        lambda: layers.Pipeline([layers.Rescaling(0.1), layers.CenterCrop(4, 4)]), [pixels(*IMAGE)],
    ),
    "RandomBrightness": (lambda: layers.RandomBrightness(0.5), [pixels(*IMAGE)]),
    "RandomColorDegeneration": (lambda: layers.RandomColorDegeneration(0.5), [pixels(*IMAGE)]),
    "RandomColorJitter": (lambda: layers.RandomColorJitter(), [pixels(*IMAGE)]),
    "RandomContrast": (lambda: layers.RandomContrast(0.5), [pixels(*IMAGE)]),
    "RandomCrop": (lambda: layers.RandomCrop(4, 5), [pixels(*IMAGE)]),
    "RandomElasticTransform": (lambda: layers.RandomElasticTransform(), [pixels(*IMAGE)]),
    "RandomErasing": (lambda: layers.RandomErasing(), [pixels(*IMAGE)]),
    "RandomFlip": (lambda: layers.RandomFlip(), [pixels(*IMAGE)]),
    "RandomGaussianBlur": (lambda: layers.RandomGaussianBlur(), [pixels(*IMAGE)]),
    "RandomGrayscale": (lambda: layers.RandomGrayscale(), [pixels(*IMAGE)]),
    "RandomHue": (lambda: layers.RandomHue(0.5), [pixels(*IMAGE)]),
    "RandomInvert": (lambda: layers.RandomInvert(), [pixels(*IMAGE)]),
    "RandomPerspective": (lambda: layers.RandomPerspective(), [pixels(*IMAGE)]),
    "RandomPosterization": (lambda: layers.RandomPosterization(3), [pixels(*IMAGE)]),
    "RandomRotation": (lambda: layers.RandomRotation(0.1), [pixels(*IMAGE)]),
    "RandomSaturation": (lambda: layers.RandomSaturation(0.5), [pixels(*IMAGE)]),
    "RandomSharpness": (lambda: layers.RandomSharpness(0.5), [pixels(*IMAGE)]),
    "RandomShear": (lambda: layers.RandomShear(0.1, 0.1), [pixels(*IMAGE)]),
    "RandomTranslation": (lambda: layers.RandomTranslation(0.1, 0.1), [pixels(*IMAGE)]),
    "RandomZoom": (lambda: layers.RandomZoom(0.1), [pixels(*IMAGE)]),
    "Resizing": (lambda: layers.Resizing(5, 12), [pixels(*IMAGE)]),
    "Resizing-nearest": (lambda: layers.Resizing(5, 12, interpolation="nearest"), [pixels(*IMAGE)]),
    "ReversibleEmbedding": (lambda: layers.ReversibleEmbedding(4, 3), [whole(5)]),
    "SimpleRNNCell": (lambda: layers.RNN(layers.SimpleRNNCell(3)), [floats(*SEQUENCE)]),
    "Solarization": (lambda: layers.Solarization(), [pixels(*IMAGE)]),
    "SpectralNormalization": (
        lambda: layers.SpectralNormalization(layers.Conv2D(3, 2)), [floats(*IMAGE)],
    ),
    "StackedRNNCells": (
        lambda: layers.RNN(layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(2)])),
        [floats(*SEQUENCE)],
    ),
    "MelSpectrogram": (
        lambda: layers.MelSpectrogram(16, 5, num_mel_bins=4, top_db=300.0), [floats(40)]
    ),
    "STFTSpectrogram": (lambda: layers.STFTSpectrogram(frame_length=8), [floats(40, 2)]),
    "Subtract": (lambda: layers.Subtract(), [floats(4), floats(4)]),
}  # fmt: skip
NOT_OF_A_MODEL = {"InputSpec", "Layer", "Wrapper"}  # bases and descriptions
ON_THE_HOST = {"Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}  # test_onnx.py
SEEDS = {name: FIRST + k for k, name in enumerate(LAYER_NAMES)}  # a seed's layer is in its model


def drawn(seed):
    """The model of a seed of the differential test, and its inputs as it takes them."""
    case = describe(seed)
    nnseq.utils.set_random_seed(seed)
    model = nnseq.Sequential([make(nnseq, layer) for layer in case.layers])
    if not model.built:
        model = nnseq.Sequential([Input(case.input_shape), *model.layers])
    return model, case.x.astype(model.inputs[0].dtype)


def test_every_layer_is_here():
    made = (getattr(layers, name) for name in layers.__all__)
    names = {x.__name__ for x in made if isinstance(x, type)}
    known = {*LAYERS, *(name.partition("-")[0] for name in MORE), *NOT_OF_A_MODEL, *ON_THE_HOST}
    assert names - known == set()


@pytest.mark.parametrize("name", SEEDS)
def test_a_layer_among_others(name, tmp_path):
    model, x = drawn(SEEDS[name])
    check(model, [x], tmp_path)


@pytest.mark.parametrize("name", MORE)
def test_a_layer_alone(name, tmp_path):
    make_layer, arrays = MORE[name]
    inputs = [Input(x.shape[1:], dtype=str(x.dtype)) for x in arrays]
    outputs = make_layer()(inputs if len(inputs) > 1 else inputs[0])
    check(with_weights(nnseq.Model(inputs, outputs)), arrays, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("first", range(FIRST + len(SEEDS), FIRST + 1000, 100))
def test_a_thousand_models(first, tmp_path):
    for seed in range(first, min(first + 100, FIRST + 1000)):
        try:
            model, x = drawn(seed)
        except ValueError:  # a layer that only an input of another shape builds
            continue
        # Of sums that cancel, as those of ones behind a LayerNormalization, rounding is what stays.
        check(model, [x], tmp_path, tolerance=1e-4)
