"""Bad input: the right error in one line, before any step ran, and a model that is as it was."""

import collections
import datetime
import warnings

import numpy as np
import pytest

import nnseq
from nnseq import layers
from nnseq.utils import set_random_seed

RNG = np.random.default_rng(6)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 3)).astype("float32")
CLASSES = RNG.integers(0, 3, 20)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]


def regression():
    set_random_seed(0)
    model = nnseq.Sequential(
        [nnseq.Input((4,)), layers.Dense(5, "tanh", name="low"), layers.Dense(3, name="high")],
        name="model",
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def classifier(loss="sparse_categorical_crossentropy", activation="softmax", units=3, **arguments):
    set_random_seed(0)
    model = nnseq.Sequential(
        [nnseq.Input((4,)), layers.Dense(units, activation=activation, name="top")], name="model"
    )
    model.compile("adam", loss, **arguments)
    return model


def with_value(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


# name, model, x, y, error, words that its text must have; `evaluate` says whether evaluate refuses
# the same with the same text, and likewise `predict`.
Case = collections.namedtuple("Case", "name model x y error words evaluate predict")


def case(name, model, x, y, error, *words, evaluate=True, predict=True):
    return Case(name, model, x, y, error, words, evaluate, predict)


def bad_x(name, x, error, *words):
    return case(name, regression, x, Y, error, *words)


def bad_y(name, model, y, error, *words):
    return case(name, model, X, y, error, *words, predict=False)


def integer_mask():
    return np.ma.array(X, mask=X > 0)


CASES = [
    # --- shapes of x ---
    bad_x("wrong feature count", X[:, :3], ValueError, "'model'", "(None, 4)", "(20, 3)"),
    bad_x("rank 1", X[:, 0], ValueError, "'model'", "(None, 4)", "(20,)"),
    bad_x("rank 3", np.zeros((20, 4, 4)), ValueError, "'model'", "(None, 4)", "(20, 4, 4)"),
    bad_x("no features", X[:, :0], ValueError, "'model'", "(None, 4)", "(20, 0)"),
    bad_x("two arrays", [X, X], ValueError, "'model'", "expected 1 input", "2"),
    bad_x("a dict", {"a": X}, ValueError, "'model'", "no value for input"),
    # --- types of x ---
    bad_x("complex", X.astype("complex64"), TypeError, "x of dtype complex64", "(20, 4)"),
    bad_x("objects", X.astype(object), TypeError, "x of dtype object", "(20, 4)"),
    bad_x("strings", np.full((20, 4), "a"), TypeError, "x of dtype <U1", "(20, 4)"),
    bad_x("bytes", np.full((20, 4), b"a"), TypeError, "x of dtype |S1", "(20, 4)"),
    bad_x("dates", np.zeros((20, 4), "datetime64[s]"), TypeError, "x of dtype datetime64[s]"),
    bad_x("time spans", np.zeros((20, 4), "timedelta64[s]"), TypeError, "x of dtype timedelta64"),
    bad_x("records", np.zeros(20, [("a", "f4")]), TypeError, "x of dtype", "records"),
    bad_x("long double", X.astype(np.longdouble), TypeError, "x of dtype float128", "float32"),
    bad_x("masked", integer_mask(), TypeError, "x is a masked array", ".filled("),
    bad_x("ragged", [[1.0, 2.0], [3.0]], ValueError, "x cannot become an array"),
    bad_x("a list of strings", [["a", "b"]], TypeError, "x"),
    bad_x("a list of None", [None], ValueError, "`x` holds no arrays"),
    bad_x("0-d", np.float32(3), ValueError, "x is a single number"),
    bad_x("a number", 3, TypeError, "x has the type int"),
    bad_x("a file name", "data.csv", TypeError, "x has the type str"),
    bad_x("a date", datetime.date(2020, 1, 1), TypeError, "x has the type date"),
    bad_x("a function", len, TypeError, "x has the type builtin_function_or_method"),
    bad_x("nothing", None, ValueError, "`x` is missing"),
    # --- y ---
    bad_y("mse of one column", regression, Y[:, :1], ValueError, "mean_squared_error", "(20, 1)",
          "(20, 3)"),
    bad_y("mse of classes", regression, CLASSES, ValueError, "mean_squared_error", "(20,)",
          "(20, 3)"),
    bad_y("y is missing", regression, None, ValueError, "no targets", "`y`"),
    bad_y("complex y", regression, Y.astype(complex), TypeError, "y of dtype complex128"),
    bad_y("strings as y", regression, np.full(20, "cat"), TypeError, "y of dtype <U3", "(20,)"),
    bad_y("objects as y", regression, Y.astype(object), TypeError, "y of dtype object"),
    bad_y("masked y", regression, np.ma.array(Y, mask=Y > 0), TypeError, "y is a masked array"),
    bad_y("ragged y", regression, [[1.0], [1.0, 2.0]], ValueError, "y cannot become an array"),
    bad_y("integers for cce", lambda: classifier("categorical_crossentropy"), CLASSES, ValueError,
          "sparse_categorical_crossentropy", "to_categorical"),
    bad_y("one-hot for scce", classifier, ONE_HOT, ValueError, "categorical_crossentropy"),
    bad_y("binary_crossentropy of classes", lambda: classifier("binary_crossentropy"),
          CLASSES[:, None], ValueError, "binary_crossentropy", "(20, 1)", "(20, 3)"),
    bad_y("two columns for three", lambda: classifier("categorical_crossentropy"), ONE_HOT[:, :2],
          ValueError, "categorical_crossentropy", "(20, 2)", "(20, 3)"),
    bad_y("two targets", regression, [Y, Y], ValueError, "`y` has 2 entries", "1 output"),
    bad_y("a class too high", classifier, with_value(CLASSES, 13, 3), ValueError,
          "class 3 of sample 13", "3 classes, 0 to 2"),
    bad_y("a negative class", classifier, with_value(CLASSES, 0, -1), ValueError,
          "class -1 of sample 0", "3 classes"),
    bad_y("a huge class", classifier, with_value(CLASSES, 19, 2**40), ValueError,
          f"class {2**40} of sample 19", "3 classes"),
    bad_y("half a class", classifier, with_value(CLASSES.astype("float32"), 2, 0.5), ValueError,
          "class 0.5 of sample 2", "3 classes"),
    bad_y("NaN as class", classifier, with_value(CLASSES.astype("float32"), 2, np.nan), ValueError,
          "class nan of sample 2", "3 classes"),
    bad_y("classes from 1", classifier, CLASSES[:, None] + 1, ValueError, "class 3 of sample"),
]  # fmt: skip


def snapshot(model):
    steps = int(model.optimizer.iterations) if model.optimizer else 0
    return steps, model.get_weights(), model.predict(X, verbose=0)


def assert_as_before(model, before):
    steps, weights, outputs = snapshot(model)
    assert steps == before[0]
    for mine, yours in zip([*weights, outputs], [*before[1], before[2]], strict=True):
        np.testing.assert_array_equal(mine, yours)


def refused(call, error, words=()):
    """The one-line text of the error of exactly this type, raised without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error) as caught:
            call()
    assert caught.type is error or caught.type.__module__.startswith("nnseq")
    text = str(caught.value)
    assert "\n" not in text and "\x1b" not in text and 0 < len(text) < 400
    for word in words:
        assert word in text, text
    return text


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.name)
def test_bad_data(each):
    model = each.model()
    before = snapshot(model)
    options = {"batch_size": 20, "verbose": 0}
    text = refused(
        lambda: model.fit(each.x, each.y, shuffle=False, **options), each.error, each.words
    )
    assert "sample" not in text or "batch" not in text
    if each.evaluate:
        refused(lambda: model.evaluate(each.x, each.y, **options), each.error, each.words)
    if each.predict:
        refused(lambda: model.predict(each.x, **options), each.error, each.words)
    refused(lambda: model.train_on_batch(each.x, each.y), each.error, each.words)
    assert_as_before(model, before)
    if not each.predict:
        model.fit(X, ONE_HOT if "compat" in each.name else good_targets(model), **options)


def good_targets(model):
    return CLASSES if "sparse" in str(model.loss) else ONE_HOT


# --- lengths -------------------------------------------------------------------------------------
@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_x_and_y_of_different_length(call):
    model = regression()
    before = snapshot(model)
    with pytest.raises(ValueError) as caught:
        getattr(model, call)(X, Y[:7])
    assert str(caught.value) == (
        "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
        "samples.'x' sizes: 20\n'y' sizes: 7"
    )
    with pytest.raises(ValueError, match=r"'sample_weight' sizes: 19"):
        getattr(model, call)(X, Y, sample_weight=np.ones(19))
    assert_as_before(model, before)


@pytest.mark.keras
def test_the_text_of_keras():
    keras = pytest.importorskip("keras")
    texts = []
    for k in (nnseq, keras):
        model = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
        model.compile("sgd", "mse")
        with pytest.raises(ValueError) as caught:
            model.fit(X, Y[:7])
        texts.append(str(caught.value))
    assert texts[0] == texts[1].rstrip("\n")


def test_no_rows():
    model = regression()
    before = snapshot(model)
    assert model.predict(X[:0], verbose=0).shape == (0, 3)
    assert model.predict_on_batch(X[:0]).shape == (0, 3)
    for call in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        text = refused(lambda call=call: getattr(model, call)(X[:0], Y[:0]), ValueError)
        assert "needs at least one sample; `x` has 0 rows" in text
    refused(lambda: model.fit([], [], verbose=0), ValueError, ["at least one sample"])
    assert_as_before(model, before)


# --- arguments -----------------------------------------------------------------------------------
ARGUMENTS = [
    ({"batch_size": 0}, "`batch_size` must be a positive int", "0"),
    ({"batch_size": -1}, "`batch_size` must be a positive int", "-1"),
    ({"batch_size": 2.5}, "`batch_size` must be a positive int", "2.5"),
    ({"batch_size": "8"}, "`batch_size` must be a positive int", "'8'"),
    ({"batch_size": True}, "`batch_size` must be a positive int", "True"),
    ({"epochs": 1.5}, "`epochs`", "1.5"),
    ({"epochs": -1}, "`epochs`", "-1"),
    ({"initial_epoch": -1}, "`initial_epoch`", "-1"),
    ({"steps_per_epoch": 0}, "`steps_per_epoch`", "0"),
    ({"validation_steps": 0, "validation_data": (X, Y)}, "`validation_steps`", "0"),
    ({"validation_batch_size": 0, "validation_data": (X, Y)}, "`validation_batch_size`", "0"),
    ({"validation_freq": 0, "validation_data": (X, Y)}, "validation_freq", "0"),
    ({"validation_split": 1.0}, "`validation_split` must be strictly between 0 and 1", "1.0"),
    ({"validation_split": -0.1}, "`validation_split` must be strictly between 0 and 1", "-0.1"),
    ({"validation_split": 1.5}, "`validation_split` must be strictly between 0 and 1", "1.5"),
    ({"validation_split": 0.99999}, "not sufficient to split", "0.99999"),
    ({"validation_split": "0.2"}, "`validation_split`", "'0.2'"),
    ({"validation_data": X}, "`validation_data` must be", "(x, y)"),
    ({"validation_data": (X[:0], Y[:0])}, "validation needs at least one sample", "0 rows"),
    ({"validation_data": (X[:, :3], Y)}, "'model'", "(20, 3)"),
    ({"validation_data": (X, Y[:, :1])}, "mean_squared_error", "(20, 1)"),
    ({"shuffle": "all"}, "`shuffle` must be", "'all'"),
    ({"verbose": "loud"}, "`verbose`", "'loud'"),
    ({"class_weight": {0: 1.0}, "sample_weight": np.ones(20)}, "class_weight", "sample_weight"),
    ({"class_weight": {"cat": 1.0}}, "`class_weight`", "'cat'"),
    ({"class_weight": [1.0, 2.0]}, "`class_weight`", "list"),
    ({"sample_weight": np.ones((20, 3))}, "weights of shape (20, 3)", "(20,)"),
]  # fmt: skip


@pytest.mark.parametrize("row", ARGUMENTS, ids=lambda row: str(next(iter(row[0].items())))[:40])
def test_arguments_of_fit(row):
    arguments, *words = row
    model = regression()
    before = snapshot(model)
    refused(lambda: model.fit(X, Y, **{"verbose": 0, **arguments}), ValueError, words)
    assert_as_before(model, before)
    assert model.fit(X, Y, batch_size=20, verbose=0).history["loss"][0] > 0


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_batch_size_of_evaluate_and_predict(batch_size):
    model = regression()
    for call in (
        lambda: model.evaluate(X, Y, batch_size=batch_size),
        lambda: model.predict(X, batch_size=batch_size),
    ):
        refused(call, ValueError, ["`batch_size` must be a positive int", str(batch_size)])


def test_bad_labels_of_validation_are_found_before_training():
    model = classifier()
    before = snapshot(model)
    bad = (X, with_value(CLASSES, 5, 9))
    refused(lambda: model.fit(X, CLASSES, validation_data=bad, verbose=0), ValueError,
            ["class 9 of sample 5"])  # fmt: skip
    assert_as_before(model, before)


# --- order of calls ------------------------------------------------------------------------------
@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_before_compile(call):
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(2)])
    text = refused(lambda: getattr(model, call)(X, Y), ValueError)
    assert text == "You must call `compile()` before using the model."
    assert model.predict(X, verbose=0).shape == (20, 2)


def test_calls_without_a_value():
    model = regression()
    refused(lambda: model(None), ValueError, ["Model 'model' got None for its input"])
    refused(model, TypeError, ["'inputs'"])
    refused(lambda: model(np.full((2, 4), "a")), TypeError, ["dtype <U1"])
    assert model(X).shape == (20, 3)


def test_before_build():
    model = nnseq.Sequential([layers.Dense(2)], name="m")
    refused(lambda: model.weights, ValueError, ["Weights for model 'm'", "`build()`"])
    refused(model.get_weights, ValueError, ["Weights for model 'm'"])
    refused(model.summary, ValueError, ["has not yet been built", "`build()`"])
    refused(model.count_params, ValueError, ["count_params", "'m'", "isn't built"])
    assert model(X).shape == (20, 2)


# --- names ---------------------------------------------------------------------------------------
NAMES = [
    (lambda m: m.compile(optimizer="adm"), "Unknown optimizer: 'adm'", "'adam'"),
    (lambda m: m.compile(loss="mean_square_error"), "Unknown loss: 'mean_square_error'",
     "'mean_squared_error'"),
    (lambda m: m.compile(loss="sparse_categorical_crossentropi"), "Unknown loss",
     "'sparse_categorical_crossentropy'"),
    (lambda m: m.compile(metrics=["acurracy"]), "Unknown metric: 'acurracy'", "'accuracy'"),
    (lambda m: m.compile(weighted_metrics=["maee"]), "Unknown metric: 'maee'", "'mae'"),
    (lambda m: m.compile(metrics="accuracy"), "`metrics`", "list"),
    (lambda m: m.compile(loss="mse", loss_weights="1"), "`loss_weights`", "'1'"),
    (lambda m: m.compile(optimizer=7), "optimizer", "7"),
    (lambda m: m.compile(loss=7), "loss", "7"),
    (lambda m: layers.Dense(2, activation="rellu"), "Unknown activation: 'rellu'", "'relu'"),
    (lambda m: layers.Dense(2, kernel_initializer="glorot_unifrom"),
     "Unknown initializer: 'glorot_unifrom'", "'glorot_uniform'"),
    (lambda m: layers.Dense(2, kernel_regularizer="l1_12"), "Unknown regularizer: 'l1_12'",
     "'l1_l2'"),
    (lambda m: layers.Dense(2, kernel_constraint="max_nrm"), "Unknown constraint", "'max_norm'"),
    (lambda m: layers.Activation("sigmiod"), "Unknown activation: 'sigmiod'", "'sigmoid'"),
    (lambda m: m.add(layers.Dense(2, name="high")), "Name 'high' is already the name", "unique"),
    (lambda m: m.get_layer("hihg"), "No such layer: hihg", "'high'"),
    (lambda m: layers.Dense(2, units_=3), "Dense", "units_"),
    (lambda m: layers.Dense(0), "`units`", "0"),
    (lambda m: layers.Dense(2.5), "`units`", "2.5"),
    (lambda m: layers.Dense("8"), "`units`", "'8'"),
    (lambda m: layers.Dropout(1.5), "`rate`", "1.5"),
    (lambda m: layers.Conv2D(2, 0), "`kernel_size`", "0"),
    (lambda m: layers.Conv2D(2, 3, padding="some"), "`padding`", "'some'"),
    (lambda m: layers.Dense(2, dtype="float8"), "float8", "float32"),
]  # fmt: skip


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row[1][:40])
def test_names_and_arguments_are_checked_at_once(row):
    call, *words = row
    model = regression()
    before = snapshot(model)
    refused(lambda: call(model), ValueError, words)
    assert_as_before(model, before)
    model.fit(X, Y, verbose=0)  # compiled as before


# --- NaN -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("where", ["x", "y"])
def test_nan_passes_through(where):
    model = regression()
    x, y = (with_value(X, 3, np.nan), Y) if where == "x" else (X, with_value(Y, 3, np.nan))
    assert np.isnan(model.evaluate(x, y, verbose=0, return_dict=True)["loss"])
    predicted = model.predict(x, verbose=0)
    assert np.isnan(predicted).any(axis=1).tolist() == [where == "x" and i == 3 for i in range(20)]
    assert np.isnan(model.fit(x, y, verbose=0).history["loss"][0])


# --- files ---------------------------------------------------------------------------------------
FOREIGN = {
    "empty": b"",
    "text": b"not a model\n",
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94.",
    "an empty zip": b"PK\x05\x06" + bytes(18),
    "HDF5 magic only": b"\x89HDF\r\n\x1a\n" + bytes(64),
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_foreign_files(what, suffix, tmp_path):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(FOREIGN[what])
    model = regression()
    before = snapshot(model)
    if suffix == ".keras":
        refused(lambda: nnseq.models.load_model(path), ValueError, [path.name])
    refused(lambda: model.load_weights(path), ValueError, [path.name])
    assert_as_before(model, before)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files(suffix, part, tmp_path):
    path = tmp_path / f"m{suffix}"
    other = regression()
    other.fit(X, Y, verbose=0)
    (other.save if suffix == ".keras" else other.save_weights)(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    model = regression()
    before = snapshot(model)
    if suffix == ".keras":
        refused(lambda: nnseq.models.load_model(path), ValueError, [path.name])
    refused(lambda: model.load_weights(path), ValueError, [path.name])
    assert_as_before(model, before)
    path.write_bytes(data)
    model.load_weights(path)
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_missing_files(tmp_path):
    model = regression()
    for call in (
        lambda: nnseq.models.load_model(tmp_path / "no.keras"),
        lambda: model.load_weights(tmp_path / "no.weights.h5"),
    ):
        with pytest.raises((ValueError, OSError), match=r"no\.") as caught:
            call()
        assert "\n" not in str(caught.value)
