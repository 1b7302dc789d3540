"""Functions of nnseq.ops.image against Keras' own, traced, and their gradients."""

import keras_ops
import numpy as np
import pytest

from nnseq import Input, Model, ops

keras = pytest.importorskip("keras")
RNG = np.random.default_rng(31)
FIRST = {"data_format": "channels_first"}
LAST = {"data_format": "channels_last"}  # Keras on JAX blurs other axes without it


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


IMAGES, ONE, PLANES = normal(2, 6, 7, 3), normal(5, 6, 2), normal(2, 3, 6, 7)
# Channels apart from each other, between which hues have corners.
COLOURS = RNG.permuted(np.float32([[0.2, 0.5, 0.9]] * 40), axis=1).reshape(2, 4, 5, 3)
COLOURS += RNG.uniform(-0.1, 0.1, COLOURS.shape).astype(np.float32)
TONES = RNG.uniform(0.1, 1.0, (2, 4, 5, 3)).astype(np.float32)
TURN = np.float32([[0.9, 0.2, 0.3, -0.1, 1.1, 0.4, 0, 0]] * 2)
VOLUMES = normal(2, 4, 5, 6, 2)
CORNERS = np.float32([[0, 0], [6, 0], [0, 5], [6, 5]])
SEEN = np.stack([CORNERS + RNG.uniform(-1, 1, (4, 2)) for _ in range(2)]).astype(np.float32)
PLACES = RNG.uniform(-2, 8, (3, 4, 5)).astype(np.float32)
CUBE = normal(4, 5, 6)
NEW = {"output_shape": (2, 9, 5, 3), "spatial_dims": (1, 2)}
MOVED = {"scale": np.float32([1.7, 0.6]), "translation": np.float32([-1.3, 0.4])}
MODES = ["constant", "nearest", "wrap", "mirror", "reflect"]

CASES = [
    ("rgb_to_hsv", (COLOURS,), {}),
    ("rgb_to_hsv", (COLOURS.transpose(0, 3, 1, 2).copy(),), FIRST),
    ("hsv_to_rgb", (TONES,), {}),
    ("hsv_to_rgb", (TONES[0],), {}),
    ("rgb_to_grayscale", (IMAGES,), {}),
    ("gaussian_blur", (IMAGES,), {"kernel_size": (5, 3), "sigma": (1.5, 0.7), **LAST}),
    ("gaussian_blur", (PLANES,), FIRST),
    ("crop_images", (IMAGES,), {"top_cropping": 1, "left_cropping": 2, "target_height": 3,
                                "target_width": 4}),
    ("crop_images", (PLANES,), {"bottom_cropping": 1, "right_cropping": 0, "target_height": 5,
                                "left_cropping": 3, **FIRST}),
    ("pad_images", (ONE,), {"top_padding": 1, "left_padding": 2, "target_height": 9,
                            "right_padding": 0}),
    ("pad_images", (PLANES,), {"top_padding": 1, "left_padding": 2, "bottom_padding": 2,
                               "target_width": 9, **FIRST}),
    ("extract_patches", (IMAGES,), {"size": 2}),
    ("extract_patches", (IMAGES,), {"size": (3, 2), "strides": (2, 1), "padding": "same"}),
    ("extract_patches", (ONE,), {"size": 2, "strides": 1, "dilation_rate": 2}),
    ("extract_patches", (PLANES,), {"size": 3, "strides": 2, **FIRST}),
    ("extract_patches", (VOLUMES,), {"size": (2, 2, 3)}),
    ("extract_patches_3d", (VOLUMES,), {"size": 2, "strides": (1, 2, 2), "padding": "same"}),
    ("sobel_edges", (IMAGES,), {}),
    ("sobel_edges", (PLANES,), FIRST),
    ("ssim", (COLOURS, COLOURS[::-1].copy()), {"filter_size": 3}),
    ("ssim", (ONE, ONE * 0.7), {"filter_size": 4, "max_val": 2.0}),
    *[("scale_and_translate", (IMAGES,), {**NEW, **MOVED, "method": method})
      for method in ("linear", "cubic", "lanczos3", "lanczos5")],
    ("scale_and_translate", (IMAGES,), {**NEW, **MOVED, "method": "bilinear", "antialias": False}),
    *[("map_coordinates", (CUBE, PLACES), {"order": 1, "fill_mode": mode}) for mode in MODES],
    ("map_coordinates", (IMAGES[0, 0, :, 0].copy(), PLACES[:1, 0].copy()),
     {"order": 1, "fill_value": 3.0}),
    ("perspective_transform", (IMAGES, np.stack([CORNERS] * 2), SEEN), {}),
    ("perspective_transform", (PLANES, SEEN, np.stack([CORNERS] * 2)),
     {**FIRST, "fill_value": 0.5}),
    ("perspective_transform", (ONE, CORNERS, SEEN[0]), {}),
    *[("affine_transform", (IMAGES,), {"transform": TURN, "fill_mode": mode})
      for mode in ("constant", "reflect")],
    ("resize", (IMAGES,), {"size": (4, 9), "interpolation": "bicubic", "antialias": True}),
]  # fmt: skip
CASES = [(f"image.{name}", arrays, options) for name, arrays, options in CASES]
MORE = [
    *[("image.map_coordinates", (CUBE, PLACES), {"order": 0, "fill_mode": mode}) for mode in MODES],
    ("image.map_coordinates", (np.arange(60, dtype=np.int32).reshape(3, 4, 5), PLACES),
     {"order": 1}),
    ("image.perspective_transform", (IMAGES, np.stack([CORNERS] * 2), SEEN),
     {"interpolation": "nearest"}),
    ("image.extract_patches", (np.arange(32, dtype=np.int32).reshape(1, 4, 4, 2),), {"size": 2}),
]  # fmt: skip


