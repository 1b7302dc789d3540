"""The model file `.nnseq`: from Python and back, and what C++ runs of it."""

import re

import numpy as np
import pytest

import nnseq as keras
from nnseq import _core, layers
from nnseq.models import load_model
from nnseq.saving import ModelFileError
from nnseq.training.graph_model import GraphModel

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype("float32")
Y = np.arange(50) % 3


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(5)


def small(fitted=True, **kwargs):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", name="scores"),
        ],
        **kwargs,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if fitted:
        model.fit(X, Y, verbose=0)
    return model


def as_graph_model(path, out):
    """The same file without its configuration: what a C++ program writes."""
    file = _core.ModelFile.load(str(path))
    file.config = ""
    file.save(str(out))
    model = load_model(out)
    assert isinstance(model, GraphModel)
    return model


def assert_same_weights(a, b):
    for mine, yours in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, yours)


@pytest.mark.smoke
def test_comes_back_and_goes_on_bit_for_bit(tmp_path):
    model = small()
    model.export(tmp_path / "m.nnseq", classes=["a", "b", 3])
    again = load_model(tmp_path / "m.nnseq")
    graphs = as_graph_model(tmp_path / "m.nnseq", tmp_path / "g.nnseq")
    assert graphs.classes == ["a", "b", "3"]
    assert type(again) is keras.Sequential and again.optimizer.iterations.numpy() == 2
    fit = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0}
    history = model.fit(X, Y, **fit).history
    for other in (again, graphs):
        assert other.fit(X, Y, **fit).history == history
        assert_same_weights(other, model)
        assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
        np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
    graphs.export(tmp_path / "h.nnseq")
    np.testing.assert_array_equal(
        load_model(tmp_path / "h.nnseq").predict(X, verbose=0), model.predict(X, verbose=0)
    )


def test_before_any_training_and_without_compile(tmp_path):
    model = small(fitted=False)
    model.export(tmp_path / "m.nnseq")
    again = as_graph_model(tmp_path / "m.nnseq", tmp_path / "g.nnseq")
    assert again.metrics_names == ["loss", "accuracy"]
    bare = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
    bare.export(tmp_path / "b.nnseq")
    graphs = as_graph_model(tmp_path / "b.nnseq", tmp_path / "c.nnseq")
    np.testing.assert_array_equal(graphs.predict(X, verbose=0), bare.predict(X, verbose=0))
    with pytest.raises(ValueError, match="compile"):
        graphs.fit(X, Y)
    with pytest.raises(ValueError, match="takes 1 arrays to predict"):
        graphs.predict([X, X], verbose=0)


def test_export_leaves_the_model_alone(tmp_path):
    model, other = small(fitted=False), small(fitted=False)
    other.set_weights(model.get_weights())
    model.export(tmp_path / "m.nnseq")
    fit = {"shuffle": False, "verbose": 0}
    losses = np.eye(3)[Y]
    model.compile("adam", "categorical_crossentropy")
    other.compile("adam", "categorical_crossentropy")
    assert model.fit(X, losses, **fit).history.keys() == other.fit(X, losses, **fit).history.keys()


def test_the_graphs_are_those_of_the_configuration(tmp_path):
    model = small()
    model.export(tmp_path / "m.nnseq")
    load_model(tmp_path / "m.nnseq").export(tmp_path / "n.nnseq")
    ours, theirs = (
        dict(_core.ModelFile.load(str(tmp_path / n)).functions) for n in ("m.nnseq", "n.nnseq")
    )
    assert list(ours) == ["predict", "train", "evaluate"] == list(theirs)
    for name, function in ours.items():  # they may differ in the names of inputs and Variables
        mine, yours = (re.sub("'.*?'", "", str(f.graph)) for f in (function, theirs[name]))
        assert mine == yours


