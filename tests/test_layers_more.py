"""More layers against the same layers of Keras; the comparisons are those of test_layers.py."""

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops

pytest.importorskip("keras", reason="Keras is the oracle: pip install 'keras==3.15.*' jax")
import test_layers as oracle
from test_layers import IMAGE, SEQUENCE, VECTOR, normal

from nnseq.utils import PyDataset

pytestmark = pytest.mark.keras

FIRST = {"data_format": "channels_first"}

# (class, arguments, input shape)
CASES = [
    ("Permute", {"dims": (2, 1)}, SEQUENCE),
    ("Permute", {"dims": (3, 1, 2)}, IMAGE),
    ("RepeatVector", {"n": 3}, VECTOR),
    ("ZeroPadding1D", {}, SEQUENCE),
    ("ZeroPadding1D", {"padding": (2, 0), **FIRST}, SEQUENCE),
    ("ZeroPadding2D", {}, IMAGE),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3)), **FIRST}, IMAGE),
    ("ZeroPadding2D", {"padding": (0, 2)}, IMAGE),
    ("Cropping1D", {}, SEQUENCE),
    ("Cropping1D", {"cropping": (2, 0)}, SEQUENCE),
    ("Cropping2D", {}, IMAGE),
    ("Cropping2D", {"cropping": ((1, 2), (0, 3))}, IMAGE),
    ("Cropping2D", {"cropping": 1, **FIRST}, IMAGE),
    ("UpSampling1D", {"size": 3}, SEQUENCE),
    ("UpSampling2D", {}, IMAGE),
    ("UpSampling2D", {"size": (1, 3), **FIRST}, IMAGE),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}, IMAGE),
    ("UpSampling2D", {"size": 4, "interpolation": "bilinear", **FIRST}, IMAGE),
    ("MaxPooling1D", {}, SEQUENCE),
    ("MaxPooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2}, SEQUENCE),
    ("AveragePooling1D", {"pool_size": 2, "padding": "same"}, SEQUENCE),
    ("GlobalMaxPooling1D", {}, SEQUENCE),
    ("GlobalMaxPooling1D", {"keepdims": True, **FIRST}, SEQUENCE),
    ("Conv1D", {"filters": 3, "kernel_size": 2}, SEQUENCE),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, SEQUENCE),
    (
        "Conv1D",
        {"filters": 3, "kernel_size": 2, "padding": "causal", "dilation_rate": 3},
        SEQUENCE,
    ),
    (
        "Conv1D",
        {"filters": 3, "kernel_size": 3, "padding": "causal", "strides": 2, "use_bias": False},
        SEQUENCE,
    ),
    (
        "Conv1D",
        {"filters": 4, "kernel_size": 2, "padding": "same", "groups": 2, "activation": "relu"},
        SEQUENCE,
    ),
    ("DepthwiseConv2D", {"kernel_size": 3}, IMAGE),
    (
        "DepthwiseConv2D",
        {"kernel_size": 2, "strides": 2, "padding": "same", "depth_multiplier": 3},
        IMAGE,
    ),
    (
        "DepthwiseConv2D",
        {"kernel_size": 2, "dilation_rate": 2, "use_bias": False, "activation": "tanh"},
        IMAGE,
    ),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3}, IMAGE),
    (
        "SeparableConv2D",
        {"filters": 5, "kernel_size": (2, 3), "strides": 2, "padding": "same", "use_bias": False},
        IMAGE,
    ),
    (
        "SeparableConv2D",
        {"filters": 5, "kernel_size": 2, "depth_multiplier": 2, "activation": "relu"},
        IMAGE,
    ),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3}, IMAGE),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "dilation_rate": 2}, IMAGE),
    *(
        (
            "Conv2DTranspose",
            {
                "filters": 2,
                "kernel_size": size,
                "strides": strides,
                "padding": padding,
                "output_padding": more,
                "activation": "relu",
            },
            (2, 3, 4, 5),
        )
        for size, strides in (((2, 3), 2), ((4, 1), 3), ((5, 3), (3, 1)))
        for padding in ("valid", "same")
        for more in (None, 0, (1, 0))
    ),
    ("SpatialDropout1D", {"rate": 0.3}, SEQUENCE),
    ("SpatialDropout2D", {"rate": 0.3, "seed": 4, **FIRST}, IMAGE),
    ("GaussianNoise", {"stddev": 0.3}, VECTOR),
    ("GaussianDropout", {"rate": 0.3, "seed": 2}, VECTOR),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, VECTOR),
    ("PReLU", {}, VECTOR),
    ("PReLU", {"alpha_initializer": "he_normal", "shared_axes": [1, 2]}, IMAGE),
    ("PReLU", {"alpha_regularizer": "l2", "shared_axes": 1}, SEQUENCE),
    ("Rescaling", {"scale": 0.5, "offset": 1.0}, VECTOR),
    ("Rescaling", {"scale": [1.0, 2.0, 3.0, 4.0], "offset": [0.0, 1.0, 2.0, 3.0]}, IMAGE),
    ("Normalization", {"axis": None, "mean": 1.0, "variance": 4.0}, VECTOR),
    ("Normalization", {"mean": [1.0, 2.0, 3.0, 4.0], "variance": [1.0, 2.0, 0.5, 0.0]}, SEQUENCE),
    ("Normalization", {"axis": 1, "mean": [1.0] * 5, "variance": [3.0] * 5}, SEQUENCE),
    (
        "Normalization",
        {"axis": (1, -1), "mean": [1.0] * 4, "variance": [3.0] * 4, "invert": True},
        SEQUENCE,
    ),
]
IDS = [f"{name}-{number}" for number, (name, _, _) in enumerate(CASES)]


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_values_and_gradients(name, arguments, shape):
    oracle.test_values_and_gradients(name, arguments, shape)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_weights_and_shapes(name, arguments, shape):
    oracle.test_weights_and_shapes(name, arguments, shape)


