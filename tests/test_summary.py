"""Model.summary(), by lines 18, 21 and 31-33 of the Keras contract."""

import contextlib
import io
import re
import sys
import types
from xml.etree import ElementTree

import numpy as np
import pytest

import nnseq
from nnseq import Input, Model, Sequential, layers, ops
from nnseq.utils import clear_session, table


def text_of(model, **options):
    """The whole text, which `print_fn` gets in one call."""
    texts = []
    assert model.summary(print_fn=texts.append, **options) is None
    [text] = texts
    return text


def rows_of(model, **options):
    """The cells of the rows, each in one line."""
    body = re.split("╇.*\n|\n└", text_of(model, **options))[1]
    rows = []
    for lines in re.split("\n├.*\n", body):
        cells = [[c.strip() for c in line[1:-1].split("│")] for line in lines.splitlines()]
        rows.append([" ".join(column).strip() for column in zip(*cells, strict=True)])
    return rows


def total_of(model):
    return re.search(r"^ Total params: (.*)$", text_of(model), re.MULTILINE)[1]


def guide_model(**kwargs):
    return Sequential(
        [layers.Dense(2, activation="relu", **kwargs), layers.Dense(3), layers.Dense(4)]
    )


# --- the guide -----------------------------------------------------------------------------------
def test_unbuilt_is_an_error():
    for model in (Sequential(), guide_model()):
        with pytest.raises(ValueError, match=r"^This model has not yet been built\. Build the mod"):
            model.summary()


def test_first_call_shows_concrete_shapes():
    model = guide_model()
    for batch in (1, 5):
        model(np.ones((batch, 4)))
        shapes = [(row[1], row[2]) for row in rows_of(model)]
        assert shapes == [("(1, 2)", "10"), ("(1, 3)", "9"), ("(1, 4)", "16")]
    assert total_of(model) == "35 (140.00 B)"


def test_build_input_and_fit_show_none():
    built, given, fitted = guide_model(), guide_model(input_shape=(4,)), guide_model()
    built.build((None, 4))
    fitted.compile("sgd", "mse")
    fitted.fit(np.ones((6, 4)), np.ones((6, 4)), batch_size=3, verbose=0)
    for model in (built, given, fitted):
        assert [row[1] for row in rows_of(model)] == ["(None, 2)", "(None, 3)", "(None, 4)"]


def test_incremental():
    model = Sequential([Input((250, 250, 3)), layers.Conv2D(32, 5, strides=2, activation="relu")])
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D(3))
    assert [row[1:] for row in rows_of(model)] == [
        ["(None, 123, 123, 32)", "2,432"],
        ["(None, 121, 121, 32)", "9,248"],
        ["(None, 40, 40, 32)", "0"],
    ]
    assert total_of(model) == "11,680 (45.62 KB)"
    for pool in (3, 2):
        model.add(layers.Conv2D(32, 3, activation="relu"))
        model.add(layers.Conv2D(32, 3, activation="relu"))
        model.add(layers.MaxPooling2D(pool))
    assert [row[1].split(", ")[1] for row in rows_of(model)][3:] == [
        "38",
        "36",
        "12",
        "10",
        "8",
        "4",
    ]
    assert total_of(model) == "48,672 (190.12 KB)"
    model.add(layers.GlobalMaxPooling2D())
    model.add(layers.Dense(10))
    assert [row[1:] for row in rows_of(model)][-2:] == [["(None, 32)", "0"], ["(None, 10)", "330"]]
    assert total_of(model) == "49,002 (191.41 KB)"
    model.pop()
    assert total_of(model) == "48,672 (190.12 KB)"


def test_freezing():
    model = Sequential(
        [Input(shape=(784)), *(layers.Dense(32) for _ in range(3)), layers.Dense(10)]
    )
    for layer in model.layers[:-1]:
        layer.trainable = False
    text = text_of(model, show_trainable=True)
    assert " Total params: 27,562 (107.66 KB)\n Trainable params: 330 (1.29 KB)\n" in text
    assert " Non-trainable params: 27,232 (106.38 KB)\n" in text
    assert [row[3] for row in rows_of(model, show_trainable=True)] == ["N", "N", "N", "Y"]


