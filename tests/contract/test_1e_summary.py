"""Contract section 1e, lines 31 to 33: models that grow, and their summaries."""

import re

import numpy as np
import pytest

import nnseq


def text_of(model, **options):
    """The whole text, which `print_fn` gets in one call."""
    texts = []
    assert model.summary(print_fn=texts.append, **options) is None
    [text] = texts
    return text


def rows_of(model):
    """Name, output shape and parameters of each row."""
    found = re.findall(r"^│ (\S+).*│ (\(.*\)) +│ +([\d,]+) │$", text_of(model), re.MULTILINE)
    return [(name, shape, count) for name, shape, count in found]


def total_of(model):
    return re.search(r"^ Total params: ([\d,]+) ", text_of(model), re.MULTILINE)[1]


def test_line_31_the_conv_net_of_the_guide(k):
    layers = k.layers
    model = k.Sequential()
    model.add(k.Input(shape=(250, 250, 3)))
    model.add(layers.Conv2D(32, 5, strides=2, activation="relu"))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D(3))
    first = [
        ("conv2d", "(None, 123, 123, 32)", "2,432"),
        ("conv2d_1", "(None, 121, 121, 32)", "9,248"),
        ("max_pooling2d", "(None, 40, 40, 32)", "0"),
    ]
    assert rows_of(model) == first and total_of(model) == "11,680"
    for pool in (3, 2):
        model.add(layers.Conv2D(32, 3, activation="relu"))
        model.add(layers.Conv2D(32, 3, activation="relu"))
        model.add(layers.MaxPooling2D(pool))
    second = [
        ("conv2d_2", "(None, 38, 38, 32)", "9,248"),
        ("conv2d_3", "(None, 36, 36, 32)", "9,248"),
        ("max_pooling2d_1", "(None, 12, 12, 32)", "0"),
        ("conv2d_4", "(None, 10, 10, 32)", "9,248"),
        ("conv2d_5", "(None, 8, 8, 32)", "9,248"),
        ("max_pooling2d_2", "(None, 4, 4, 32)", "0"),
    ]
    assert rows_of(model) == first + second and total_of(model) == "48,672"
    model.add(layers.GlobalMaxPooling2D())
    model.add(layers.Dense(10))
    assert [row[1:] for row in rows_of(model)[-2:]] == [("(None, 32)", "0"), ("(None, 10)", "330")]
    assert total_of(model) == "49,002"


@pytest.mark.parametrize("built_by", ["input", "build", "call"])
def test_line_31_add_and_pop_keep_the_weights(k, built_by):
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    model = k.Sequential([k.Input((4,))] if built_by == "input" else [])
    model.add(k.layers.Dense(3, name="a"))
    model.add(k.layers.Dense(2, name="b"))
    if built_by == "build":
        model.build((None, 4))
    before = np.asarray(model(x))
    weights = [np.asarray(w) for w in model.get_weights()]
    rows = None if built_by != "call" else 5
    model.add(k.layers.Dense(7, name="c"))
    assert model.built and model.output_shape == (rows, 7) and len(model.weights) == 6
    model.pop()
    assert model.built and model.output_shape == (rows, 2) and len(model.weights) == 4
    np.testing.assert_array_equal(model(x), before)
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    b = model.pop()
    model.add(b)
    np.testing.assert_array_equal(model(x), before)


def test_line_31_a_layer_that_does_not_fit_is_not_added():
    model = nnseq.Sequential([nnseq.Input((4,)), nnseq.layers.Dense(3)])
    with pytest.raises(ValueError, match="ndim=4"):
        model.add(nnseq.layers.Conv2D(2, 3))
    assert len(model.layers) == 1 and model.output_shape == (None, 3)
    assert model(np.ones((2, 4))).shape == (2, 3)
    with pytest.raises(ValueError, match="ndim=4"):
        nnseq.Sequential([nnseq.Input((4,)), nnseq.layers.Conv2D(2, 3)])
    model = nnseq.Sequential()
    with pytest.raises(ValueError, match="ndim=4"):
        model.add(nnseq.layers.Conv2D(2, 3, input_shape=(4,)))
    model.add(nnseq.layers.Conv2D(2, 3, input_shape=(8, 8, 1)))
    assert model.output_shape == (None, 6, 6, 2)