@pytest.mark.parametrize(("name", "arguments", "shape"), CASES, ids=IDS)
def test_configuration_is_read_by_keras_and_back(name, arguments, shape):
    oracle.test_configuration_is_read_by_keras_and_back(name, arguments, shape)


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("ZeroPadding2D", {}, (None, None, None, 4)),
        ("Cropping1D", {}, (None, None, 4)),
        ("UpSampling2D", {}, (None, None, None, 4)),
        ("UpSampling2D", {"interpolation": "bilinear"}, (None, None, None, 4)),
        ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, (None, None, None, 4)),
    ],
)
def test_unknown_positions(name, arguments, shape):
    """A layer built for any size gives what it gives for the size of its input."""
    model = nnseq.Sequential([nnseq.Input(shape[1:]), getattr(layers, name)(**arguments)])
    assert model.output_shape == shape
    x = normal((2, 6, 4) if len(shape) == 3 else IMAGE)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.layers[-1](x).numpy())


def test_reshaping_errors():
    with pytest.raises(ValueError, match="start from 1"):
        layers.Permute((0, 1))
    for name in ("RepeatVector", "UpSampling1D"):
        with pytest.raises(TypeError, match="integer"):
            getattr(layers, name)(1.5)
        with pytest.raises(ValueError, match="positive"):
            getattr(layers, name)(0)
    with pytest.raises(ValueError, match="padding"):
        layers.ZeroPadding1D(-1)
    with pytest.raises(ValueError, match="two elements"):
        layers.ZeroPadding2D((1, 2, 3))
    with pytest.raises(ValueError, match="smaller"):
        layers.Cropping1D(3)(ops.ones((1, 6, 2)))
    with pytest.raises(ValueError, match="smaller"):
        layers.Cropping2D(((0, 0), (2, 3)))(ops.ones((1, 6, 5, 2)))
    with pytest.raises(ValueError, match="interpolation"):
        layers.UpSampling2D(2, interpolation="lanczos3")


def test_causal_convolution_does_not_see_later_steps():
    layer, x = layers.Conv1D(2, 3, padding="causal", dilation_rate=2), normal((1, 9, 3))
    changed = x.copy()
    changed[:, 5:] += 1
    np.testing.assert_array_equal(layer(x).numpy()[:, :5], layer(changed).numpy()[:, :5])
    assert (layer(x).numpy()[:, 5:] != layer(changed).numpy()[:, 5:]).all()
    with pytest.raises(ValueError, match="padding"):
        layers.Conv2D(2, 3, padding="causal")


def test_convolution_errors():
    with pytest.raises(ValueError, match="strictly less"):
        layers.Conv2DTranspose(2, 3, strides=2, output_padding=2)
    for make in (
        lambda **k: layers.Conv2DTranspose(2, 3, **k),
        lambda **k: layers.SeparableConv2D(2, 3, **k),
        layers.DepthwiseConv2D,
    ):
        arguments = {"kernel_size": 3} if make is layers.DepthwiseConv2D else {}
        with pytest.raises(ValueError, match="dilation_rate"):
            make(strides=2, dilation_rate=2, **arguments)
        with pytest.raises(ValueError, match="padding"):
            make(padding="causal", **arguments)


def test_spatial_dropout_drops_whole_channels():
    for layer, x, axes in (
        (layers.SpatialDropout1D(0.25, seed=1), np.ones((400, 5, 6)), 1),
        (layers.SpatialDropout2D(0.25, seed=1), np.ones((400, 3, 4, 6)), (1, 2)),
        (layers.SpatialDropout2D(0.25, "channels_first", 1), np.ones((400, 6, 3, 4)), (2, 3)),
    ):
        y = layer(x, training=True).numpy()
        assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
        np.testing.assert_array_equal(y.min(axes), y.max(axes))
        assert abs((y == 0).mean() - 0.25) < 0.03
        assert ((y == 0).any((0, *np.atleast_1d(axes)))).all()
        np.testing.assert_array_equal(layer(x).numpy(), x)


