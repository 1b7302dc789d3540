"""predict of one batch that was predicted before goes straight to the Program: all that may have
changed since must still count."""

import numpy as np
import pytest

import nnseq
from nnseq import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")


@pytest.fixture
def model():
    model = nnseq.Sequential(
        [
            nnseq.Input((3,)),
            layers.Dense(4, activation="tanh"),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    model.predict(X[:5], verbose=0)
    return model


def is_ready(model, x=X):
    return model._ready(x) is not None


def test_equal_bits_for_every_number_of_rows(model):
    assert is_ready(model)
    assert not is_ready(model, X[:, :2]) and not is_ready(model, X.astype("float64"))
    whole = model.predict(X, batch_size=64, verbose=0)
    for rows in (0, 1, 2, 31, 32, 33, 40):
        np.testing.assert_array_equal(model.predict(X[:rows], verbose=0), whole[:rows])
        if rows:
            np.testing.assert_array_equal(model.predict_on_batch(X[:rows]), whole[:rows])
    np.testing.assert_array_equal(model.predict(X.astype("float64"), verbose=0), whole)
    np.testing.assert_array_equal(model.predict(X.astype("float64"), verbose=0), whole)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(X)[::2], verbose=0), whole[::2])


@pytest.mark.parametrize("dtype", [">f4", "float16", "float64", "bool", "uint8", "int64", ">i2"])
def test_other_dtypes_are_converted_each_time(model, dtype):
    x = (np.abs(X[:5]) * 3).astype(dtype)
    want = model.predict(x.astype("float32"), verbose=0)
    for _ in range(3):
        np.testing.assert_array_equal(model.predict(x, verbose=0), want)
        np.testing.assert_array_equal(model.predict_on_batch(x), want)


def test_the_result_is_the_callers(model):
    first = model.predict(X[:1], verbose=0)
    kept = first.copy()
    first[:] = 7
    np.testing.assert_array_equal(model.predict(X[:1], verbose=0), kept)
    np.testing.assert_array_equal(first, np.full_like(first, 7))


def test_new_weights_count(model):
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_array_equal(model.predict(X[:5], verbose=0), np.zeros((5, 2)))
    model.compile("sgd", "mse")
    model.fit(X, np.ones((40, 2)), epochs=2, verbose=0)
    assert (model.predict(X[:5], verbose=0) != 0).all()


def test_changed_layers_count(model):
    model.pop()
    assert model.predict(X[:5], verbose=0).shape == (5, 4)
    model.add(layers.Dense(7))
    assert model.predict(X[:5], verbose=0).shape == (5, 7)
    model.layers[-1].activation = ops.zeros_like
    np.testing.assert_array_equal(model.predict(X[:5], verbose=0), np.zeros((5, 7)))


def test_python_of_a_step_that_runs_eagerly_is_run():
    class Counted(nnseq.Sequential):
        steps = 0

        def predict_step(self, data):
            self.steps += 1
            return super().predict_step(data)

    model = Counted([nnseq.Input((3,)), layers.Dense(2)])
    for _ in range(3):
        model.predict(X[:5], verbose=0)
    assert model.steps == 1  # when it was traced
    model.run_eagerly = True
    for _ in range(3):
        model.predict(X[:5], verbose=0)
    assert model.steps == 4


def test_wrong_arguments_are_refused_as_before(model):
    for batch_size in (0, -1, "2", True, 1.5):
        with pytest.raises(ValueError, match="`batch_size` must be a positive int"):
            model.predict(X[:5], batch_size=batch_size, verbose=0)
    with pytest.raises(ValueError, match="is incompatible with the layer"):
        model.predict(X[:5, :2], verbose=0)
    with pytest.raises(ValueError, match="single number"):
        model.predict(np.float32(1) * np.ones(()), verbose=0)
    with pytest.raises(TypeError, match="masked"):
        model.predict(np.ma.masked_less(X[:5], 0), verbose=0)
    assert is_ready(model)


def test_callbacks_and_progress_are_told(model, capsys):
    seen = []

    class Tell(nnseq.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append(batch)

    model.predict(X, verbose=0, callbacks=[Tell()])
    assert seen == [0, 1]
    model.predict(X[:5], verbose=1)
    assert "1/1" in capsys.readouterr().out


def test_models_of_several_inputs_or_outputs():
    a, b = nnseq.Input((3,)), nnseq.Input((3,))
    y = layers.Add()([layers.Dense(2)(a), layers.Dense(2)(b)])
    model = nnseq.Model([a, b], {"sum": y, "twice": layers.Rescaling(2.0)(y)})
    first, again = (model.predict([X[:5], X[5:10]], verbose=0) for _ in range(2))
    assert sorted(first) == ["sum", "twice"]
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert not is_ready(model)
