"""Data frames and series of pandas, beside Keras."""

import numpy as np
import pytest

import nnseq

pd = pytest.importorskip("pandas")

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(20, 4)), columns=list("abcd"))
MIXED = FRAME.assign(a=RNG.integers(0, 2, 20) > 0, b=RNG.integers(0, 9, 20))
TARGET = pd.Series(RNG.normal(size=20), name="target")


def regression(k, units=1):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(units)])
    model.set_weights([np.linspace(-1, 1, 4 * units).reshape(4, units), np.zeros(units)])
    model.compile("sgd", "mse")
    return model


def named(k):
    inputs = {name: k.Input((1,), name=name) for name in "ab"}
    y = k.layers.Dense(1, kernel_initializer="ones")(k.layers.Add()([inputs["a"], inputs["b"]]))
    model = k.Model(inputs, y)
    model.compile("sgd", "mse")
    return model


USES = {
    "frame and series": lambda k: regression(k).fit(FRAME, TARGET, shuffle=False, verbose=0),
    "columns as targets": lambda k: regression(k, 2).fit(
        FRAME, FRAME[["b", "d"]], shuffle=False, verbose=0),
    "columns of different types": lambda k: regression(k).fit(
        MIXED, MIXED["a"], shuffle=False, verbose=0),
    "weights": lambda k: regression(k).fit(
        FRAME, TARGET, sample_weight=FRAME["a"].abs(), shuffle=False, verbose=0),
    "split": lambda k: regression(k).fit(
        FRAME, TARGET, validation_split=0.3, shuffle=False, verbose=0),
    "validation": lambda k: regression(k).fit(
        FRAME, TARGET, validation_data=(MIXED, TARGET), shuffle=False, verbose=0),
    "any index": lambda k: regression(k).fit(
        FRAME.iloc[::-2], TARGET.iloc[::-2], shuffle=False, verbose=0),
    "a dict of columns": lambda k: named(k).fit(
        dict(FRAME[["a", "b"]]), TARGET, shuffle=False, verbose=0),
}  # fmt: skip


@pytest.mark.keras
@pytest.mark.parametrize("use", USES)
def test_as_in_keras(use):
    ours, theirs = (USES[use](k).history for k in (nnseq, pytest.importorskip("keras")))
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5)


@pytest.mark.parametrize("frame", [FRAME, MIXED, MIXED.astype("float32"), MIXED.convert_dtypes()])
def test_a_frame_is_its_numbers(frame):
    model = regression(nnseq)
    numbers = frame.to_numpy(dtype="float32")
    for call in (model, model.predict_on_batch, lambda x: model.predict(x, verbose=0)):
        np.testing.assert_array_equal(call(frame), call(numbers))


def test_missing_numbers_are_nan():
    frame = MIXED.convert_dtypes()
    frame.loc[3, "b"] = pd.NA
    predicted = regression(nnseq).predict(frame, verbose=0)
    assert np.isnan(predicted[:, 0]).tolist() == [i == 3 for i in range(20)]


@pytest.mark.parametrize(
    "values", [["a", "b"] * 10, pd.Categorical(["a", "b"] * 10), ["1", "2"] * 10]
)
def test_text_is_refused(values):
    model = regression(nnseq)
    with pytest.raises(TypeError, match=r"^y of dtype"):
        model.fit(FRAME, pd.Series(values), verbose=0)
    with pytest.raises(TypeError, match=r"^x of dtype"):
        model.predict(FRAME.assign(a=values), verbose=0)
