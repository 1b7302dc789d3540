"""Files that are unlike those of nnseq and right: they load, to the last bit."""

import json

import h5py
import hostile_files
import numpy as np
import pytest

from nnseq.saving import ModelFileError, load_model
from nnseq.saving.limits import limits

KERNEL = "layers/dense/vars/0"
VALUES = np.random.default_rng(0).integers(-99, 99, (6, 5)) / 8.0  # in all types of floats


def loaded(tmp_path, make):
    """The kernel after a file was loaded in which `make(group, name)` put it."""
    data = hostile_files.weights_with(hostile_files.put(KERNEL, make))
    (tmp_path / "m.weights.h5").write_bytes(data)
    model = hostile_files.base_model()
    model.load_weights(tmp_path / "m.weights.h5")
    return model.get_weights()[0]


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"])
def test_types_of_floats(dtype, tmp_path):
    found = loaded(tmp_path, lambda g, n: g.create_dataset(n, data=VALUES.astype(dtype)))
    np.testing.assert_array_equal(found, VALUES)


def test_bfloat16_as_keras_writes_it(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")

    def make(group, name):
        group.create_dataset(name, data=VALUES.astype(ml_dtypes.bfloat16))
        group[name].attrs["dtype"] = "bfloat16"

    expected = VALUES.astype(ml_dtypes.bfloat16).astype("float32")
    np.testing.assert_array_equal(loaded(tmp_path, make), expected)


def test_float64_is_rounded_if_that_is_asked_for(tmp_path, monkeypatch):
    third = VALUES / 3

    def make(group, name):
        group.create_dataset(name, data=third)

    with pytest.raises(ModelFileError, match=r"of type float64, are no float32 numbers"):
        loaded(tmp_path, make)
    monkeypatch.setattr(limits, "round_float64", True)
    np.testing.assert_array_equal(loaded(tmp_path, make), third.astype("float32"))


@pytest.mark.parametrize(
    "options", [{"chunks": (4, 2)}, {"compression": 4, "shuffle": True}, {"fletcher32": True}]
)
def test_chunks_and_compression(options, tmp_path):
    data = VALUES.astype("float32")
    found = loaded(tmp_path, lambda g, n: g.create_dataset(n, data=data, **options))
    np.testing.assert_array_equal(found, data)


def test_weights_that_are_much_smaller_when_compressed_need_a_limit(tmp_path, monkeypatch):
    def make(group, name):
        group.create_dataset(name, data=VALUES.astype("float32"))
        group.create_dataset("9", data=np.zeros(6_000_000, "f4"), compression=1)

    with pytest.raises(ModelFileError, match=r"claim 24\d+ bytes, but \d+ are stored"):
        loaded(tmp_path, make)
    monkeypatch.setattr(limits, "spare_bytes", 64 << 20)
    with pytest.raises(ModelFileError, match="expected 2 variables"):
        loaded(tmp_path, make)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_versions_of_hdf5(libver, tmp_path):
    with h5py.File(tmp_path / "m.weights.h5", "w", libver=libver) as file:
        for index, value in enumerate(hostile_files.base_model().layers[0].get_weights()):
            file[f"layers/dense/vars/{index}"] = value
        file[KERNEL][:] = VALUES
    model = hostile_files.base_model()
    with pytest.warns(UserWarning, match="Skipping"):
        model.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    np.testing.assert_array_equal(model.get_weights()[0], VALUES)


def test_archives_without_what_is_not_needed(tmp_path):
    import zipfile

    members = hostile_files.saved(tmp_path)
    good = load_model(tmp_path / "good.keras").get_weights()
    del members["metadata.json"]
    config = json.loads(members["config.json"])
    del config["build_config"]
    members["config.json"] = json.dumps(config).encode()
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        packed = hostile_files.packed({**members, "assets/": b"", "more.txt": b"x"}, compression)
        (tmp_path / "m.keras").write_bytes(packed)
        for one, two in zip(good, load_model(tmp_path / "m.keras").get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