def test_several_inputs_and_outputs_keep_their_names(tmp_path):
    a, b = keras.Input((4,), name="left"), keras.Input((None, 2), name="right")
    both = layers.Concatenate()([a, layers.GlobalAveragePooling1D()(b)])
    outputs = [layers.Dense(1, name="price")(both), layers.Dense(3, name="kind")(both)]
    model = keras.Model([a, b], outputs)
    model.compile("sgd", ["mse", "mae"])
    model.export(tmp_path / "m.nnseq")
    functions = dict(_core.ModelFile.load(str(tmp_path / "m.nnseq")).functions)
    assert functions["predict"].inputs == [
        ("left", "float32", (None, 4)), ("right", "float32", (None, None, 2))
    ]  # fmt: skip
    assert [name for name, _, _ in functions["predict"].outputs] == ["price", "kind"]
    names = [name for name, _, _ in functions["train"].inputs]
    assert names == ["left", "right", "target_price", "target_kind"]
    graphs = as_graph_model(tmp_path / "m.nnseq", tmp_path / "g.nnseq")
    x = [RNG.normal(size=(5, 4)).astype("f"), RNG.normal(size=(5, 7, 2)).astype("f")]
    for mine, yours in zip(graphs.predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_a_subclassed_model_needs_a_signature(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x) * 2

    model = Own()
    with pytest.raises(ValueError, match="input_signature"):
        model.export(tmp_path / "m.nnseq")
    model.export(tmp_path / "m.nnseq", input_signature=[keras.InputSpec("float32", (None, 6))])
    assert (tmp_path / "m.nnseq").exists()
    expected = model.predict(X, verbose=0)
    model.export(tmp_path / "m.nnseq")  # it knows now
    np.testing.assert_array_equal(
        as_graph_model(tmp_path / "m.nnseq", tmp_path / "g.nnseq").predict(X, verbose=0), expected
    )


def test_layers_of_strings_stay_in_python(tmp_path):
    words = layers.TextVectorization(max_tokens=10, output_sequence_length=4)
    words.adapt(np.array(["a b c", "c d"]))
    text = keras.Input((1,), dtype="string")
    model = keras.Model(text, layers.Dense(2)(layers.Embedding(10, 3)(words(text))))
    model.export(tmp_path / "m.nnseq")
    x = np.array([["a c"], ["d"]])
    np.testing.assert_array_equal(
        load_model(tmp_path / "m.nnseq").predict(x, verbose=0), model.predict(x, verbose=0)
    )
    predict = dict(_core.ModelFile.load(str(tmp_path / "m.nnseq")).functions)["predict"]
    assert predict.inputs[0][1:] == ("int64", (None, 4))
    np.testing.assert_array_equal(predict(words(x).numpy())[0].numpy(), model.predict(x, verbose=0))


def test_what_cannot_be_exported_is_refused_by_name(tmp_path):
    model = small(fitted=False)
    with pytest.raises(ValueError, match=r"must end in `\.nnseq`"):
        model.export(tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="format"):
        model.export(tmp_path / "m.nnseq", format="tf_saved_model")
    model.compile(keras.optimizers.SGD(lambda: 0.1), "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="learning rate"):
        model.export(tmp_path / "m.nnseq")
    assert not list(tmp_path.iterdir())


def test_damage_is_refused_and_named(tmp_path):
    small(fitted=False).export(tmp_path / "m.nnseq")
    good = (tmp_path / "m.nnseq").read_bytes()
    bad = tmp_path / "bad.nnseq"
    for data, what in [
        (good[:-1], "truncated"),
        (good[:9], "truncated"),
        (b"", "truncated"),
        (good[:2000] + b"!" + good[2001:], "damaged"),
        (b"PK\x03\x04" + good, "does not begin like one"),
    ]:
        bad.write_bytes(data)
        with pytest.raises(ModelFileError, match=what) as error:
            load_model(bad)
        assert str(bad) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(ModelFileError, match="No such file"):
        load_model(tmp_path / "none.nnseq")


def test_any_safetensors_reader_can_list_it(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    model = small()
    model.export(tmp_path / "m.nnseq")
    found = safetensors.load_file(tmp_path / "m.nnseq")
    for v in model.weights:
        np.testing.assert_array_equal(found[v.path], v.numpy())