@pytest.mark.parametrize("case", [*CASES, *MORE], ids=keras_ops.ids([*CASES, *MORE]))
def test_values_are_keras(case):
    keras_ops.check_values(*case)
    keras_ops.check_traced(*case)


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_signatures_are_keras(name):
    keras_ops.check_signature(name)


@pytest.mark.parametrize("case", CASES, ids=keras_ops.ids(CASES))
def test_gradients(case):
    keras_ops.check_gradients(*case, step=1e-3)


def test_patches_in_a_model():
    inputs = Input((6, 7, 3))
    model = Model(inputs, ops.image.extract_patches(inputs, (3, 2)))
    found = model.predict(IMAGES, batch_size=1, verbose=0)
    np.testing.assert_array_equal(found, ops.image.extract_patches(IMAGES, (3, 2)))


ERRORS = [
    (lambda: ops.image.crop_images(IMAGES, 1, 1, 1, 1, 2), ValueError, "exactly two"),
    (lambda: ops.image.crop_images(IMAGES, 5, 0, 5, 0), ValueError, "target_height=-4"),
    (lambda: ops.image.pad_images(IMAGES, 0, 0, 0, target_width=2), ValueError, "right_padding=-5"),
    (lambda: ops.image.pad_images(ONE[0], 0, 0, 0, 0), ValueError, "images rank"),
    (lambda: ops.image.extract_patches(IMAGES, 2.0), TypeError, "float"),
    (lambda: ops.image.extract_patches(IMAGES, (2,)), ValueError, "length 1"),
    (lambda: ops.image.extract_patches(ONE[0], 2), ValueError, "rank 3"),
    (lambda: ops.image.sobel_edges(ONE), ValueError, "rank 4"),
    (lambda: ops.image.ssim(ONE[0], ONE), ValueError, "image1 rank"),
    (lambda: ops.image.map_coordinates(CUBE, PLACES[:2], 1), ValueError, "coordinates"),
    (lambda: ops.image.map_coordinates(CUBE, PLACES, 2), ValueError, "order=2"),
    (lambda: ops.image.map_coordinates(CUBE, PLACES, 1, "edge"), ValueError, "fill_mode=edge"),
    (lambda: ops.image.perspective_transform(ONE, SEEN[0, :3], CORNERS), ValueError, "start_poi"),
    (lambda: ops.image.perspective_transform(ONE, CORNERS, SEEN), ValueError, "same shape"),
    (lambda: ops.image.scale_and_translate(IMAGES, **NEW, **MOVED, method="area"), ValueError,
     "method=area"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors_are_one_line(case):
    function, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text) as caught:
        function()
    assert "\n" not in str(caught.value)
