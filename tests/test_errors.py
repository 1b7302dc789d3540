"""What is refused, with which words; and a model that still works after anything went wrong."""

import collections

import numpy as np
import pytest

import nnseq
from nnseq import callbacks, layers, metrics, optimizers
from nnseq.utils import PyDataset, set_random_seed

RNG = np.random.default_rng(6)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")
CLASSES = RNG.integers(0, 3, 20)


def regression():
    set_random_seed(0)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def classifier(loss="sparse_categorical_crossentropy"):
    set_random_seed(0)
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("adam", loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def model():
    return regression()


def compiled(**arguments):
    nnseq.Sequential([nnseq.Input((4,)), layers.Dense(2)]).compile(**arguments)


def test_no_loss():
    model = nnseq.Sequential([nnseq.Input((4,)), layers.Dense(2)])
    model.compile("sgd")
    with pytest.raises(ValueError, match="Provide a `loss` argument"):
        model.fit(X, Y, verbose=0)


def test_the_argument_is_named(model):
    with pytest.raises(TypeError, match="y of dtype complex"):
        model.fit(X, Y.astype(complex))
    with pytest.raises(TypeError, match="sample_weight of dtype"):
        model.fit(X, Y, sample_weight=np.array(["a"] * 20))
    with pytest.raises(TypeError, match=r"x\['a'\] of dtype"):
        model.predict({"a": X.astype(complex)})


def test_callbacks_are_objects(model):
    with pytest.raises(TypeError, match="must be instances of Callback"):
        model.fit(X, Y, callbacks=[callbacks.History])


def test_generators_bring_their_own_targets(model):
    with pytest.raises(ValueError, match="`y` should not be passed"):
        model.fit(iter([(X, Y)]), Y)
    with pytest.raises(ValueError, match="only supported for arrays"):
        model.fit(iter([(X, Y)]), validation_split=0.2)
    with pytest.raises(ValueError, match="no batches"):
        model.fit(iter([]))
    with pytest.raises(ValueError, match="no batches"):
        model.predict(iter([]))
    with pytest.raises(TypeError, match="take arrays"):
        model.train_on_batch(iter([(X, Y)]))


def heads(**arguments):
    x = nnseq.Input((4,))
    outputs = [layers.Dense(2, name="first")(x), layers.Dense(2, name="second")(x)]
    model = nnseq.Model(x, outputs)
    model.compile("sgd", **arguments)
    return model


@pytest.mark.parametrize(
    ("arguments", "y", "message"),
    [
        ({"loss": {"frist": "mse"}}, [Y, Y], "unknown. Did you mean 'first'"),
        ({"loss": ["mse"]}, [Y, Y], "`loss` has 1 entries.*2 outputs"),
        ({"loss": "mse"}, Y, "pass `y` as a list or a dict"),
        ({"loss": "mse"}, [Y], "`y` has 1 entries"),
        ({"loss": "mse"}, {"first": Y, "secnd": Y}, "Did you mean 'second'"),
        ({"loss": "mse", "metrics": {"third": ["mae"]}}, [Y, Y], "names the output 'third'"),
        ({"loss": "mse", "loss_weights": [1, 2, 3]}, [Y, Y], "`loss_weights` has 3 entries"),
    ],
)
def test_several_outputs(arguments, y, message):
    with pytest.raises(ValueError, match=message):
        heads(**arguments).fit(X, y, verbose=0)


# --- afterwards the model is at the last whole step --------------------------------------------
State = collections.namedtuple("State", "weights slots steps")


def state(model):
    return State(
        model.get_weights(),
        [v.numpy() for v in model.optimizer.variables],
        int(model.optimizer.iterations),
    )


def same(a, b):
    return all(np.array_equal(u, v) for u, v in zip(a.weights + a.slots, b.weights + b.slots,
                                                    strict=True))  # fmt: skip


def trains_on(model, x, y, steps):
    """The model has done `steps` steps of batch 4 on x, y, and goes on as if nothing happened."""
    other = classifier() if y.ndim == 1 else regression()
    if steps:
        other.fit(x[: 4 * steps], y[: 4 * steps], batch_size=4, shuffle=False, verbose=0)
    assert state(model).steps == steps
    if steps:
        assert same(state(model), state(other))
    for each in (model, other):
        each.fit(x[:8], y[:8], batch_size=4, shuffle=False, verbose=0)
    for u, v in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(u, v)
    assert np.array_equal(model.predict(x, verbose=0), other.predict(x, verbose=0))


def test_a_class_that_does_not_exist():
    model = classifier()
    bad = CLASSES.copy()
    bad[13] = 3
    with pytest.raises(ValueError, match=r"class 3 of sample 13 .* 3 classes, 0 to 2"):
        model.fit(X, bad, batch_size=4, shuffle=False, verbose=0)
    trains_on(model, X, CLASSES, steps=0)
    model = classifier()
    batches = ((X[i : i + 4], bad[i : i + 4]) for i in range(0, 20, 4))
    with pytest.raises(ValueError, match=r"class 3 of sample 1 .* 3 classes, 0 to 2"):
        model.fit(batches, verbose=0)
    trains_on(model, X, CLASSES, steps=3)


class Trouble(Exception):
    pass


@pytest.mark.parametrize("kind", [Trouble, KeyboardInterrupt])
def test_a_callback_that_raises(kind):
    model = regression()

    def raise_at(batch, logs):
        if batch == 2:
            raise kind

    told = callbacks.LambdaCallback(on_train_batch_end=raise_at)
    with pytest.raises(kind):
        model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[told])
    trains_on(model, X, Y, steps=3)


