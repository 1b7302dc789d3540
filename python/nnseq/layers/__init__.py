"""Layers: configuration, weights, and a call written with nnseq.ops."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.layers.activation import ELU, LeakyReLU, PReLU, ReLU, Softmax
from nnseq.layers.attention import AdditiveAttention, Attention
from nnseq.layers.bidirectional import Bidirectional
from nnseq.layers.categories import CategoryEncoding, Discretization
from nnseq.layers.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from nnseq.layers.convolutional import Conv1D, Conv2D, Conv3D
from nnseq.layers.core import Activation, Dense, Dropout, Embedding, Flatten, Identity, Reshape
from nnseq.layers.dot import Dot, dot
from nnseq.layers.einsum_dense import EinsumDense
from nnseq.layers.group_normalization import GroupNormalization
from nnseq.layers.histograms import ContrastLimitedAdaptiveHistogramEqualization, Equalization
from nnseq.layers.images import CenterCrop, Resizing
from nnseq.layers.input_layer import Input, InputLayer
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.lambda_layer import Lambda
from nnseq.layers.layer import Layer
from nnseq.layers.length_normalization import RMSNormalization, UnitNormalization
from nnseq.layers.lookups import Hashing, IntegerLookup, StringLookup
from nnseq.layers.masking import Masking
from nnseq.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from nnseq.layers.multi_head_attention import GroupQueryAttention, MultiHeadAttention
from nnseq.layers.normalization import BatchNormalization, LayerNormalization
from nnseq.layers.pipeline import Pipeline
from nnseq.layers.pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from nnseq.layers.preprocessing import Normalization, Rescaling
from nnseq.layers.random_colors import (
    AutoContrast,
    RandomErasing,
    RandomGrayscale,
    RandomInvert,
    Solarization,
)
from nnseq.layers.random_images import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from nnseq.layers.random_mixtures import CutMix, MixUp
from nnseq.layers.random_tones import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomHue,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
)
from nnseq.layers.random_warps import (
    RandomElasticTransform,
    RandomGaussianBlur,
    RandomPerspective,
    RandomShear,
)
from nnseq.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from nnseq.layers.reshaping import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Permute,
    RepeatVector,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from nnseq.layers.reversible_embedding import ReversibleEmbedding
from nnseq.layers.rnn import RNN
from nnseq.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell
from nnseq.layers.rnn_layers import GRU, LSTM, SimpleRNN
from nnseq.layers.separable import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from nnseq.layers.spectral_normalization import SpectralNormalization
from nnseq.layers.spectrograms import MelSpectrogram, STFTSpectrogram
from nnseq.layers.stacked_rnn_cells import StackedRNNCells
from nnseq.layers.text import TextVectorization
from nnseq.layers.transposed import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from nnseq.layers.wrapping import TimeDistributed, Wrapper

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

_registry = Registry(
    "layer",
    {x for x in globals().values() if isinstance(x, type) and issubclass(x, Layer)},
    {name: x for name, x in globals().items() if isinstance(x, type) and issubclass(x, Layer)},
)


def get(identifier: Any) -> Any:
    """Returns the layer of a name, a configuration or a class; a layer is returned as it is."""
    return identifier if isinstance(identifier, Layer) else _registry.get(identifier)


def serialize(layer: Any) -> Any:
    """Returns the configuration of a layer, as Keras writes it."""
    return _registry.serialize(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns the layer of a configuration.

    >>> deserialize({"class_name": "Dense", "config": {"units": 3}}).units
    3
    """
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]
