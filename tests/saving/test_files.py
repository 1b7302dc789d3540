"""Files of models and weights: what they hold, and what happens when one is bad."""

import json
import os
import stat
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

import nnseq as keras
from nnseq import layers
from nnseq.saving import ModelFileError, load_model

X = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
Y = np.arange(20) % 3


def small(compiled=True, **kwargs):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ],
        **kwargs,
    )
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(X, Y, verbose=0)
    return model


def assert_same_weights(a, b):
    for mine, yours in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_a_model_goes_on_training_bit_for_bit(tmp_path):
    model = small()
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(model.predict(X, verbose=0), again.predict(X, verbose=0))
    assert again.optimizer.iterations.numpy() == model.optimizer.iterations.numpy() == 1
    for one in (model, again):
        one.fit(X, Y, epochs=3, shuffle=False, verbose=0)
    assert_same_weights(model, again)
    assert model.evaluate(X, Y, verbose=0) == again.evaluate(X, Y, verbose=0)


def test_a_new_process_predicts_the_same(tmp_path):
    model = small()
    model.save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", X)
    code = (
        "import sys, numpy as np, nnseq\n"
        "model = nnseq.models.load_model('m.keras')\n"
        "np.save('y.npy', model.predict(np.load('x.npy'), verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(X, verbose=0))


def test_without_compile_there_is_no_optimizer(tmp_path):
    small().save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras", compile=False)
    assert again.optimizer is None
    with pytest.raises(ValueError, match="compile"):
        again.fit(X, Y)


def test_the_archive_holds_what_keras_expects(tmp_path):
    small(name="mine").save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert all(i.compress_type == zipfile.ZIP_STORED for i in archive.infolist())
        assert set(json.loads(archive.read("metadata.json"))) == {"keras_version", "date_saved"}
        config = json.loads(archive.read("config.json"))
        archive.extract("model.weights.h5", tmp_path)
    assert (config["module"], config["class_name"]) == ("keras", "Sequential")
    dense = config["config"]["layers"][1]
    assert dense["module"] == "keras.layers" and dense["build_config"] == {"input_shape": [None, 6]}
    assert set(dense["config"]) == {"name", "units", "activation", "kernel_regularizer"}
    with h5py.File(tmp_path / "model.weights.h5") as file:
        assert sorted(file) == ["layers", "optimizer", "vars"]
        assert sorted(file["layers"]) == ["batch_normalization", "dense", "dense_1"]
        assert sorted(file["layers/batch_normalization/vars"]) == ["0", "1", "2", "3"]
        assert (
            file["layers/dense/vars"].attrs["name"]
            == config["config"]["layers"][1]["config"]["name"]
        )
        assert len(file["optimizer/vars"]) == 2 + 2 * 6


def test_a_folder_with_the_members_is_a_model_too(tmp_path):
    model = small()
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        archive.extractall(tmp_path / "folder.keras")
    assert_same_weights(load_model(tmp_path / "folder.keras"), model)


def test_an_unbuilt_model_is_saved_without_weights(tmp_path):
    model = keras.Sequential([layers.Dense(2)])
    with pytest.warns(UserWarning, match="has not yet been built"):
        model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert not again.built
    assert again(np.ones((1, 3))).shape == (1, 2)


# --- weights -------------------------------------------------------------------------------------
def test_weights_files(tmp_path):
    model, other = small(), small()
    model.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    assert_same_weights(model, other)
    model.save(tmp_path / "m.keras")
    third = small(compiled=False)
    third.load_weights(tmp_path / "m.keras")
    assert_same_weights(model, third)


def test_weights_of_an_unbuilt_model(tmp_path):
    model = keras.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="You are saving weights"):
        model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="You are loading weights"):
        model.load_weights(tmp_path / "m.weights.h5")


def wider():
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(4)]
    )


def test_weights_that_do_not_fit_change_nothing(tmp_path):
    small().save_weights(tmp_path / "m.weights.h5")
    model = wider()
    before = model.get_weights()
    with pytest.raises(ModelFileError) as caught:
        model.load_weights(tmp_path / "m.weights.h5")
    text = str(caught.value)
    assert "'kernel' has shape (5, 4), the stored value has shape (5, 3)" in text
    assert "m.weights.h5" in text and "\n" not in text and len(text) < 400
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_skip_mismatch_takes_what_fits(tmp_path):
    source = small()
    source.save_weights(tmp_path / "m.weights.h5")
    model = wider()
    last = model.layers[-1].get_weights()
    with pytest.warns(UserWarning, match="Skipping layers/dense_1"):
        model.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], source.get_weights()[0])
    np.testing.assert_array_equal(model.layers[-1].get_weights()[0], last[0])


def test_a_layer_that_is_not_in_the_file_is_named(tmp_path):
    keras.Sequential([keras.Input((6,)), layers.Dense(5)]).save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ModelFileError, match=r"BatchNormalization\) has 4 variables.*nothing at"):
        small().load_weights(tmp_path / "m.weights.h5")


