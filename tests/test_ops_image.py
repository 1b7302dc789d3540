"""nnseq.ops.image against keras.ops.image (JAX), float64 references and numerical gradients."""

import numpy as np
import pytest

import nnseq
from nnseq import ops

MODES = ["constant", "nearest", "wrap", "mirror", "reflect"]
INTERPOLATIONS = ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]


def image(rng, data_format="channels_last", single=False, most=9):
    height, width = (int(n) for n in rng.integers(1, most, 2))
    shape = (height, width, 2) if data_format == "channels_last" else (2, height, width)
    return rng.normal(size=shape if single else (3, *shape)).astype("float32")


@pytest.mark.keras
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_resize_is_that_of_keras(interpolation):
    keras = pytest.importorskip("keras")
    for seed in range(12):
        rng = np.random.default_rng(seed)
        data_format = ["channels_last", "channels_first"][rng.integers(2)]
        x = image(rng, data_format, single=bool(rng.integers(2)))
        size = tuple(int(n) for n in rng.integers(1, 12, 2))
        options = [{}, {"antialias": True}, {"crop_to_aspect_ratio": True},
                   {"pad_to_aspect_ratio": True, "fill_value": 0.5}][rng.integers(4)]  # fmt: skip
        arguments = {"interpolation": interpolation, "data_format": data_format, **options}
        if size[0] > 3 * x.shape[-3] and options.get("pad_to_aspect_ratio"):
            continue
        want = np.asarray(keras.ops.image.resize(x, size, **arguments))
        got = ops.image.resize(x, size, **arguments)
        assert got.shape == want.shape and got.dtype == str(want.dtype)
        np.testing.assert_allclose(got, want, atol=3e-6)


def reference(x, t, interpolation, mode, fill):
    """float64, one pixel after the other."""

    def index(i, n):
        if mode == "nearest":
            return min(max(i, 0), n - 1)
        if mode == "wrap":
            return i % n
        if mode == "mirror":
            turn = max(2 * n - 2, 1)
            return min(i % turn, -i % turn)
        turned = i % (2 * n)
        return min(turned, 2 * n - 1 - turned)

    def value(image, r, c):
        h, w, _ = image.shape
        if mode != "constant":
            return image[index(r, h), index(c, w)]
        inside = 0 <= r < h and 0 <= c < w
        return image[r, c] if inside else np.full(image.shape[-1], fill)

    def rounded(z):
        return int(np.floor(z + 0.5)) if z >= 0 else -int(np.floor(0.5 - z))

    y = np.zeros(x.shape)
    for k, (a0, a1, a2, b0, b1, b2, _, _) in enumerate(t.astype(float)):
        for r, c in np.ndindex(x.shape[1:3]):
            row, column = b0 * c + b1 * r + b2, a0 * c + a1 * r + a2
            if interpolation == "nearest":
                y[k, r, c] = value(x[k], rounded(row), rounded(column))
                continue
            top, left = int(np.floor(row)), int(np.floor(column))
            for i, j in np.ndindex(2, 2):
                weight = abs(row - top - 1 + i) * abs(column - left - 1 + j)
                y[k, r, c] += weight * value(x[k], top + i, left + j)
    return y


def transforms(rng, count):
    """Moves, turns and scalings whose coordinates are multiples of 1/4, so that they are exact."""
    t = rng.integers(-6, 7, (count, 8)) / 4
    t[:, [2, 5]] *= 4
    return t.astype("float32")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_transform(interpolation, mode):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, t = image(rng), transforms(rng, 3)
        got = ops.image.affine_transform(x, t, interpolation, mode, 0.5)
        want = reference(x, t, interpolation, mode, 0.5)
        np.testing.assert_allclose(got, want, atol=1e-5)
        one = ops.image.affine_transform(x[1], t[1], interpolation, mode, 0.5)
        np.testing.assert_array_equal(one, got.numpy()[1])
        first = ops.image.affine_transform(
            x.transpose(0, 3, 1, 2), t, interpolation, mode, 0.5, "channels_first"
        )
        np.testing.assert_array_equal(first.numpy().transpose(0, 2, 3, 1), got)


@pytest.mark.keras
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_transform_is_that_of_keras(interpolation):
    keras = pytest.importorskip("keras")
    for seed, mode in enumerate(MODES):
        rng = np.random.default_rng(seed)
        x, t = image(rng, most=7), transforms(rng, 3)
        t[:, 6:] = 0
        want = keras.ops.image.affine_transform(x, t, interpolation, mode, 0.5)
        got = ops.image.affine_transform(x, t, interpolation, mode, 0.5)
        np.testing.assert_allclose(got, np.asarray(want), atol=1e-5, err_msg=mode)


def test_gradients():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 4, 5, 1)).astype("float32")
    t = np.float32([[0.9, 0.2, 0.3, -0.1, 1.1, 0.4, 0, 0], [1, 0, 1.5, 0, 1, -0.5, 0, 0]])
    for call in (
        lambda x: ops.image.affine_transform(x, t, fill_mode="reflect"),
        lambda x: ops.image.resize(x, (3, 7), "bicubic"),
    ):
        weights = rng.normal(size=call(x).shape).astype("float32")
        with nnseq.GradientTape() as tape:
            source = ops.convert_to_tensor(x)
            tape.watch(source)
            total = ops.sum(call(source) * weights)
        gradient = np.asarray(tape.gradient(total, source))
        step = rng.normal(size=x.shape).astype("float32")
        ends = [float(ops.sum(call(x + s * step) * weights)) for s in (0.5, -0.5)]
        np.testing.assert_allclose((gradient * step).sum(), ends[0] - ends[1], rtol=1e-3)


def test_whole_numbers():
    x = np.arange(12, dtype="uint8").reshape(1, 3, 4, 1)
    assert ops.image.resize(x, (6, 8), "nearest").dtype == "uint8"
    assert ops.image.resize(x, (6, 8)).dtype == "float32"
    np.testing.assert_array_equal(ops.image.resize(x, (3, 4)), x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ops.image.resize(x, (2,)), "two positive elements"),
        (lambda x: ops.image.resize(x, (2, 0)), "two positive elements"),
        (lambda x: ops.image.resize(x, (2, 2), "area"), "interpolation=area"),
        (lambda x: ops.image.resize(x, (2, 2), fill_mode="wrap"), "fill_mode=wrap"),
        (lambda x: ops.image.resize(x[0, 0], (2, 2)), "images rank"),
        (lambda x: ops.image.resize(x, (2, 2), crop_to_aspect_ratio=True,
                                    pad_to_aspect_ratio=True), "Only one of"),
        (lambda x: ops.image.affine_transform(x, np.ones((1, 1, 8))), "transform rank"),
        (lambda x: ops.image.affine_transform(x, np.ones(8), "bicubic"), "interpolation=bicubic"),
        (lambda x: ops.image.affine_transform(x, np.ones(8), fill_mode="edge"), "fill_mode=edge"),
        (lambda x: ops.image.affine_transform(x[0, 0], np.ones(8)), "images rank"),
        (lambda x: ops.image.resize(x, (2, 2), data_format="last"), "data_format=last"),
    ],
)  # fmt: skip
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((1, 4, 4, 1), "float32"))
