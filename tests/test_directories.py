"""Image files, and data sets of folders of images and texts, beside Keras."""

import inspect
import io

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.preprocessing.image import smart_resize
from nnseq.utils import image_dataset_from_directory, text_dataset_from_directory

pytest.importorskip("PIL")
SHAPES = {"cats": [(8, 6, 3), (5, 5, 3), (6, 9, 1)], "dogs": [(4, 4, 4), (9, 3, 3)]}


def pixels(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype("float32")


@pytest.fixture
def folder(tmp_path):
    """Two classes of images, one of them nested; files that are none."""
    for name, shapes in SHAPES.items():
        for number, shape in enumerate(shapes):
            place = tmp_path / "images" / name / ("more" if number == 2 else "")
            place.mkdir(parents=True, exist_ok=True)
            nnseq.utils.save_img(place / f"{number}.png", pixels(shape, number), scale=False)
    (tmp_path / "images" / "cats" / "notes.txt").write_text("no image")
    (tmp_path / "images" / ".hidden").mkdir()
    return tmp_path / "images"


@pytest.fixture
def texts(tmp_path):
    for name in ("bad", "good"):
        (tmp_path / "texts" / name).mkdir(parents=True)
        for number in range(10):
            text = f"{name} film number {number} é\n"
            (tmp_path / "texts" / name / f"{number}.txt").write_text(text, encoding="utf-8")
    return tmp_path / "texts"


@pytest.mark.keras
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_are_those_of_keras(tmp_path, channels):
    keras = pytest.importorskip("keras")
    x = pixels((7, 5, channels))
    for scale in (True, False):
        ours, theirs = (m.utils.array_to_img(x, scale=scale) for m in (nnseq, keras))
        assert ours.mode == theirs.mode
        assert np.abs(np.asarray(ours, int) - np.asarray(theirs, int)).max() <= 1
    first = nnseq.utils.array_to_img(x.transpose(2, 0, 1), "channels_first", scale=False)
    np.testing.assert_array_equal(nnseq.utils.img_to_array(first), x)
    assert nnseq.utils.img_to_array(first, "channels_first").shape == (channels, 7, 5)
    nnseq.utils.save_img(tmp_path / "x.png", x, scale=False)
    for mode in ("rgb", "rgba", "grayscale"):
        for size, keep in ((None, False), ((4, 9), False), ((4, 9), True)):
            options = {"color_mode": mode, "target_size": size, "keep_aspect_ratio": keep}
            options["interpolation"] = "bilinear"
            ours, theirs = (m.utils.load_img(tmp_path / "x.png", **options) for m in (nnseq, keras))
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    for size in ((3, 3), (9, 2)):
        np.testing.assert_allclose(
            smart_resize(x, size), keras.preprocessing.image.smart_resize(x, size), atol=1e-3
        )


@pytest.mark.keras
def test_signatures_and_order_are_those_of_keras(folder):
    keras = pytest.importorskip("keras")
    from keras.src.utils.dataset_utils import index_directory

    for name in ("array_to_img", "img_to_array", "save_img", "load_img",
                 "image_dataset_from_directory", "text_dataset_from_directory"):  # fmt: skip
        ours, theirs = (inspect.signature(getattr(m.utils, name)) for m in (nnseq, keras))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]
    for shuffle in (False, True):
        made = image_dataset_from_directory(folder, shuffle=shuffle, seed=3, image_size=4)
        paths, labels, names = index_directory(
            str(folder), "inferred", (".png",), shuffle=shuffle, seed=3
        )
        assert made.file_paths == list(paths) and made.class_names == names
        if not shuffle:
            assert np.concatenate([y for _, y in made]).tolist() == labels.tolist()


@pytest.mark.parametrize("mode", ["int", "categorical", "binary", None])
def test_images_and_labels(folder, mode, capsys):
    made = image_dataset_from_directory(
        folder, label_mode=mode, image_size=(6, 8), batch_size=2, shuffle=False
    )
    assert "Found 5 files" + ("" if mode is None else " belonging to 2 classes.") in (
        capsys.readouterr().out
    )
    batches = list(made)
    assert len(made) == 3 == len(batches) and made.class_names == (
        None if mode is None else ["cats", "dogs"]
    )
    x = np.concatenate([batch if mode is None else batch[0] for batch in batches])
    assert x.shape == (5, 6, 8, 3) and x.dtype == np.float32
    for path, image in zip(made.file_paths, x, strict=True):
        whole = nnseq.utils.img_to_array(nnseq.utils.load_img(path))
        np.testing.assert_allclose(image, nnseq.ops.image.resize(whole, (6, 8)), atol=1e-3)
    if mode is not None:
        y = np.concatenate([batch[1] for batch in batches])
        classes = np.array([0, 0, 0, 1, 1])
        want = {"int": classes, "binary": classes[:, None], "categorical": np.eye(2)[classes]}
        np.testing.assert_array_equal(y, want[mode])
        assert y.dtype == ("int32" if mode == "int" else "float32")