# --- names and places ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m, p: m.save(p / "m"), "Invalid filepath extension for saving"),
        (lambda m, p: m.save(p / "m.h5"), "Invalid filepath extension for saving"),
        (lambda m, p: m.save_weights(p / "m.h5"), "must end in `.weights.h5`"),
        (lambda m, p: m.load_weights(p / "m.npz"), "must end in `.weights.h5` or `.keras`"),
        (lambda m, p: m.load_weights(p / "no.weights.h5"), "File not found"),
        (lambda m, p: load_model(p / "no.keras"), "File not found: filepath="),
        (lambda m, p: load_model(3), "must be a path"),
    ],
)
def test_names_that_are_refused(call, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        call(small(compiled=False), tmp_path)


def test_overwrite(tmp_path):
    path = tmp_path / "m.keras"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        small().save(path, overwrite=False)
    assert path.read_bytes() == b"old"
    small().save(path)
    load_model(path)


# --- whole or not at all -------------------------------------------------------------------------
class Failing(layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(2,))

    def call(self, x):
        return x

    def save_own_variables(self, store):
        raise OSError("the disk is full")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "m.keras"
    small().save(path)
    old = path.read_bytes()
    model = keras.Sequential([keras.Input((6,)), layers.Dense(2), Failing()])
    with pytest.raises(OSError, match="disk is full"):
        model.save(path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["m.keras"]


def test_permissions_and_links_are_kept(tmp_path):
    real, link = tmp_path / "real.keras", tmp_path / "link.keras"
    small().save(real)
    real.chmod(0o640)
    link.symlink_to(real)
    model = small()
    model.save(link)
    assert link.is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    assert_same_weights(load_model(real), model)


# --- bad files -----------------------------------------------------------------------------------
def test_truncated_files_are_named_as_truncated(tmp_path):
    small().save(tmp_path / "m.keras")
    data = (tmp_path / "m.keras").read_bytes()
    for size in range(8, len(data) - 22, len(data) // 40):
        (tmp_path / "cut.keras").write_bytes(data[:size])
        with pytest.raises(ModelFileError, match=r"it is truncated: .*\d+ bytes expected"):
            load_model(tmp_path / "cut.keras")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not a `.keras` zip archive"),
        (b"hello", "not a `.keras` zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5 file"),
    ],
)
def test_foreign_files(data, text, tmp_path):
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(ModelFileError, match=text):
        load_model(tmp_path / "m.keras")
    (tmp_path / "m.weights.h5").write_bytes(data)
    model = small(compiled=False)
    before = model.get_weights()
    with pytest.raises(ModelFileError, match="not a readable HDF5 file"):
        model.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_special_files_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(tmp_path / "pipe.keras")
    (tmp_path / "dev.keras").symlink_to("/dev/zero")
    with pytest.raises(ModelFileError, match="not a regular file"):
        load_model(tmp_path / "dev.keras")


def rewritten(tmp_path, change):
    """A model file whose configuration went through `change`."""
    small().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = change(json.loads(members["config.json"]))
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "bad.keras", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, text if name == "config.json" else data)
    return tmp_path / "bad.keras"


def with_layer(**entry):
    def change(config):
        config["config"]["layers"][1].update(entry)
        return config

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (with_layer(class_name="system", module="os"), "Could not locate the class 'system'"),
        (with_layer(class_name="exec", module="builtins"), "Could not locate the class 'exec'"),
        (with_layer(class_name="Densee"), "'Densee'.*Did you mean 'Dense'"),
        (with_layer(config={"units": 2**40}), "shape"),
        (with_layer(config={"units": -1}), "units"),
        (with_layer(config={"units": "many"}), "units"),
        (with_layer(config={"units": 5, "activation": "os.system"}), "Unknown activation"),
        (with_layer(config={"units": 5, "colour": "red"}), "colour"),
        (with_layer(config=7), "config must be a dict"),
        (with_layer(class_name="__lambda__", config={"value": "x"}), "lambda, which is code"),
        (lambda c: b"{", "not valid JSON"),
        (lambda c: b'{"a": 1, "a": 2}', "twice"),
        (lambda c: b"[" * 100_000, "not valid JSON"),
        (lambda c: [1], "not the configuration of a model"),
        (lambda c: {"class_name": "Dense", "config": {"units": 2}}, "not a model"),
    ],
)
def test_bad_configurations_are_one_line(change, text, tmp_path):
    path = rewritten(tmp_path, change)
    with pytest.raises(ModelFileError, match=text) as caught:
        load_model(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert "bad.keras" in str(caught.value)


def bad_weights(tmp_path, change):
    path = tmp_path / "m.weights.h5"
    small().save_weights(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["nnseq_checksum"]
        change(file)
    return path


def replaced(make):
    def change(file):
        group = file["layers/dense/vars"]
        del group["0"]
        make(group)

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (replaced(lambda g: g.__setitem__("0", h5py.ExternalLink("x.h5", "/a"))), "is a link"),
        (replaced(lambda g: g.__setitem__("0", h5py.SoftLink("/layers/dense_1/vars/0"))), "a link"),
        (replaced(lambda g: g.create_group("0")), "is not a dataset"),
        (replaced(lambda g: g.create_dataset("0", data=b"text")), "which is not of numbers"),
        (
            replaced(lambda g: g.create_dataset("0", data=np.ones((6, 5)) + 1j)),
            "which is not of numbers",
        ),
        (
            replaced(lambda g: g.create_dataset("0", (6, 5), "f4", external=[("x", 0, 120)])),
            "from another file",
        ),
        (
            replaced(
                lambda g: g.create_dataset("0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))
            ),
            "claim .* are stored for them",
        ),
        (replaced(lambda g: None), "expected 2 variables"),
        (lambda f: f.__delitem__("layers/dense"), "nothing at 'layers/dense'"),
    ],
)
def test_bad_weights_are_refused_and_change_nothing(change, text, tmp_path):
    path = bad_weights(tmp_path, change)
    model = small(compiled=False)
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=text) as caught:
        model.load_weights(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_flipped_bits_are_found(tmp_path):
    model = small()
    model.save(tmp_path / "m.keras")
    data = (tmp_path / "m.keras").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.integers(0, len(data) * 8, 60):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << (position % 8)
        (tmp_path / "bad.keras").write_bytes(bytes(flipped))
        try:
            again = load_model(tmp_path / "bad.keras")
        except ModelFileError:
            refused += 1
        else:
            assert_same_weights(again, model)
    assert refused > 40
