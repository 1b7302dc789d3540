"""The bad files: {name: bytes} for each group, or a function that makes what lies at the path."""

import json
import os
import pickle
import struct
import zipfile

import h5py
import numpy as np
from hostile_files import (
    changed,
    h5_bytes,
    packed,
    patched,
    put,
    touch,
    weights_with,
    with_entry,
    with_layer,
)  # fmt: skip

# --- code, names of code, places of other data ----------------------------------------------------
FOREIGN = [
    ("os", "system"), ("builtins", "exec"), ("subprocess", "Popen"),
    ("keras.config", "enable_unsafe_deserialization"), ("keras.utils", "get_file"),
    ("keras.models", "load_model"), ("keras.src.utils.file_utils", "File"),
    ("importlib", "import_module"),
]  # fmt: skip


def layer(class_name, module="keras.layers", **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def code(members, folder):
    canary = folder / "canary"
    raw = touch(canary)
    body = {"code": raw, "defaults": None, "closure": None}
    function = {"module": "builtins", "class_name": "__lambda__", "config": body}
    bare = {key: value for key, value in function.items() if key != "module"}
    lambdas = {
        "lambda": layer("Lambda", name="l", function=function),
        "lambda_bare": layer("Lambda", name="l", function=bare),
        "lambda_old": layer("Lambda", name="l", function=[raw, None, None], function_type="lambda"),
        "lambda_activation": layer("Dense", name="l", units=5, activation=function),
        "lambda_inside": layer("TimeDistributed", layer=layer("Lambda", function=function)),
        "lambda_both_ways": layer("Bidirectional", layer=layer("Lambda", function=function)),
        "torch": layer("TorchModuleWrapper", module="gASV"),
        "saved_model": layer("TFSMLayer", filepath=str(canary), call_endpoint="serve"),
    }
    for name, entry in lambdas.items():
        yield f"{name}.keras", with_layer(members, entry)
    for number, (module, name) in enumerate(FOREIGN):
        named = {"module": module, "class_name": name, "config": {"name": f"touch {canary}"}}
        function = {"module": module, "class_name": "function", "config": name}
        yield f"layer{number}.keras", with_layer(members, {**named, "registered_name": None})
        yield f"registered{number}.keras", with_layer(members, {**named, "registered_name": name})
        yield f"activation{number}.keras", with_entry(members, activation=function)
        yield f"text{number}.keras", with_entry(members, activation=f"{module}.{name}")
        yield f"initializer{number}.keras", with_entry(members, kernel_initializer=named)
        for part in ("loss", "optimizer"):

            def change(config, part=part, named=named):
                config["compile_config"][part] = named

            yield f"{part}{number}.keras", changed(members, change)
    yield "old.keras", h5_bytes(lambda file: file.attrs.__setitem__("model_config", "{}"))
    yield "pickle.keras", pickle.dumps(np.ones(3))
    for kind in ("StringLookup", "IntegerLookup", "TextVectorization"):
        for number, place in enumerate((str(folder / "list.txt"), "http://127.0.0.1:9/x")):
            entry = layer(kind, name="v", vocabulary=place)
            yield f"{kind}{number}.keras", with_layer(members, entry)


# --- numbers --------------------------------------------------------------------------------------
FIELDS = {
    "units": ("Dense", {"units": 5}),
    "filters": ("Conv2D", {"filters": 2, "kernel_size": [3, 3]}),
    "kernel_size": ("Conv2D", {"filters": 2, "kernel_size": [3, 3]}),
    "strides": ("Conv2D", {"filters": 2, "kernel_size": [3, 3]}),
    "dilation_rate": ("Conv2D", {"filters": 2, "kernel_size": [3, 3]}),
    "groups": ("Conv2D", {"filters": 2, "kernel_size": [3, 3]}),
    "pool_size": ("MaxPooling2D", {"pool_size": [2, 2]}),
    "rate": ("Dropout", {"rate": 0.5}),
    "axis": ("BatchNormalization", {}),
}
BAD_NUMBERS = [-1, 0, 2.5, "2", True, None, float("nan"), [], {}, 2**62]


def numbers(members, folder):
    for field, (kind, config) in FIELDS.items():
        shape = [None, 8, 8, 2] if kind in ("Conv2D", "MaxPooling2D") else [None, 6]
        for number, value in enumerate(BAD_NUMBERS):
            entry = layer(kind, **{"name": "bad", **config, field: value})

            def change(config, entry=entry, shape=shape):
                first = layer("InputLayer", batch_shape=shape, name="x")
                config["config"] = {"name": "m", "layers": [first, entry]}
                del config["compile_config"], config["build_config"]

            yield f"{field}-{number}.keras", changed(members, change)
    for name, units in (("2e31", 2**31), ("e18", 10**18), ("e40", 10**40)):
        yield f"units{name}.keras", with_entry(members, units=units)
    yield "input.keras", with_entry(members, 0, batch_shape=[None, 10**12])
    huge = layer("Conv2D", name="c", filters=2**40, kernel_size=[2**20, 2**20])
    for name, entry in (
        ("kernel", layer("Conv2D", name="c", filters=4, kernel_size=[10**5, 10**5])),
        ("overflow", huge),
        ("embedding", layer("Embedding", name="e", input_dim=2**40, output_dim=2**30)),
    ):

        def change(config, entry=entry):
            first = layer("InputLayer", batch_shape=[None, 8, 8, 2], name="x")
            config["config"] = {"name": "m", "layers": [first, entry]}
            del config["compile_config"], config["build_config"]

        yield f"{name}.keras", changed(members, change)


# --- zip and JSON ---------------------------------------------------------------------------------
def zips(members, folder):
    good = packed(members)
    for number, name in enumerate(("../../x", "/abs", "C:\\x", "a\\b", "a\x01b", "a/../../b")):
        yield f"name{number}.keras", packed({**members, name: b"x"})
    inside = packed({**members, "aXb": b"x"})
    yield "nul.keras", inside.replace(b"aXb", b"a\0b")
    twice = packed({**members, "config.jsoX": members["config.json"]})
    yield "twice.keras", twice.replace(b"config.jsoX", b"config.json")
    local, central = good.find(b"PK\3\4"), good.find(b"PK\1\2")
    second = good.find(b"PK\3\4", local + 4)
    yield "local_crc.keras", patched(good, second + 14, "<I", 1)
    yield "local_size.keras", patched(good, second + 22, "<I", 9)
    yield "local_method.keras", patched(good, second + 8, "<H", 8)
    yield "local_name.keras", patched(good, second + 30, "<B", ord("d"))
    yield "encrypted.keras", patched(patched(good, local + 6, "<H", 1), central + 8, "<H", 1)
    for method in (12, 14, 93):
        bad = patched(good, local + 8, "<H", method)
        yield f"method{method}.keras", patched(bad, central + 10, "<H", method)
    yield "size_lie.keras", patched(good, central + 20, "<II", 2**31, 1)
    yield "zip64_lie.keras", patched(good, central + 24, "<I", 2**32 - 1)
    yield "zip64_local.keras", patched(good, second + 22, "<I", 2**32 - 1)
    overlapping = patched(good, good.find(b"PK\1\2", central + 4) + 42, "<I", 0)
    yield "overlap.keras", overlapping
    many = {**members, **{f"assets/{i}": b"" for i in range(65_540)}}
    yield "many.keras", packed(many)
    yield "prefix.keras", b"junk" + good
    yield "comment.keras", patched(good, len(good) - 2, "<H", 9) + b"junk junk"
    yield "behind.keras", good + b"junk"
    yield "directory.keras", patched(good, len(good) - 6, "<I", 2**31)
    spaces = b" " * 100_000_000
    yield "bomb_config.keras", packed(members, zipfile.ZIP_DEFLATED, config=spaces)
    zeros = bytes(100_000_000)
    yield "bomb_weights.keras", packed(members, zipfile.ZIP_DEFLATED, model=zeros)
    lie = packed(members, zipfile.ZIP_DEFLATED, config=spaces[:3_000_000])
    yield "bomb_lie.keras", lie.replace(struct.pack("<I", 3_000_000), struct.pack("<I", 999))


def jsons(members, folder):
    config = members["config.json"]
    texts = {
        "deep3000": b"[" * 3000 + b"]" * 3000,
        "deep100": config[:-1] + b',"a":' + b"[" * 100 + b"]" * 100 + b"}",
        "deep200000": b'{"a":' * 200_000,
        "twice": b'{"class_name": "Sequential", ' + config[1:],
        "utf16": config.decode().encode("utf-16"),
        "latin": config.replace(b'"base"', b'"b\xe9"'),
        "trailing": config + b"x",
        "two": config + config,
        "integer": config[:-1] + b',"a":' + b"9" * 1_000_000 + b"}",
        "int65": config[:-1] + b',"a": 9223372036854775808}',
        "huge": config[:-1] + b',"a": 1e999}',
        "surrogate": config.replace(b'"base"', b'"\\ud800"'),
        "empty": b"",
        "null": b"null",
        "string": config[:-1] + b',"a":"' + b"x" * 1_100_000 + b'"}',
        "values": b"[" + b"0," * 2_000_000 + b"0]",
        "layers": _many_layers(json.loads(config)),
    }
    for name, text in texts.items():
        yield f"{name}.keras", packed(members, config=text)


def _many_layers(config):
    dense = layer("Dense", units=1)
    config["config"]["layers"][1:] = [dense] * 20_000
    return json.dumps(config).encode()


# --- HDF5 -----------------------------------------------------------------------------------------
KERNEL = "layers/dense/vars/0"


def hdf5_links(members, folder):
    other = folder / "other.h5"
    other.write_bytes(weights_with(lambda file: None))
    layout = h5py.VirtualLayout((6, 5), "f4")
    layout[:] = h5py.VirtualSource(str(other), KERNEL, (6, 5))
    raw = folder / "raw.bin"
    raw.write_bytes(bytes(120))
    makers = {
        "external_link": lambda g, n: g.__setitem__(n, h5py.ExternalLink(str(other), KERNEL)),
        "soft_link": lambda g, n: g.__setitem__(n, h5py.SoftLink("/layers/dense_1/vars/0")),
        "hard_link": lambda g, n: g.__setitem__(n, g.file["layers/dense_1/vars/0"]),
        "external_data": lambda g, n: g.create_dataset(
            n, (6, 5), "f4", external=[(str(raw), 0, 120)]
        ),
        "virtual": lambda g, n: g.create_virtual_dataset(n, layout),
    }
    for name, make in makers.items():
        yield f"{name}.weights.h5", weights_with(put(KERNEL, make))
        inner = weights_with(put("layers/dense/vars/9", make))
        yield f"{name}_more.weights.h5", inner
        yield f"{name}.keras", packed(members, model=inner)
    group = {
        "external": lambda g, n: g.__setitem__(n, h5py.ExternalLink(str(other), "layers")),
        "soft": lambda g, n: g.__setitem__(n, h5py.SoftLink("/")),
        "cycle": lambda g, n: g.__setitem__(n, g.file["/"]),
    }
    for name, make in group.items():
        yield f"group_{name}.weights.h5", weights_with(put("layers/dense", make))
        yield f"group_{name}_more.weights.h5", weights_with(put("layers/dense/vars/x", make))


def hdf5_bombs(members, folder):
    def empty(shape, **options):
        return lambda g, n: g.create_dataset(n, shape, "f4", **options)

    packed_as = {"chunks": (1 << 10, 1 << 10), "compression": "gzip"}
    bombs = {
        "8pb": empty((1 << 25, 1 << 26), **packed_as),
        "4gb": empty((1 << 15, 1 << 15), **packed_as),
        "late": empty((1 << 15, 1 << 15)),
        "chunk": empty((6, 5), chunks=(1 << 14, 1 << 14), maxshape=(None, None)),
    }
    for name, make in bombs.items():
        yield f"{name}.weights.h5", weights_with(put(KERNEL, make))
        yield f"{name}_more.weights.h5", weights_with(put("extra", make))

    def forty(file):
        for number in range(40):
            empty((1 << 14, 1 << 14), **packed_as)(file, f"x{number}")

    yield "forty.weights.h5", weights_with(forty)

    def agreeing(file):
        for name, make in (("0", empty((16_000, 32_000), **packed_as)), ("1", empty((32_000,)))):
            put(f"layers/dense/vars/{name}", make)(file)

    def change(config):
        layers = config["config"]["layers"]
        layers[0]["config"]["batch_shape"] = [None, 16_000]
        layers[1:] = [layer("Dense", name="d", units=32_000)]
        del config["build_config"], config["compile_config"]

    config = json.loads(members["config.json"])
    change(config)
    inner = h5_bytes(agreeing)
    yield "agree.keras", packed(members, config=json.dumps(config).encode(), model=inner)

    def zeros(g, n):
        g.create_dataset(n, data=np.zeros((6000, 6000), "f4"), compression="gzip")

    yield "zeros.weights.h5", weights_with(put("extra", zeros))


def hdf5_types(members, folder):
    ones = np.ones((6, 5))
    opaque = np.void(b"12345678")
    big = h5py.h5t.IEEE_F32LE.copy()
    big.set_ebias(100)
    values = {
        "string": lambda g, n: g.create_dataset(n, data=np.full((6, 5), b"a")),
        "compound": lambda g, n: g.create_dataset(n, (6, 5), [("a", "f4"), ("b", "f4")]),
        "vlen": lambda g, n: g.create_dataset(n, (6, 5), h5py.vlen_dtype("f4")),
        "text": lambda g, n: g.create_dataset(n, (6, 5), h5py.string_dtype()),
        "reference": lambda g, n: g.create_dataset(n, (6, 5), h5py.ref_dtype),
        "complex": lambda g, n: g.create_dataset(n, data=ones + 1j),
        "bool": lambda g, n: g.create_dataset(n, data=ones > 0),
        "integer": lambda g, n: g.create_dataset(n, data=ones.astype("i4")),
        "opaque": lambda g, n: g.create_dataset(n, data=np.array([[opaque] * 5] * 6)),
        "f80": lambda g, n: g.create_dataset(n, data=ones.astype(np.longdouble)),
        "float64": lambda g, n: g.create_dataset(n, data=ones / 3),
        "array": lambda g, n: g.create_dataset(n, (6,), np.dtype(("f4", (5,)))),
        "enum": lambda g, n: g.create_dataset(n, (6, 5), h5py.enum_dtype({"a": 1})),
        "odd_float": lambda g, n: h5py.h5d.create(
            g.id, n.encode(), big, h5py.h5s.create_simple((6, 5))
        ),
        "null": lambda g, n: g.create_dataset(n, data=h5py.Empty("f4")),
        "scalar": lambda g, n: g.create_dataset(n, data=np.float32(1)),
        "empty": lambda g, n: g.create_dataset(n, (0, 5), "f4"),
        "wrong_shape": lambda g, n: g.create_dataset(n, (5, 6), "f4"),
        "wrong_rank": lambda g, n: g.create_dataset(n, (30,), "f4"),
        "rank9": lambda g, n: g.create_dataset(n, (1,) * 9, "f4"),
        "group": lambda g, n: g.create_group(n),
        "type": lambda g, n: g.__setitem__(n, np.dtype("f4")),
        "missing": lambda g, n: None,
    }
    for name, make in values.items():
        yield f"{name}.weights.h5", weights_with(put(KERNEL, make))
    lzf = {"compression": "lzf"}
    yield (
        "lzf.weights.h5",
        weights_with(put(KERNEL, lambda g, n: g.create_dataset(n, (6, 5), "f4", **lzf))),
    )
    extra = put("layers/dense/vars/2", lambda g, n: g.create_dataset(n, data=ones))
    yield "extra.weights.h5", weights_with(extra)
    wrong = put("layers/dense_1/vars/1", lambda g, n: g.create_dataset(n, (4,), "f4"))
    yield "last_wrong.weights.h5", weights_with(wrong)  # after others that fit


def hdf5_bytes(members, folder):
    good = weights_with(lambda file: None)
    [end] = struct.unpack_from("<Q", good, 40)
    assert end == len(good)
    yield "eof62.weights.h5", patched(good, 40, "<Q", 2**62)
    yield "root40.weights.h5", patched(good, 64, "<Q", 2**40)
    yield "version9.weights.h5", patched(good, 8, "<B", 9)
    yield "half.weights.h5", good[: len(good) // 2]
    tree = good.find(b"TREE")
    yield "tree_self.weights.h5", patched(good, tree + 32, "<Q", tree)
    yield "tree_level.weights.h5", patched(good, tree + 5, "<B", 200)
    yield "tree_count.weights.h5", patched(good, tree + 6, "<H", 65535)
    node = good.find(b"SNOD")
    yield "node_count.weights.h5", patched(good, node + 6, "<H", 65535)
    yield "node_loop.weights.h5", patched(good, node + 16, "<Q", 96)  # the root group
    heap = good.find(b"HEAP")
    yield "heap.weights.h5", patched(good, heap + 24, "<Q", 2**63)
    # The object header of the root: version 1, its first message becomes a continuation of itself.
    yield "header_loop.weights.h5", patched(good, 112, "<HH4xQQ", 0x10, 16, 112, 48)
    # The message of the layout of a dataset holds address and size of the data.
    at = good.find(struct.pack("<QQ", *_extent(good)))
    yield "address.weights.h5", patched(good, at, "<Q", 2**40)
    yield "behind.weights.h5", patched(good, at, "<Q", len(good) - 8)
    yield "overlap.weights.h5", patched(good, at, "<Q", _extent(good, "layers/dense_1/vars/0")[0])
    yield "size.weights.h5", patched(good, at + 8, "<Q", 2**62)
    dims = good.find(struct.pack("<QQ", 6, 5))
    yield "dims63.weights.h5", patched(good, dims, "<Q", 2**63)
    yield "dims32.weights.h5", patched(good, dims, "<QQ", 2**32, 2**32)
    chunked = weights_with(
        put(KERNEL, lambda g, n: g.create_dataset(n, data=np.ones((6, 5), "f4"), chunks=(3, 5)))
    )
    sizes = chunked.find(struct.pack("<III", 3, 5, 4))
    yield "chunk0.weights.h5", patched(chunked, sizes, "<I", 0)
    yield "chunk_big.weights.h5", patched(chunked, sizes, "<II", 2**31, 2**31)
    zipped = weights_with(
        put(KERNEL, lambda g, n: g.create_dataset(n, data=np.ones((6, 5), "f4"), compression=1))
    )
    filters = zipped.find(b"deflate") - 8
    yield "filter.weights.h5", patched(zipped, filters, "<H", 32_015)


def _extent(data, path=KERNEL):
    import io

    with h5py.File(io.BytesIO(data), "r") as file:
        return file[path].id.get_offset(), file[path].id.get_storage_size()


# --- things that are no files ---------------------------------------------------------------------
def places(members, folder):
    def unreadable(path):
        path.write_bytes(packed(members))
        path.chmod(0)

    made = {
        "pipe": os.mkfifo,
        "zero": lambda path: path.symlink_to("/dev/zero"),
        "folder": os.mkdir,
        "loop": lambda path: path.symlink_to(path.name),
        "nothing": lambda path: path.write_bytes(b""),
        "absent": lambda path: None,
    }
    if os.geteuid() != 0:
        made["unreadable"] = unreadable
    for name, make in made.items():
        for ending in ("keras", "weights.h5", "h5"):
            yield f"{name}.{ending}", make


GROUPS = {
    "code": [code],
    "numbers": [numbers],
    "zip": [zips, jsons],
    "hdf5": [hdf5_links, hdf5_bombs, hdf5_types, hdf5_bytes],
    "places": [places],
}
