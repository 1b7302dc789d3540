"""model_to_dot and plot_model: what the drawing says, and Graphviz where it is installed."""

import inspect
import shutil

import pytest

import nnseq
from nnseq import Input, Model, Sequential, layers, utils


def small():
    return Sequential(
        [Input((4,)), layers.Dense(3, activation="relu", name="a"), layers.Dense(2, name="b")]
    )


def branched():
    x = Input((4,), name="x")
    left = layers.Dense(3, name="left")(x)
    right = small()(x)
    joined = layers.Concatenate(name="joined")([left, right])
    return Model(x, joined)


def edges(dot):
    return dot.source.count(" -> ")


def test_layers_in_a_row():
    dot = utils.model_to_dot(small(), show_shapes=True, show_dtype=True, show_trainable=True)
    assert edges(dot) == 1
    assert "<b>a</b> (Dense)" in dot.source
    assert "Input shape: <b>(None, 4)</b>" in dot.source
    assert "Output shape: <b>(None, 2)</b>" in dot.source
    assert "Output dtype: <b>float32</b>" in dot.source
    assert "<b>Trainable</b>" in dot.source


def test_a_subclass_of_sequential_is_a_row():
    class Mine(Sequential):
        """Somebody's own."""

    model = Mine([Input((2,)), layers.Dense(2), layers.Dense(1)])
    assert edges(utils.model_to_dot(model)) == 1


def test_branches_and_nested_models():
    model = branched()
    plain = utils.model_to_dot(model, show_layer_names=False)
    assert edges(plain) == 4 and "cluster" not in plain.source and "<b>Dense</b>" in plain.source
    nested = utils.model_to_dot(model, expand_nested=True, show_layer_activations=True)
    assert "subgraph" in nested.source and "Activation: <b>relu</b>" in nested.source
    assert edges(nested) > edges(plain)


def test_frozen_layers_and_directions():
    model = small()
    model.layers[0].trainable = False
    dot = utils.model_to_dot(model, show_trainable=True, rankdir="LR", dpi=96, splines="line")
    assert "<b>Non-trainable</b>" in dot.source
    assert "rankdir=LR" in dot.source and "dpi=96" in dot.source and "splines=line" in dot.source


def test_files(tmp_path):
    path = tmp_path / "model.dot"
    utils.plot_model(small(), path)
    assert path.read_text().startswith("digraph")
    if shutil.which("dot"):
        utils.plot_model(branched(), tmp_path / "model.png", show_shapes=True, expand_nested=True)
        assert (tmp_path / "model.png").read_bytes()[:4] == b"\x89PNG"
    else:
        with pytest.raises(ImportError, match="Graphviz must be installed to draw model"):
            utils.plot_model(small(), tmp_path / "model.png")


def test_unbuilt_models_are_refused():
    with pytest.raises(ValueError, match="has not yet been built"):
        utils.model_to_dot(Sequential([layers.Dense(1)]))


@pytest.mark.parametrize("name", ["model_to_dot", "plot_model"])
def test_signatures(name):
    keras = pytest.importorskip("keras")
    theirs = inspect.signature(getattr(keras.utils, name)).parameters
    ours = inspect.signature(getattr(nnseq.utils, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values() if p.kind is not p.VAR_KEYWORD
    ]