def test_gaussian_noise_in_training():
    x = np.full((400, 100), 2, np.float32)
    added = layers.GaussianNoise(0.5, seed=1)(x, training=True).numpy() - x
    factors = layers.GaussianDropout(0.2, seed=1)(x, training=True).numpy() / x
    for got, mean, stddev in ((added, 0, 0.5), (factors, 1, 0.5)):
        assert abs(got.mean() - mean) < 0.01
        assert abs(got.std() - stddev) < 0.01
    for layer in (layers.GaussianNoise(0), layers.GaussianDropout(0)):
        np.testing.assert_array_equal(layer(x, training=True).numpy(), x)
    for make in (layers.GaussianNoise, layers.GaussianDropout, layers.SpatialDropout1D):
        with pytest.raises(ValueError, match="between 0 and 1"):
            make(1.5)
    with pytest.raises(ValueError, match="below 1"):
        layers.GaussianDropout(1)


def test_penalty_of_an_activity():
    x = normal(VECTOR)
    losses = []
    for library in (layers, oracle.keras.layers):
        layer = library.ActivityRegularization(l1=0.1, l2=0.2)
        layer(x)
        losses.append([float(loss) for loss in layer.losses])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), None])
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_adapts(axis, invert):
    data, x = 3 + 2 * normal((20, 5, 4)), normal((3, 5, 4), 1)
    theirs = oracle.keras.layers.Normalization(axis=axis, invert=invert)
    theirs.adapt(data)
    for given in (data, ops.convert_to_tensor(data), [data[:7], data[7:]], [(data, None)]):
        ours = layers.Normalization(axis=axis, invert=invert)
        ours.adapt(given)
        oracle.assert_close(ours(x).numpy(), np.asarray(theirs(x)), 1e-5)
    described = [[(w.name, tuple(w.shape), w.trainable) for w in v.weights] for v in (ours, theirs)]
    assert described[0] == described[1]
    before = ours(x).numpy()
    ours.adapt(data + 1)
    assert (ours(x).numpy() != before).any()


class Rows(PyDataset):
    """Batches of two rows; it answers any index, as a generator of data without an end does."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return ROWS[2 * index : 2 * index + 2], np.ones(2)


ROWS = normal((4, 3))


@pytest.mark.parametrize(
    "data", [ROWS, ROWS.tolist(), [ROWS[:1], ROWS[1:]], iter([(ROWS, 0)]), Rows()]
)
def test_normalization_adapts_to_batches(data):
    layer = layers.Normalization()
    layer.adapt(data)
    mean, variance, _ = layer.get_weights()
    np.testing.assert_allclose(mean, ROWS.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, ROWS.var(0), rtol=1e-5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("abc", "Received: 'abc'"),
        (None, "Received: None"),
        ({"a": ROWS}, "of type dict"),
        (ROWS[:0], "no data"),
        ([], "no data"),
    ],
)
def test_normalization_refuses_what_is_no_data(data, message):
    with pytest.raises(ValueError, match=message):
        layers.Normalization().adapt(data)


def test_normalization_errors():
    with pytest.raises(ValueError, match="both"):
        layers.Normalization(mean=1.0)
    with pytest.raises(ValueError, match="same shape"):
        layers.Normalization(mean=[1.0], variance=1.0)
    with pytest.raises(ValueError, match="same shape"):
        layers.Normalization(axis=None, mean=[1.0], variance=[1.0])
    with pytest.raises(ValueError, match="range"):
        layers.Normalization(axis=3)(normal(VECTOR))
    with pytest.raises(ValueError, match="no data"):
        layers.Normalization().adapt([])
    with pytest.raises(ValueError, match="do not adapt"):
        layers.Normalization(mean=1.0, variance=1.0).adapt(normal(VECTOR))
    layer = layers.Normalization()
    layer.adapt(normal(VECTOR))
    with pytest.raises(ValueError, match="built for"):
        layer.adapt(normal((3, 6)))


def test_simple_rnn_adds_its_activity_regularizer():
    """Keras 3.15's SimpleRNN takes the argument and forgets it; its LSTM does not."""
    model = nnseq.Sequential(
        [nnseq.Input((3, 4)), layers.SimpleRNN(2, activity_regularizer="l1", return_sequences=True)]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 3, 4)).astype("float32")
    outputs = model.predict(x, verbose=0)
    loss = model.evaluate(x, outputs, batch_size=8, verbose=0)
    np.testing.assert_allclose(loss, 0.01 * np.abs(outputs).sum() / 8, rtol=1e-5)
