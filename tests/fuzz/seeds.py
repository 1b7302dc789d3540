"""Writes what the fuzzers begin with: `seeds.py FOLDER` makes FOLDER/model_file, /graph, /json."""

import json
import sys
from pathlib import Path

import nnseq
from nnseq import layers


def models():
    """Small models that together use many ops and every kind of attribute."""
    inputs = nnseq.Input
    yield nnseq.Sequential([inputs((3,)), layers.Dense(2, activation="softmax")])
    yield nnseq.Sequential(
        [
            inputs((6, 6, 2)),
            layers.Conv2D(2, 3, activation="relu", padding="same", dilation_rate=2),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(2),
            layers.AveragePooling2D(1),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    yield nnseq.Sequential(
        [inputs((6, 6, 2)), layers.Conv2DTranspose(2, 3, strides=2), layers.GlobalMaxPooling2D()]
    )
    for cell in layers.GRU, layers.LSTM, layers.SimpleRNN:
        yield nnseq.Sequential([inputs((None, 2)), cell(2), layers.LayerNormalization()])
    # With another activation a layer is a scan.
    yield nnseq.Sequential([inputs((3, 2)), layers.LSTM(2, activation="relu"), layers.Dense(1)])
    yield nnseq.Sequential(
        [
            inputs((4,)),
            layers.Embedding(5, 2, mask_zero=True),
            layers.Bidirectional(layers.GRU(2, return_sequences=True)),
            layers.GlobalAveragePooling1D(),
            layers.RepeatVector(3),
            layers.ZeroPadding1D(1),
            layers.Cropping1D(1),
            layers.Permute((2, 1)),
            layers.Reshape((-1, 2)),
            layers.UpSampling1D(2),
            layers.GaussianNoise(0.1),
            layers.Flatten(),
            layers.Dense(3, activation="elu"),
        ]
    )


WINDOW = {"window": [2, 2], "strides": [1, 1], "padding": "valid", "pads": []}
CONV = {"strides": [1, 1], "dilation": [1, 1], "padding": "valid", "pads": [], "groups": 1}
CELL = {"cell": "gru", "masked": False, "zero_output": False, "reverse": False}
STEPS, STATE = [3, 4, 2], [3, 2]
IMAGE, POOLED, ROWS, LABELS = [1, 3, 3, 2], [1, 2, 2, 2], [2, 3], ("int32", [2])
# Ops that stand in no traced model: their operands (float32 unless said) and attributes.
OPS = [
    ("unary_grad", [ROWS, ROWS], {"fn": "tanh", "alpha": 0}),
    ("softmax_grad", [ROWS, ROWS], {}),
    ("log_softmax", [ROWS], {}),
    ("log_softmax_grad", [ROWS, ROWS], {}),
    ("softmax_cross_entropy", [ROWS, LABELS], {}),
    ("softmax_cross_entropy_grad", [ROWS, LABELS, [2]], {}),
    ("max_pool_grad", [IMAGE, POOLED, POOLED], WINDOW | {"sizes": []}),
    ("avg_pool_grad", [POOLED], WINDOW | {"sizes": [3, 3]}),
    ("conv2d_by_weights", [IMAGE, POOLED], CONV | {"sizes": [2, 2]}),
    ("batch_norm_grad", [ROWS, [3], [3], [3], ROWS], {"epsilon": 0.1}),
    ("layer_norm_grad", [ROWS, [3], [2], [2], ROWS], {"epsilon": 0.1}),
    ("recurrent_grad", [[2, 6], [3, 4, 6], STEPS, STEPS, STATE, STEPS], CELL),
    ("scatter_add", [ROWS, LABELS], {"axis": 0, "size": 5}),
    ("one_hot", [LABELS], {"depth": 4}),
    ("arg_reduce", [ROWS], {"axis": -1, "max": True}),
    ("arg_sort", [ROWS], {"descending": False}),
    ("cumsum", [ROWS], {"axis": 1}),
    ("reverse", [ROWS], {"axes": [0]}),
    ("iota", [], {"sizes": [4], "start": 0, "step": 2, "dtype": "int32"}),
    ("slice", [ROWS], {"begin": [0, 1], "sizes": [2, 2], "step": [1, 1]}),
    ("pad", [ROWS], {"low": [1, -1], "high": [0, 2], "interior": [0, 1], "value": 0}),
    ("concat", [ROWS, ROWS], {"axis": 0}),
    ("select", [("bool", [2, 1]), ROWS, ROWS], {}),
    ("check_finite", [ROWS], {}),
]


def graph_of(op, operands, attrs):
    """One op on inputs."""
    nodes = []
    for i, operand in enumerate(operands):
        dtype, shape = operand if isinstance(operand, tuple) else ("float32", operand)
        name = {"name": f"x{i}", "index": i}
        type_ = {"dtype": dtype, "shape": shape}
        nodes.append({"op": "input", "inputs": [], "attrs": name, "type": type_})
    inputs = [[i, 0] for i in range(len(operands))]
    nodes.append({"op": op, "inputs": inputs, "attrs": attrs})
    output = {"name": "y", "value": [len(operands), 0]}
    graph = {"slots": [], "scopes": [""], "nodes": nodes, "outputs": [output], "assignments": []}
    return {"size": 2, "constants": [], "graph": graph}


def graphs(data):
    """The functions of a file, with what stands for its constants."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    model = json.loads(header["__metadata__"]["model"])
    dtypes = {"F32": "float32", "F64": "float64", "I32": "int32", "I64": "int64"}
    dtypes |= {"U8": "uint8", "BOOL": "bool"}
    constants = [
        {"dtype": dtypes[header[n]["dtype"]], "shape": header[n]["shape"], "value": 1}
        for n in model["constants"]
    ]
    for f in model["functions"]:
        yield f["name"], {"size": 2, "constants": constants, "graph": f["graph"]}


def main(folder):
    places = [Path(folder, name) for name in ("model_file", "graph", "json")]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    files, parts, texts = places
    for i, model in enumerate(models()):
        model.compile("adam", "mse", metrics=["mae"])
        path = files / f"{i}.nnseq"
        model.export(path, classes=["a", "b"])
        for name, graph in graphs(path.read_bytes()):
            (parts / f"{i}_{name}.json").write_text(json.dumps(graph, separators=(",", ":")))
        (texts / f"{i}.json").write_text(model.to_json())
    for op, operands, attrs in OPS:
        (parts / f"{op}.json").write_text(json.dumps(graph_of(op, operands, attrs)))
    for i, text in enumerate(['{"a":[1,-2.5e3,"\\u00e4\\n",true,null]}', "[[[]]]", "1e308", '""']):
        (texts / f"text_{i}.json").write_text(text)


if __name__ == "__main__":
    main(sys.argv[1])
