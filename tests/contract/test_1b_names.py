"""Contract section 1b, lines 13 to 15: automatic names."""

import pytest

import nnseq
from nnseq.engine.naming import to_snake_case

NAMES = [
    ("Conv2D", "conv2d"),
    ("MaxPooling2D", "max_pooling2d"),
    ("GlobalMaxPooling2D", "global_max_pooling2d"),
    ("BatchNormalization", "batch_normalization"),
    ("ReLU", "re_lu"),
    ("PReLU", "p_re_lu"),
    ("LeakyReLU", "leaky_re_lu"),
    ("ELU", "elu"),
    ("Conv2DTranspose", "conv2d_transpose"),
    ("SeparableConv2D", "separable_conv2d"),
    ("DepthwiseConv2D", "depthwise_conv2d"),
    ("ZeroPadding2D", "zero_padding2d"),
    ("UpSampling2D", "up_sampling2d"),
    ("SpatialDropout1D", "spatial_dropout1d"),
    ("SimpleRNN", "simple_rnn"),
    ("InputLayer", "input_layer"),
]
ARGUMENTS = {
    "Conv2D": (1, 1), "Conv2DTranspose": (1, 1), "SeparableConv2D": (1, 1), "DepthwiseConv2D": (1,),
    "SpatialDropout1D": (0.5,), "SimpleRNN": (1,), "InputLayer": ((1,),),
}  # fmt: skip


@pytest.mark.parametrize(("cls", "name"), NAMES)
def test_line_13_layers(k, cls, name):
    made = [getattr(k.layers, cls)(*ARGUMENTS.get(cls, ())) for _ in range(3)]
    assert [layer.name for layer in made] == [name, f"{name}_1", f"{name}_2"]


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        *NAMES,
        ("LSTM", "lstm"),
        ("GRU", "gru"),
        ("EinsumDense", "einsum_dense"),
        ("MyNet2DLayer", "my_net2d_layer"),
        ("My.Thing", "my_thing"),
    ],
)
def test_line_13_rule(cls, name):
    assert to_snake_case(cls) == name


def test_line_13_own_classes(k):
    class MyNet2DLayer(k.layers.Layer):
        pass

    class HTTPModel(k.Sequential):
        pass

    assert MyNet2DLayer().name == "my_net2d_layer"
    assert [HTTPModel().name, HTTPModel().name] == ["http_model", "http_model_1"]


def test_line_14_one_counter_per_base_name(k):
    Dense = k.layers.Dense
    assert [Dense(1).name, k.layers.Conv2D(1, 1).name, Dense(1).name] == [
        "dense",
        "conv2d",
        "dense_1",
    ]
    Dense(1, name="mine")  # a given name takes no number
    with pytest.raises(ValueError):
        Dense(-1)  # one that fails does
    assert Dense(1).name in ("dense_2", "dense_3")
    k.utils.clear_session(free_memory=False)
    assert Dense(1).name == "dense"


def test_line_14_a_name_is_taken_although_construction_raises(k):
    class Picky(k.layers.Layer):
        def __init__(self, fail=False):
            super().__init__()
            if fail:
                raise ValueError("picky")

    with pytest.raises(ValueError, match="picky"):
        Picky(fail=True)
    assert Picky().name == "picky_1"


def test_line_14_models_count_with_layers(k):
    assert k.Sequential().name == "sequential"
    assert [k.Sequential().name for _ in range(3)][-1] == "sequential_3"
    x = k.Input((4,))
    assert k.Model(x, k.layers.Dense(1)(x)).name == "functional"
    x = k.Input((4,))
    assert k.Model(x, k.layers.Dense(1)(x)).name == "functional_1"


def test_line_14_sessions_and_uids(k):
    k.layers.Dense(1)
    assert k.backend.get_uid("dense") == 2
    assert k.layers.Dense(1).name == "dense_2"
    k.backend.clear_session()
    assert k.backend.get_uid("dense") == 1
    assert k.layers.Dense(1).name == "dense_1"


def test_line_15_names_of_keras_tensors(k):
    foo = k.Input((4,), name="foo")
    assert foo.name == "foo"
    y = k.layers.Dense(2)(foo)
    model = k.Model(foo, y)
    assert y.name == "keras_tensor" and (y * 2).name == "keras_tensor_1"
    assert model.layers[0].name == "foo" and type(model.layers[0]).__name__ == "InputLayer"
    assert k.Input((4,)).name == "keras_tensor_2"


def test_line_15_an_input_without_a_name():
    nnseq.utils.clear_session()
    x = nnseq.Input((4,))
    model = nnseq.Model(x, nnseq.layers.Dense(1)(x))
    assert model.layers[0].name == "input_layer"