# --- beside Keras --------------------------------------------------------------------------------
def row(k):
    return k.Sequential(
        [
            k.Input((8, 8, 3)),
            k.layers.Conv2D(16, 3),
            k.layers.BatchNormalization(),
            k.layers.MaxPooling2D(),
            k.layers.Flatten(),
            k.layers.Dropout(0.5),
            k.layers.Dense(1000),
        ],
        name="a_row",
    )


def trained(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(8), k.layers.Dense(2)], name="trained")
    model.compile(optimizer="adam", loss="mse")
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    return model


def diamond(k):
    x = k.Input((4,), name="x")
    both = k.layers.Add()([k.layers.Dense(3, name="a")(x), k.layers.Dense(3, name="b")(x)])
    inner = k.Sequential([k.Input((3,)), k.layers.Dense(2), k.layers.Dense(5)], name="inner")
    twice = k.layers.Dense(3, name="twice")
    y = twice(twice(both))
    return k.Model(x, [inner(y), k.ops.reshape(both, (-1, 1, 3))], name="diamond")


def chain(k):
    x = k.Input((4,), name="x")
    return k.Model(x, k.layers.Dense(3)(k.layers.Dense(5)(x)), name="chain")


def no_longer_trained(k):
    model = row(k)
    model.layers[0].trainable = False
    return model


def both_texts(make, monkeypatch, **options):
    keras = pytest.importorskip("keras")
    monkeypatch.setenv("COLUMNS", "160" if "line_length" in options else "80")
    texts = []
    for k in (nnseq, keras):
        k.utils.clear_session(free_memory=False)
        texts.append(text_of(make(k), **options))
    return texts


@pytest.mark.keras
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"expand_nested": True},
        {"line_length": 70},
        {"line_length": 150, "show_trainable": True, "expand_nested": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [row, diamond, chain, no_longer_trained])
def test_text_of_keras(make, options, monkeypatch):
    ours, theirs = both_texts(make, monkeypatch, **options)
    assert ours == theirs


@pytest.mark.keras
@pytest.mark.parametrize(
    "make, options",
    [
        (row, {"positions": [0.4, 0.7, 1.0]}),
        (diamond, {"positions": [0.3, 0.6, 0.75, 1.0]}),
        (row, {"layer_range": ["conv2d", "flatten"]}),
        (diamond, {"layer_range": ["b", "tw.*"]}),
    ],
)
def test_parts_of_keras_text(make, options, monkeypatch):
    ours, theirs = both_texts(make, monkeypatch, **options)
    assert ours == theirs


@pytest.mark.keras
def test_optimizer_of_keras(monkeypatch):
    ours, theirs = both_texts(trained, monkeypatch)
    assert " Total params: 176 (708.00 B)\n" in ours
    assert ours.endswith(" Optimizer params: 118 (476.00 B)\n")
    # On JAX the int64 iteration takes 4 bytes.
    assert ours.replace("708.00", "704.00").replace("476.00", "472.00") == theirs


# --- where nnseq does better ---------------------------------------------------------------------
def test_no_cell_is_cut():
    name, narrow = "a_name_that_is_longer_than_its_column_" * 2, {"line_length": 40}
    model = Sequential([Input((3,)), layers.Dense(123_456, name=name)])
    text = text_of(model, show_trainable=True, **narrow)
    assert "…" not in text
    lines = [line for line in text.splitlines() if line[0] in "│┃"]
    cells = ([c.strip() for c in re.split("[│┃]", line)[1:-1]] for line in lines)
    columns = list(zip(*cells, strict=True))
    joined = ["".join(column) for column in columns]
    for whole, cell in zip(
        (name + "(Dense)", "(None,123456)", "493,824", "Y"), joined, strict=True
    ):
        assert cell.replace(" ", "").endswith(whole)
    assert joined[3] == "TrainableY"


@pytest.mark.parametrize("length", [40, 76, 200])
def test_line_length_is_honoured(length):
    text = text_of(row(nnseq), line_length=length)
    assert {len(line) for line in text.splitlines() if line[0] in "┏┃┡│├└"} == {length}


def test_positions_in_characters():
    model = guide_model(input_shape=(4,))
    assert text_of(model, positions=[31, 60, 90]) != text_of(model)
    widths = [
        len(part) for part in text_of(model, positions=[31, 60, 90]).splitlines()[1].split("┳")
    ]
    assert sum(widths) + 2 == 90
    with pytest.raises(ValueError, match="where each of 3 columns ends"):
        model.summary(positions=[0.5, 1.0])
    with pytest.raises(ValueError, match="Insufficient width"):
        model.summary(positions=[0.01, 0.5, 1.0])


