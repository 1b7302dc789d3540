"""nnseq.config and nnseq.tree against Keras."""

import collections
import inspect
import logging

import numpy as np
import pytest

import nnseq
from nnseq import config, layers, tree

keras = pytest.importorskip("keras")
Pair = collections.namedtuple("Pair", "a b")
STRUCTURES = [
    3, None, [], (), {}, [1, (2, None)], {"b": [1], "a": {"d": 2, "c": (3,)}},
    Pair(1, [2, 3]), [{"x": np.int32(4)}], (None, {"k": None}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def restored():
    yield
    config.set_image_data_format("channels_last")
    config.enable_interactive_logging()
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


def outcome(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except (ValueError, TypeError) as error:
        return type(error).__name__


@pytest.mark.parametrize("structure", STRUCTURES, ids=repr)
def test_tree_is_keras(structure):
    def paths(module):
        return [leaf for _, leaf in module.flatten_with_path(structure)]

    def twice(leaf):
        return leaf if leaf is None else leaf * 2

    assert tree.is_nested(structure) == keras.tree.is_nested(structure)
    assert tree.flatten(structure) == keras.tree.flatten(structure)
    assert paths(tree) == paths(keras.tree)
    for none_is_leaf in (True, False):
        options = {"none_is_leaf": none_is_leaf}
        assert tree.map_structure(twice, structure, **options) == keras.tree.map_structure(
            twice, structure, **options
        )
    leaves = list(range(len(tree.flatten(structure))))
    for items in (leaves, [*leaves, 9]):
        assert outcome(tree.pack_sequence_as, structure, items) == outcome(
            keras.tree.pack_sequence_as, structure, items
        )
    assert tree.lists_to_tuples(structure) == keras.tree.lists_to_tuples(structure)
    for other in STRUCTURES:
        for name in ("assert_same_structure", "assert_same_paths"):
            ours, theirs = getattr(tree, name), getattr(keras.tree, name)
            assert outcome(ours, structure, other) == outcome(theirs, structure, other), name


@pytest.mark.parametrize("top_down", [True, False])
def test_traverse(top_down):
    structure = {"a": [1, 2], "b": (3, [4, None])}

    def visit(module):
        def fn(part):
            if part == 2:
                return module.MAP_TO_NONE
            return -part if part == 3 else None

        return module.traverse(fn, structure, top_down=top_down)

    assert visit(tree) == visit(keras.tree)


def test_map_shape_structure():
    shapes = {"a": (None, 3), "b": [(2,), (2, 3, 4)]}
    assert tree.map_shape_structure(len, shapes) == keras.tree.map_shape_structure(len, shapes)


def test_map_structure_up_to():
    args = ([0, {"k": 0}], lambda *p: p, [[1, 2], {"k": (3,)}], [5, {"k": 6}])
    assert tree.map_structure_up_to(*args) == keras.tree.map_structure_up_to(*args)


@pytest.mark.parametrize("name", config.__all__)
def test_signatures(name):
    ours, theirs = getattr(config, name), getattr(keras.config, name)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


def test_image_data_format_is_the_default_of_layers():
    config.set_image_data_format("channels_first")
    layer = layers.Conv2D(2, 3)
    assert layer.data_format == "channels_first" == nnseq.backend.image_data_format()
    assert layer(np.ones((1, 3, 8, 8), "float32")).shape == (1, 2, 6, 6)
    with pytest.raises(ValueError, match="must be one of"):
        config.set_image_data_format("channels")


def fit(**options):
    x = np.ones((64, 2), "float32")
    model = nnseq.Sequential([nnseq.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model, model.fit(x, x[:, :1], **options)


def test_max_epochs_and_steps():
    config.set_max_epochs(2)
    config.set_max_steps_per_epoch(3)
    with pytest.warns(UserWarning, match="Limiting") as told:
        model, history = fit(epochs=5, verbose=0, batch_size=4)
    assert [str(warning.message) for warning in told] == [
        "Limiting epochs to 2", "Limiting steps_per_epoch to 3",
    ]  # fmt: skip
    assert len(history.history["loss"]) == 2
    assert model.optimizer.iterations.numpy() == 6
    with pytest.raises(ValueError, match="positive integer or None"):
        config.set_max_epochs(0)


def test_interactive_logging_off_goes_to_the_logger(capsys, caplog):
    config.disable_interactive_logging()
    with caplog.at_level(logging.INFO, logger="nnseq"):
        fit(epochs=2, verbose=2)
    assert capsys.readouterr().out == ""
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "Epoch 1/2" and "loss:" in lines[1]
    config.enable_interactive_logging()
    fit(epochs=1, verbose=2)
    assert "loss:" in capsys.readouterr().out
