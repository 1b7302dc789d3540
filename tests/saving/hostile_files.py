"""Building blocks of bad files: a good model's members, and archives of changed ones."""

import base64
import io
import json
import marshal
import struct
import zipfile

import h5py
import numpy as np

import nnseq as keras
from nnseq import layers


def base_model():
    """The model that files of weights are loaded into."""
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            layers.Dense(5, activation="relu", name="a"),
            layers.BatchNormalization(name="n"),
            layers.Dense(3, name="b"),
        ],
        name="base",
    )


def saved(folder, model=None):
    """The bytes of the members of a model's `.keras` file, by name."""
    model = model or base_model()
    model.compile("adam", "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    model.save(folder / "good.keras")
    with zipfile.ZipFile(folder / "good.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members, compression=zipfile.ZIP_STORED, **changes):
    """The bytes of an archive; `changes` are keyed by the first word of a member's name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, changes.get(name.split(".")[0], data))
    return buffer.getvalue()


def changed(members, change):
    """The archive whose configuration went through `change(config)`."""
    config = json.loads(members["config.json"])
    change(config)
    return packed(members, config=json.dumps(config).encode())


def with_layer(members, layer, at=1):
    """The archive in which one layer of the configuration is another."""

    def change(config):
        config["config"]["layers"][at] = layer

    return changed(members, change)


def with_entry(members, at=1, **config):
    """The archive with other entries in the configuration of a layer."""

    def change(whole):
        whole["config"]["layers"][at]["config"].update(config)

    return changed(members, change)


def touch(path):
    """Code as Keras writes that of a lambda; if it is ever run, a file appears at `path`."""
    source = f"lambda x: open({str(path)!r}, 'w').close() or x"
    code = eval(compile(source, "payload", "eval")).__code__
    return base64.b64encode(marshal.dumps(code)).decode()


def h5_bytes(write):
    """The bytes of an HDF5 file that `write(file)` fills."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()


def weights_with(change, model=None):
    """A file of weights of the model, without a checksum, that went through `change(file)`."""

    def write(file):
        for path, count in (("a", "dense"), ("n", "batch_normalization"), ("b", "dense_1")):
            layer = (model or base_model()).get_layer(path)
            group = file.create_group(f"layers/{count}/vars")
            for index, value in enumerate(layer.get_weights()):
                group.create_dataset(str(index), data=value)
        change(file)

    return h5_bytes(write)


def put(place, make):
    """A change: what is at `place` is replaced by what `make(group, name)` puts there."""

    def change(file):
        if place in file:
            del file[place]
        folder, _, name = place.rpartition("/")
        make(file.require_group(folder) if folder else file, name)

    return change


def patched(data, at, form, *values):
    """Bytes with packed numbers written over them."""
    data = bytearray(data)
    struct.pack_into(form, data, at, *values)
    return bytes(data)


def flips(data, count, seed=0):
    """(name, bytes) of copies with one bit flipped."""
    bits = np.random.default_rng(seed).permutation(len(data) * 8)[:count]
    for bit in sorted(bits.tolist()):
        copy = bytearray(data)
        copy[bit // 8] ^= 1 << bit % 8
        yield f"bit{bit}", bytes(copy)
