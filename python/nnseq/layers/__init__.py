"""Layers: configuration, weights, and a call written with nnseq.ops."""

from typing import Any

from nnseq.engine.registry import Registry
from nnseq.layers.activation import ELU, LeakyReLU, PReLU, ReLU, Softmax
from nnseq.layers.attention import AdditiveAttention, Attention
from nnseq.layers.bidirectional import Bidirectional
from nnseq.layers.categories import CategoryEncoding, Discretization
from nnseq.layers.conv_lstm import ConvLSTM1D, ConvLSTM2D
from nnseq.layers.convolutional import Conv1D, Conv2D, Conv2DTranspose
from nnseq.layers.core import Activation, Dense, Dropout, Embedding, Flatten, Identity, Reshape
from nnseq.layers.dot import Dot, dot
from nnseq.layers.einsum_dense import EinsumDense
from nnseq.layers.group_normalization import GroupNormalization
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
from nnseq.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from nnseq.layers.preprocessing import Normalization, Rescaling
from nnseq.layers.random_images import (
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
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
    Permute,
    RepeatVector,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from nnseq.layers.rnn import RNN
from nnseq.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell
from nnseq.layers.rnn_layers import GRU, LSTM, SimpleRNN
from nnseq.layers.separable import DepthwiseConv2D, SeparableConv2D
from nnseq.layers.stacked_rnn_cells import StackedRNNCells
from nnseq.layers.text import TextVectorization
from nnseq.layers.wrapping import TimeDistributed, Wrapper

AvgPool2D = AveragePooling2D
AvgPool1D = AveragePooling1D
Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
SeparableConvolution2D = SeparableConv2D
GlobalMaxPool1D = GlobalMaxPooling1D
MaxPool1D = MaxPooling1D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
MaxPool2D = MaxPooling2D

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
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "Convolution1D",
    "Convolution2D",
    "Convolution2DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
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
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
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