FIRST = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)                   │ (1, 2)                 │            10 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (1, 3)                 │             9 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ a_layer_whose_name_is_too_long… │ (1, 4)                 │            16 │
│ (Dense)                         │                        │               │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 35 (140.00 B)
 Trainable params: 35 (140.00 B)
 Non-trainable params: 0 (0.00 B)
"""


def test_line_32_the_table(k, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = FIRST.replace("a_layer_whose_name_is_too_long…", "dense_2_and_a_longer_name")
    model = k.Sequential(
        [k.layers.Dense(2, activation="relu"), k.layers.Dense(3),
         k.layers.Dense(4, name="dense_2_and_a_longer_name")]
    )  # fmt: skip
    model(np.ones((1, 4)))
    text = text.replace("dense_2_and_a_longer_name ", "dense_2_and_a_longer_name       ")
    assert text_of(model) == text


@pytest.mark.parametrize(("columns", "width"), [("80", 76), ("92", 88), ("300", 88), ("60", 56)])
def test_line_32_width(k, columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    model = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
    assert len(text_of(model).splitlines()[1]) == width


def test_line_32_the_optimizer_counts_when_it_is_built(k):
    x = np.ones((4, 4))
    model = k.Sequential([k.Input((4,)), k.layers.Dense(10), k.layers.Dense(25)])
    model.compile("adam", "mse")
    assert "Optimizer" not in text_of(model)
    model.fit(x, np.ones((4, 25)), verbose=0)
    text = text_of(model)
    assert " Total params: 977 (" in text and " Optimizer params: 652 (2.5" in text
    assert " Trainable params: 325 (1.27 KB)\n" in text


def test_line_32_non_sequential_graphs(k, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    x = k.Input((4,), name="x")
    y = k.layers.Add(name="add")([k.layers.Dense(4, name="a")(x), x])
    model = k.Model(x, y)
    assert len(text_of(model).splitlines()[1]) == 108
    assert len(text_of(model, show_trainable=True).splitlines()[1]) == 120
    header = text_of(model, show_trainable=True).splitlines()[2]
    assert (
        header.split("┃")[1:-1] == [" Layer (type)                      ", *header.split("┃")[2:-1]]
        or "Connected to" in header
    )
    assert re.search(r"│ add \(Add\) .*│ a\[0\]\[0\], x\[0\]\[0\]", text_of(model))


def test_line_32_nested_rows(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3, name="below")], name="inner")
    model = k.Sequential([k.Input((4,)), inner, k.layers.Dense(1, name="top")])
    assert "below" not in text_of(model)
    text = text_of(model, expand_nested=True)
    assert "│    └ below (Dense) " in text and "│ inner (Sequential) " in text


def test_line_33_options(k, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    model = k.Sequential([k.Input((4,)), *(k.layers.Dense(3, name=f"d{i}") for i in range(4))])
    text = text_of(model, line_length=100)
    assert {len(line) for line in text.splitlines() if line[0] in "┏│└"} == {100}
    assert len(text_of(model, line_length=140).splitlines()[1]) == 140
    part = text_of(model, layer_range=("d1", "d2"))
    assert re.findall(r"│ (d\d) ", part) == ["d1", "d2"]
    assert model.summary() is None
    assert "d3 (Dense)" in capsys.readouterr().out


def test_line_33_a_line_longer_than_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    model = nnseq.Sequential([nnseq.Input((4,)), nnseq.layers.Dense(3)])
    assert len(text_of(model, line_length=140).splitlines()[1]) == 140