def test_options_of_images(folder):
    def one(**options):
        return next(iter(image_dataset_from_directory(folder, verbose=False, **options)))

    assert one(batch_size=None, image_size=5)[0].shape == (5, 5, 3)
    assert one(image_size=5, color_mode="rgba", data_format="channels_first")[0].shape == (
        5, 4, 5, 5)  # fmt: skip
    assert one(image_size=5, color_mode="grayscale", interpolation="nearest")[0].dtype == "uint8"
    cropped = one(image_size=(4, 2), crop_to_aspect_ratio=True, shuffle=False)[0]
    padded = one(image_size=(4, 2), pad_to_aspect_ratio=True, shuffle=False)[0]
    assert (cropped != padded).any() and (padded == 0).any()
    labels = [4, 0, 4, 1, 1]
    made = image_dataset_from_directory(folder, labels=labels, shuffle=False, image_size=4)
    assert next(iter(made))[1].tolist() == labels and made.class_names == ["0", "1", "4"]
    reverse = image_dataset_from_directory(
        folder, class_names=["dogs", "cats"], shuffle=False, image_size=4
    )
    assert next(iter(reverse))[1].tolist() == [0, 0, 1, 1, 1]


def test_splits_and_orders(texts, capsys):
    options = {"validation_split": 0.3, "seed": 5, "batch_size": 4}
    train = text_dataset_from_directory(texts, subset="training", **options)
    valid = text_dataset_from_directory(texts, subset="validation", **options)
    assert "Using 14 files for training." in capsys.readouterr().out
    both = text_dataset_from_directory(texts, subset="both", **options)
    assert [d.file_paths for d in both] == [train.file_paths, valid.file_paths]
    assert len(set(train.file_paths) | set(valid.file_paths)) == 20
    first, second = ([x for batch, _ in train for x in batch] for _ in range(2))
    assert first != second and sorted(first) == sorted(second)
    again = text_dataset_from_directory(texts, subset="training", **options)
    assert [x for batch, _ in again for x in batch] == first
    for batch, labels in train:
        for text, label in zip(batch, labels, strict=True):
            assert text.startswith(train.class_names[label]) and text.endswith("é\n")
    short = text_dataset_from_directory(texts, labels=None, max_length=3, shuffle=False)
    assert next(iter(short)).tolist() == ["bad"] * 10 + ["goo"] * 10


def test_models_of_folders(folder, texts):
    images = image_dataset_from_directory(folder, image_size=8, batch_size=2, seed=0)
    model = nnseq.Sequential(
        [nnseq.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    )
    model.compile("adam", nnseq.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(images, epochs=2, validation_data=images, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert model.predict(images.map(lambda x, y: x), verbose=0).shape == (5, 2)
    data = text_dataset_from_directory(texts, batch_size=4, label_mode="binary", seed=0)
    vectorize = layers.TextVectorization(output_mode="multi_hot")
    vectorize.adapt(data.map(lambda x, y: x))
    nnseq.utils.set_random_seed(0)
    model = nnseq.Sequential([vectorize, layers.Dense(1, activation="sigmoid")])
    model.compile(nnseq.optimizers.Adam(0.2), "binary_crossentropy", metrics=["accuracy"])
    model.fit(data, epochs=4, verbose=0)
    assert model.evaluate(data, verbose=0)[1] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "none"}, "labels"),
        ({"labels": [1, 2]}, r"len\(labels\) is 2 while we found 5"),
        ({"labels": [1] * 5, "class_names": ["a"]}, "class_names"),
        ({"label_mode": "float"}, "label_mode=float"),
        ({"class_names": ["cats", "mice"]}, "did not match"),
        ({"class_names": ["cats"], "label_mode": "binary"}, "exactly 2"),
        ({"color_mode": "cmyk"}, "color_mode=cmyk"),
        ({"image_size": (1, 2, 3)}, "image_size"),
        ({"interpolation": "area"}, "interpolation=area"),
        ({"validation_split": 2.0, "subset": "both", "seed": 0}, "between 0 and 1"),
        ({"validation_split": 0.5}, "`subset` is set"),
        ({"validation_split": 0.5, "subset": "test", "seed": 1}, "received: test"),
        ({"validation_split": 0.5, "subset": "both"}, "`seed` argument"),
        ({"validation_split": 0.1, "subset": "both", "seed": 1}, "No images found"),
        ({"format": "torch"}, "format=torch"),
    ],
)
def test_refused(folder, options, message):
    with pytest.raises(ValueError, match=message):
        image_dataset_from_directory(folder, verbose=False, **options)


def test_refused_images(tmp_path):
    with pytest.raises(ValueError, match=r"rank 3.*\(2, 3\)"):
        nnseq.utils.array_to_img(np.ones((2, 3)))
    with pytest.raises(ValueError, match="channel number: 2"):
        nnseq.utils.array_to_img(np.ones((2, 3, 2)))
    with pytest.raises(ValueError, match="image shape"):
        nnseq.utils.img_to_array(np.ones(3))
    with pytest.raises(TypeError, match="path-like"):
        nnseq.utils.load_img(3)
    buffer = io.BytesIO()
    nnseq.utils.save_img(buffer, np.ones((2, 2, 3)), file_format="png")
    with pytest.raises(ValueError, match="color_mode=cmyk"):
        nnseq.utils.load_img(buffer, "cmyk")
    with pytest.raises(ValueError, match="method area"):
        nnseq.utils.load_img(buffer, target_size=(3, 3), interpolation="area")
    with pytest.warns(UserWarning, match="converting to RGB"):
        nnseq.utils.save_img(tmp_path / "x.jpg", np.ones((2, 2, 4)))
    with pytest.raises(ValueError, match="No text files found"):
        text_dataset_from_directory(tmp_path, labels=None, verbose=False)
