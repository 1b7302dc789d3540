"""Models exported to ONNX: values, names, metadata, layouts, and what is refused."""

import collections
import json
import sys

import numpy as np
import pytest
from onnx_run import assert_close, check, load, run, session, with_weights

import nnseq as keras
from nnseq import Input, Model, Sequential, _core, layers, ops
from nnseq.models import load_model
from nnseq.saving.onnx import model as onnx_model

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=(3, *shape)).astype("float32")


def counts(proto):
    return collections.Counter(node.op_type for node in proto.graph.node)


def dims(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def mlp():
    return with_weights(
        Sequential(
            [
                Input((5,), name="petals"),
                layers.Dense(4, activation="gelu", name="hidden"),
                layers.Dropout(0.5),
                layers.Dense(3, activation="softmax", name="scores"),
            ],
            name="iris",
        )
    )


def test_names_and_metadata(tmp_path):
    proto = check(mlp(), [floats(5)], tmp_path, classes=["a", "b", 3])
    assert [x.name for x in proto.graph.input] == ["petals"]
    assert [x.name for x in proto.graph.output] == ["scores"]
    assert dims(proto.graph.input[0]) == ["batch", 5] and dims(proto.graph.output[0]) == [
        "batch",
        3,
    ]
    weights = [x.name for x in proto.graph.initializer if x.name.startswith("iris/")]
    assert weights == [f"iris/{x}/{y}" for x in ("hidden", "scores") for y in ("kernel", "bias")]
    assert all(node.name.startswith(("iris/hidden/", "iris/scores/")) for node in proto.graph.node)
    assert (proto.producer_name, proto.producer_version) == ("nnseq", keras.__version__)
    assert proto.graph.name == "iris" and proto.opset_import[0].version == 17
    [classes] = [p.value for p in proto.metadata_props if p.key == "classes"]
    assert json.loads(classes) == ["a", "b", "3"]


@pytest.mark.parametrize("opset", [18, 21, 23])
def test_newer_operators(opset, tmp_path):
    x = Input((4, 3))
    y = layers.LSTM(3, activation="relu", return_sequences=True)(x)
    y = layers.LayerNormalization()(y)
    y = [ops.mean(y, axis=1), ops.max(y, axis=(1, 2), keepdims=True), ops.prod(y, axis=-1)]
    proto = check(with_weights(Model(x, y)), [floats(4, 3)], tmp_path, opset_version=opset)
    assert proto.opset_import[0].version == opset


def test_a_cnn_turns_its_images_once(tmp_path):
    x = Input((16, 12, 3))
    y = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(x)
    z = layers.BatchNormalization()(layers.SeparableConv2D(4, 3, padding="same")(y))
    y = layers.Add()([layers.ReLU(6.0)(z), y])
    y = layers.Concatenate()([layers.MaxPooling2D()(y), layers.AveragePooling2D(padding="same")(y)])
    y = layers.ZeroPadding2D(((1, 0), (0, 2)))(layers.Activation("mish")(y))
    y = layers.Cropping2D(((0, 1), (1, 0)))(layers.DepthwiseConv2D(2, depth_multiplier=2)(y))
    y = layers.Conv2DTranspose(3, 3, strides=2)(layers.PReLU(shared_axes=[1, 2])(y))
    pooled = layers.GlobalAveragePooling2D()(y)
    model = with_weights(Model(x, layers.Dense(2)(pooled)))
    found = counts(check(model, [floats(16, 12, 3)], tmp_path))
    assert found["Transpose"] == 1 and found["Conv"] == 4
    flat = with_weights(Model(x, layers.Dense(2)(layers.Flatten()(y))))
    assert counts(check(flat, [floats(16, 12, 3)], tmp_path))["Transpose"] == 2


def test_channels_first_is_what_onnx_wants(tmp_path):
    model = Sequential(
        [
            Input((3, 8, 8)),
            layers.Conv2D(4, 3, data_format="channels_first", activation="relu"),
            layers.MaxPooling2D(data_format="channels_first"),
        ]
    )
    proto = check(with_weights(model), [floats(3, 8, 8)], tmp_path)
    assert (
        counts(proto)["Transpose"] <= 2
    )  # around the bias, which the layer adds to the first axis


def test_convolutions_of_sequences_stay_turned(tmp_path):
    model = Sequential(
        [
            Input((None, 3)),
            layers.Conv1D(4, 3, padding="causal", activation="relu"),
            layers.Conv1D(4, 3, strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.GlobalMaxPooling1D(),
        ]
    )
    found = counts(check(with_weights(model), [floats(9, 3)], tmp_path))
    assert (found["Transpose"], found["Conv"], found["Add"]) == (1, 2, 1)  # biases are in the Convs


def test_sizes_of_images_that_are_not_known(tmp_path):
    model = Sequential(
        [
            Input((None, None, 2)),
            layers.Conv2D(3, 3, strides=2, padding="same"),
            layers.Conv2DTranspose(2, 3, strides=2, padding="same"),
            layers.UpSampling2D(2),
            layers.AveragePooling2D(3, padding="same"),
            layers.ZeroPadding2D(1),
        ]
    )
    path = tmp_path / "m.onnx"
    with_weights(model).export(path, format="onnx")
    for shape in ((7, 10, 2), (12, 5, 2)):
        x = floats(*shape)
        assert_close(run(path, [x])[0], model.predict(x, verbose=0))


def test_recurrent_layers_are_nodes(tmp_path):
    x = Input((None, 4))
    y = layers.LSTM(5, return_sequences=True)(x)
    y, h, c = layers.LSTM(3, return_sequences=True, return_state=True)(y)
    z = layers.Bidirectional(layers.GRU(3, return_sequences=True))(y, initial_state=None)
    z = layers.GRU(3, use_bias=False, go_backwards=True, return_sequences=True)(z)
    z = layers.SimpleRNN(3)(z, initial_state=h)
    model = with_weights(Model(x, [z, h, c]))
    found = counts(check(model, [floats(6, 4)], tmp_path))
    assert (found["LSTM"], found["GRU"], found["RNN"], found["Scan"]) == (2, 3, 1, 0)
    kernels = {x.name for x in load(tmp_path / "m.onnx").graph.initializer}
    assert {weight.path for weight in model.weights} <= kernels
    longer = floats(9, 4)
    got = run(tmp_path / "m.onnx", [longer])
    for mine, yours in zip(got, model.predict(longer, verbose=0), strict=True):
        assert_close(mine, yours)


@pytest.mark.parametrize(
    "layer",
    [
        layers.LSTM(3, return_sequences=True),
        layers.GRU(3, return_sequences=True, reset_after=False),
        layers.SimpleRNN(3, go_backwards=True, zero_output_for_mask=True, return_sequences=True),
        layers.Bidirectional(layers.GRU(3)),
        layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="sum"),
        layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_masks(layer, tmp_path):
    """On both sides and in the middle, and a row that is masked whole."""
    tokens = np.array([[0, 3, 0, 2, 1, 0], [1, 2, 3, 4, 0, 0], [0, 0, 0, 0, 0, 0]], "int32")
    model = Sequential(
        [Input((None,), dtype="int32"), layers.Embedding(5, 4, mask_zero=True), layer]
    )
    check(with_weights(model), [tokens], tmp_path)
    assert_close(run(tmp_path / "m.onnx", [tokens[:, 1:4]])[0], model.predict(tokens[:, 1:4]))


def test_a_transformer(tmp_path):
    tokens = np.array([[3, 1, 4, 1, 5, 0], [2, 6, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6]], "int32")
    x = Input((None,), dtype="int32")
    y = layers.Embedding(7, 8, mask_zero=True)(x)
    attended = layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
    y = layers.LayerNormalization()(layers.Add()([y, attended]))
    inner = layers.Dense(8)(layers.Dense(16, activation="gelu")(y))
    y = layers.LayerNormalization()(layers.Add()([y, inner]))
    y = layers.GlobalAveragePooling1D()(y)
    model = with_weights(Model(x, layers.Dense(2, activation="softmax")(y)))
    check(model, [tokens], tmp_path)
    assert_close(run(tmp_path / "m.onnx", [tokens[:, :4]])[0], model.predict(tokens[:, :4]))


def test_several_inputs_and_outputs(tmp_path):
    title = Input((None,), dtype="int32", name="title")
    image = Input((6, 6, 3), dtype="uint8", name="image")
    tags = Input((3,), name="tags")
    text = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(title))
    seen = layers.Flatten()(layers.Conv2D(2, 3)(layers.Rescaling(1 / 255)(image)))
    both = layers.Concatenate()([text, seen, tags])
    outputs = {
        "priority": layers.Dense(1, activation="sigmoid")(both),
        "kind": layers.Dense(4)(both),
    }
    model = with_weights(Model([title, image, tags], outputs))
    tokens = RNG.integers(0, 9, (3, 7)).astype("int32")
    arrays = [tokens, RNG.integers(0, 256, (3, 6, 6, 3)).astype("uint8"), floats(3)]
    path = tmp_path / "m.onnx"
    model.export(path, format="onnx")
    ready = session(path)
    assert [x.name for x in ready.get_inputs()] == ["title", "image", "tags"]
    assert [x.type for x in ready.get_inputs()] == [
        "tensor(int32)",
        "tensor(uint8)",
        "tensor(float)",
    ]
    assert ready.get_inputs()[0].shape == ["batch", "title_dim_1"]
    want = model.predict(arrays, verbose=0)
    got = dict(zip([x.name for x in ready.get_outputs()], run(path, arrays), strict=True))
    assert sorted(got) == sorted(want)
    for name, value in want.items():
        assert_close(got[name], value)


def test_an_output_that_is_an_input_or_there_twice(tmp_path):
    x = Input((4,))
    y = layers.Dense(3)(x)
    proto = check(with_weights(Model(x, [y, layers.Identity()(x), y])), [floats(4)], tmp_path)
    assert len({value.name for value in proto.graph.output}) == 3


def test_a_subclassed_model_and_a_signature(tmp_path):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return ops.log1p(ops.square(self.dense(x)))

    model = Net()
    with pytest.raises(ValueError, match="pass `input_signature`"):
        model.export(tmp_path / "m.onnx", format="onnx")
    check(model, [floats(4)], tmp_path, input_signature=[keras.KerasTensor((None, 4))])


def test_layers_of_strings_stay_outside(tmp_path):
    x = Input((2,), dtype="string")
    y = layers.Embedding(5, 3)(layers.StringLookup(vocabulary=["a", "b", "c"])(x))
    model = with_weights(Model(x, layers.Flatten()(y)))
    words = np.array([["a", "x"], ["c", "b"]])
    model.export(tmp_path / "m.onnx", format="onnx")
    assert_close(
        run(tmp_path / "m.onnx", [model.prepare(words)])[0], model.predict(words, verbose=0)
    )


def test_from_a_model_file_without_layers(tmp_path):
    model = mlp()
    model.export(tmp_path / "m.nnseq", classes=["a", "b", "c"])
    file = _core.ModelFile.load(str(tmp_path / "m.nnseq"))
    file.config = ""
    file.save(str(tmp_path / "g.nnseq"))
    graphs = load_model(tmp_path / "g.nnseq")
    with pytest.raises(ValueError, match="`format` must be 'nnseq' or 'onnx'"):
        graphs.export(tmp_path / "g.pb", format="pb")
    graphs.export(tmp_path / "g.onnx", format="onnx")
    x = floats(5)
    assert_close(run(tmp_path / "g.onnx", [x])[0], model.predict(x, verbose=0))
    proto = load(tmp_path / "g.onnx")
    assert "iris/hidden/kernel" in {x.name for x in proto.graph.initializer}
    assert json.loads(proto.metadata_props[0].value) == ["a", "b", "c"]


# --- what is refused ------------------------------------------------------------------------------


class Sampling(layers.Layer):
    def call(self, x):
        return x + keras.random.normal(ops.shape(x), seed=3)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Sampling(name="noise"), "layer 'model/noise', op 'random': .*sample outside of the model"),
        (layers.LSTM(2, stateful=True, name="l"), "layer 'l', op 'assign': .*stateful=False"),
    ],
    ids=["random", "stateful"],
)
def test_refused_in_one_line(layer, message, tmp_path):
    x = Input((4, 3), batch_size=2)
    path = tmp_path / "m.onnx"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match=message) as error:
        Model(x, layer(x), name="model").export(path, format="onnx")
    assert "\n" not in str(error.value) and path.read_bytes() == b"before"


@pytest.mark.parametrize("opset", [16, 1000])
def test_unknown_operators(opset, tmp_path):
    with pytest.raises(ValueError, match=r"`opset_version` must be from 17 to \d+"):
        mlp().export(tmp_path / "m.onnx", format="onnx", opset_version=opset)


def test_arguments_that_do_not_fit(tmp_path):
    with pytest.raises(ValueError, match="`format` must be 'nnseq' or 'onnx'"):
        mlp().export(tmp_path / "m.pb", format="tf_saved_model")
    with pytest.raises(ValueError, match="`opset_version` is for"):
        mlp().export(tmp_path / "m.nnseq", opset_version=17)


def test_too_large_for_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_model, "LIMIT", 60)
    with pytest.raises(ValueError, match=r"an \.onnx file holds 2; export with format=\"nnseq\""):
        mlp().export(tmp_path / "m.onnx", format="onnx")


def test_without_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        ImportError, match=r"^export to ONNX needs onnx: pip install nnseq\[onnx\]$"
    ):
        mlp().export(tmp_path / "m.onnx", format="onnx")