def test_a_generator_that_raises():
    def batches():
        yield X[:4], Y[:4]
        raise Trouble

    model = regression()
    with pytest.raises(Trouble):
        model.fit(batches(), verbose=0)
    trains_on(model, X, Y, steps=1)


def test_a_data_set_with_a_batch_of_another_shape():
    class Data(PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return (X[:4], Y[:4]) if index == 0 else (X[:4, :2], Y[:4])

    model = regression()
    with pytest.raises(ValueError, match="incompatible with the layer: expected"):
        model.fit(Data(), verbose=0, shuffle=False)
    trains_on(model, X, Y, steps=1)


def test_wrong_shapes():
    model = regression()
    for wrong in (X[:, :3], X[:, 0], np.zeros((20, 4, 4))):
        with pytest.raises(ValueError, match="incompatible with the layer"):
            model.fit(wrong, Y, verbose=0)
        with pytest.raises(ValueError, match="incompatible with the layer"):
            model.predict(wrong, verbose=0)
    trains_on(model, X, Y, steps=0)


def test_a_step_that_raises_while_it_is_traced():
    class Once(nnseq.Sequential):
        calls = 0

        def train_step(self, data):
            Once.calls += 1
            if Once.calls == 1:
                raise Trouble
            return super().train_step(data)

    model = Once([nnseq.Input((4,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(Trouble):
        model.fit(X, Y, verbose=0)
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()


def test_a_step_must_return_a_dict():
    class Wrong(nnseq.Sequential):
        def train_step(self, data):
            return 3.0

    model = Wrong([nnseq.Input((4,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="must return a dict"):
        model.fit(X, Y, verbose=0)


def test_unknown_metrics_of_early_stopping(model):
    early = callbacks.EarlyStopping(monitor="val_f1", mode="max")
    with pytest.warns(UserWarning, match="val_f1"):
        model.fit(X, Y, verbose=0, callbacks=[early])

    class Strange(metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred)

    other = regression()
    other.compile(optimizers.SGD(0.0), "mse", metrics=[Strange(name="strange")])
    with pytest.raises(ValueError, match="pass mode='max' or mode='min'"):
        other.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping(monitor="strange")])