def test_narrow_terminals_do_not_matter(monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    assert "(140.00 B)" in text_of(guide_model(input_shape=(4,)), show_trainable=True)


def test_a_shared_layer_shows_each_shape():
    pool = layers.MaxPooling2D()
    model = Sequential([Input((8, 8, 1)), pool, pool])
    assert [row[1] for row in rows_of(model)] == ["(None, 4, 4, 1)", "(None, 2, 2, 1)"]


def test_connections_of_this_model_only():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    Model(a, shared(a))
    model = Model([a, b], layers.Add(name="add")([shared(a), shared(b)]))
    table_rows = {row[0]: row[3] for row in rows_of(model, line_length=120)}
    assert table_rows["shared (Dense)"] == "a[0][0], b[0][0]"
    assert table_rows["add (Add)"] == "shared[1][0], shared[2][0]"


def test_graph_from_the_middle():
    x = Input((4,), name="x")
    middle = layers.Dense(3, name="before")(x)
    end = ops.add(middle, layers.Dense(3, name="after")(middle))
    rows = rows_of(Model(middle, end), line_length=120)
    source = rows[0][0].split()[0]
    assert rows[0][0] == f"{source} (InputLayer)" and rows[0][3] == "-"
    assert rows[1][3] == f"{source}[0][0]" and rows[2][3] == f"{source}[0][0], after[0][0]"


def test_layer_range_errors():
    model = guide_model(input_shape=(4,))
    first, _, last = (layer.name for layer in model.layers)
    assert len(rows_of(model, layer_range=[last, first])) == 3
    assert [row[0] for row in rows_of(model, layer_range=(first + "$", first + "$"))] == [
        f"{first} (Dense)"
    ]
    with pytest.raises(ValueError, match="no layer of the model is named 'nope'"):
        model.summary(layer_range=["nope", last])
    for wrong in ([first], [0, 1]):
        with pytest.raises(ValueError, match="must be two names"):
            model.summary(layer_range=wrong)


def test_subclassed_model():
    class Two(Model):
        def __init__(self):
            super().__init__(name="two")
            self.first, self.second = layers.Dense(3, name="first"), layers.Dense(2, name="second")

        def call(self, x):
            return self.first(x)

    model = Two()
    model(np.ones((1, 4)))
    assert [row[0::2] for row in rows_of(model)] == [
        ["first (Dense)", "15"],
        ["second (Dense)", "0 (unbuilt)"],
    ]


# --- where it is printed -------------------------------------------------------------------------
class Halves(layers.Layer):
    """Two inputs, two outputs, no `compute_output_shape`."""

    def build(self, left_shape, right_shape):
        self.dense = layers.Dense(right_shape[-1] // 2)

    def call(self, left, right):
        return left[:, :2], self.dense(right)


def test_layers_of_a_subclassed_model_show_what_they_were_built_for():
    class Mine(Model):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Embedding(9, 6), layers.Flatten(), Halves(), layers.Dense(3)]

        def call(self, x):
            embedding, flatten, halves, dense = self.parts
            x = flatten(embedding(x))
            return dense(halves(x, right=x)[1])

    model = Mine()
    model(np.ones((2, 4), "int32"))
    shapes = [row[1] for row in rows_of(model)]
    assert shapes == ["(None, 4, 6)", "(None, 24)", "((None, 2), (None, 12))", "(None, 3)"]


def test_prints(capsys):
    clear_session()
    model = guide_model(input_shape=(4,))
    model.summary()
    printed = capsys.readouterr().out
    assert printed == text_of(model) and printed.startswith('Model: "sequential"\n┏━')


def test_bold_on_a_terminal(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    model = guide_model(input_shape=(4,))
    model.summary()
    printed = terminal.getvalue()
    assert printed.startswith("\x1b[1mModel: ") and "\x1b[1m Total params: \x1b[0m35" in printed
    assert re.sub("\x1b\\[[01]m", "", printed) == text_of(model)


def test_where_the_encoding_has_no_boxes(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", newline="\n"))
    table.write("┏━┳┓\n┃é│┃\n")
    sys.stdout.flush()
    assert raw.getvalue() == b"+=++\n|?||\n"


# --- planned memory ------------------------------------------------------------------------------
def memory_of(model, batch_size):
    found = re.search(
        rf"^ Memory of a (\w+) step \(batch_size={batch_size}\): ([\d.]+) (\w+)\n\Z",
        text_of(model, batch_size=batch_size),
        re.MULTILINE,
    )
    return found[1], float(found[2]) * {"B": 1, "KB": 1024, "MB": 1024**2}[found[3]]


def test_planned_memory_grows_with_the_batch():
    model = row(nnseq)
    assert "Memory" not in text_of(model)
    kind, few = memory_of(model, 4)
    assert kind == "predict" and memory_of(model, 64)[1] > 4 * few > 0
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    kind, training = memory_of(model, 64)
    assert kind == "training" and training > memory_of(model, 4)[1]


def test_planned_memory_is_that_of_the_program():
    model = Sequential([Input((100,)), layers.Dense(50, activation="relu"), layers.Dense(10)])
    model.compile("sgd", "mse")
    x, y = np.ones((32, 100), "float32"), np.ones((32, 10), "float32")
    _, planned = memory_of(model, 32)
    program = model._compiled_step("train", (x, y)).function.program([x.shape, y.shape])
    bytes_ = program.arena_bytes + program.scratch_bytes
    assert planned == pytest.approx(bytes_, rel=0.01)


def test_planned_memory_leaves_the_model_alone():
    model = guide_model(input_shape=(4,))
    model.compile("adam", "mse", metrics=["accuracy"])
    before = model.get_weights()
    text = text_of(model, batch_size=8)
    assert "Optimizer" not in text and int(model.optimizer.iterations) == 0
    assert not model.optimizer.built and [m.name for m in model.metrics] == ["loss"]
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_planned_memory_of_several_outputs_and_inputs():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    h = layers.Concatenate()([a, b])
    outputs = {"score": layers.Dense(1)(h), "kind": layers.Dense(5, activation="softmax")(h)}
    model = Model({"a": a, "b": b}, outputs)
    model.compile("sgd", {"score": "mse", "kind": "sparse_categorical_crossentropy"})
    assert memory_of(model, 16)[0] == "training"


def test_planned_memory_needs_shapes():
    model = Sequential([Input((None, 3)), layers.Dense(2)], name="m")
    with pytest.raises(ValueError, match=r"inputs of model 'm'; that of input .* is \(None, None"):
        model.summary(batch_size=4)
    for wrong in (0, -1, 2.5, "4"):
        with pytest.raises(ValueError, match="`batch_size`"):
            guide_model(input_shape=(4,)).summary(batch_size=wrong)


# --- notebooks -----------------------------------------------------------------------------------
@pytest.fixture
def notebook(monkeypatch):
    """What a notebook is shown: bundles of HTML and text. Stands for IPython and its kernel."""
    shown = []

    class OutStream(io.StringIO):
        pass

    OutStream.__module__ = "ipykernel.iostream"
    display = types.ModuleType("IPython.display")
    display.display = lambda bundle, raw: shown.append(bundle)
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown, OutStream()


def test_a_notebook_shows_html(notebook):
    model = Sequential([Input((4,)), layers.Dense(2, name="a<b>")], name="m & n")
    shown, stream = notebook
    with contextlib.redirect_stdout(stream):
        assert model.summary(show_trainable=True) is None
    [bundle] = shown
    assert stream.getvalue() == ""
    assert bundle["text/plain"] == text_of(model, show_trainable=True)
    root = ElementTree.fromstring(bundle["text/html"])
    cells = [[cell.text for cell in line] for line in root.iter("tr")]
    assert cells == [
        ["Layer (type)", "Output Shape", "Param #", "Trainable"],
        ["a<b> (Dense)", "(None, 2)", "10", "Y"],
    ]
    assert root[0].text == 'Model: "m & n"'
    assert "".join(root[-3].itertext()) == "Total params: 10 (40.00 B)"


def test_print_fn_and_redirection_win_over_the_notebook(notebook):
    model = guide_model(input_shape=(4,))
    shown, stream = notebook
    with contextlib.redirect_stdout(stream):
        text = text_of(model)
        with contextlib.redirect_stdout(io.StringIO()) as caught:
            model.summary()
    assert caught.getvalue() == text and shown == []
