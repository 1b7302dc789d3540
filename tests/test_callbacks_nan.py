"""TerminateOnNaN: a step whose loss or gradients are not finite is not taken."""

import math

import numpy as np
import pytest

import nnseq
from nnseq import _core, callbacks, layers, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def bad(row, value=np.nan):
    x = X.copy()
    x[row, 1] = value
    return x


def build(optimizer="adam", **arguments):
    model = nnseq.Sequential(
        [
            nnseq.Input((3,)),
            layers.Dense(4, activation="tanh", kernel_initializer=nnseq.initializers.HeNormal(3)),
            layers.BatchNormalization(),
            layers.Dense(1, kernel_initializer=nnseq.initializers.HeNormal(5)),
        ]
    )
    model.compile(optimizer, "mse", metrics=["mae"], **arguments)
    return model


def snapshot(model):
    return [v.numpy() for v in [*model.variables, *model.optimizer.variables]]


def same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


OPTIMIZERS = {
    "fused": lambda: optimizers.Adam(0.01),
    "sgd": lambda: optimizers.SGD(0.01, momentum=0.9),
    "unfused": lambda: optimizers.RMSprop(0.01),
    "clipped": lambda: optimizers.SGD(0.01, global_clipnorm=1.0),
    "nadam": lambda: optimizers.Nadam(0.01),
}


def fit(model, x, callback, **arguments):
    arguments = {"batch_size": 10, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(x, Y, callbacks=callback, **arguments)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("how", ["chunk", "single", "moving"])
def test_the_last_whole_step_stands(make, how, capsys, monkeypatch):
    if how == "moving":
        monkeypatch.setattr("nnseq.callbacks.progbar_logger.is_dynamic", lambda: True)
    extra = [callbacks.LambdaCallback(on_batch_end=lambda *_: None)] if how == "single" else []
    model, other = build(make()), build(make())
    verbose = 1 if how == "moving" else 0
    told = [callbacks.TerminateOnNaN(), *extra]
    history = fit(model, bad(25), told, epochs=5, verbose=verbose)
    assert "Batch 2: Invalid loss, terminating training\n" in capsys.readouterr().out
    fit(other, X, None, steps_per_epoch=2)
    same(snapshot(model), snapshot(other))
    assert history.epoch == [0]
    assert math.isnan(history.history["loss"][0])
    assert history.history["mae"] == other.history.history["mae"]
    # and it can be trained on
    fit(model, X, callbacks.TerminateOnNaN())
    assert all(np.isfinite(array).all() for array in snapshot(model))


@pytest.mark.parametrize("source", ["generator", "eager"])
def test_other_ways_through_the_steps(source, capsys):
    def batches():
        for i in range(0, 40, 10):
            yield bad(25)[i : i + 10], Y[i : i + 10]

    model, other = build("sgd", run_eagerly=source == "eager"), build("sgd")
    if source == "generator":
        model.fit(batches(), verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    else:
        fit(model, bad(25), callbacks.TerminateOnNaN())
    assert "Batch 2: Invalid loss" in capsys.readouterr().out
    fit(other, X, None, steps_per_epoch=2)
    weights = zip(model.trainable_variables, other.trainable_variables, strict=True)
    for ours, theirs in weights:
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_the_first_batch(capsys):
    model = build()
    before = model.get_weights()
    history = fit(model, bad(3, np.inf), callbacks.TerminateOnNaN(), epochs=3)
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
    assert history.epoch == [0]
    same(model.get_weights(), before)
    assert int(model.optimizer.iterations) == 0


def test_a_gradient_that_is_not_finite_though_the_loss_is(capsys):
    class Root(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(), initializer="zeros", name="w")

        def call(self, x):
            return x * ops.sqrt(self.w)  # at 0: the derivative is infinite

    model = nnseq.Sequential([nnseq.Input((3,)), Root()])
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert "Batch 0: Invalid loss" in capsys.readouterr().out
    assert float(model.layers[0].w) == 0.0


def test_a_loss_that_is_infinite_though_the_gradients_are_not(capsys):
    model = nnseq.Sequential([nnseq.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y * 1e25, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert "Batch 0: Invalid loss" in capsys.readouterr().out
    same(model.get_weights(), before)


def test_a_rate_that_is_far_too_large(capsys):
    model = build(optimizers.SGD(1e6))
    model.compile(optimizers.SGD(1e30), "mse")
    fit(model, X, callbacks.TerminateOnNaN(), epochs=50)
    assert "Invalid loss, terminating training" in capsys.readouterr().out
    assert all(np.isfinite(array).all() for array in model.get_weights())


def test_raise_error():
    model = build()
    with pytest.raises(RuntimeError, match=r"at batch 2\. Loss value: nan\. Terminating"):
        fit(model, bad(25), callbacks.TerminateOnNaN(raise_error=True))
    assert int(model.optimizer.iterations) == 2
    fit(model, X, None)


def test_the_other_callbacks_of_the_run(tmp_path, capsys):
    told = []
    spy = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: told.append(("epoch", logs["loss"])),
        on_train_end=lambda logs: told.append("end"),
    )
    early = callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    fit(build(), bad(25), [spy, early, callbacks.TerminateOnNaN()], validation_data=(X, Y))
    assert [t[0] for t in told] == ["epoch", "e"]


def test_without_it_training_goes_on_as_in_keras():
    model = build()
    history = fit(model, bad(25), None, epochs=2)
    assert np.isnan(history.history["loss"]).all()
    assert np.isnan(model.get_weights()[0]).any()


def test_good_data_give_the_same_bits_with_and_without_it():
    for make in OPTIMIZERS.values():
        with_it, without = build(make()), build(make())
        fit(with_it, X, callbacks.TerminateOnNaN(), epochs=3)
        fit(without, X, None, epochs=3)
        same(snapshot(with_it), snapshot(without))


def test_a_custom_train_step(capsys):
    class Model(nnseq.Sequential):
        def train_step(self, data):
            x, y = data
            with nnseq.GradientTape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            return {"mine": loss}

    model = Model([nnseq.Input((3,)), layers.Dense(1)])
    model.compile("adam")
    history = fit(model, bad(25), callbacks.TerminateOnNaN(), epochs=2)
    assert "Batch 2: Invalid loss" in capsys.readouterr().out
    assert int(model.optimizer.iterations) == 2
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert history.epoch == [0]


def test_steps_without_an_optimizer_are_seen_by_their_loss(capsys):
    class Model(nnseq.Sequential):
        def train_step(self, data):
            x, _ = data
            return {"loss": ops.mean(x)}

    model = Model([nnseq.Input((3,)), layers.Dense(1)])
    model.compile("adam")
    assert fit(model, bad(25), callbacks.TerminateOnNaN(), epochs=4, batch_size=40).epoch == [0]
    assert "Batch 0: Invalid loss" in capsys.readouterr().out


def test_the_op_names_the_operand():
    good, worse = ops.ones((5,)), ops.convert_to_tensor(np.float32([1, np.nan]))
    for count in (1, 20_000, 70_000):
        x = np.ones(count, "float32")
        (one,) = _core.eager("check_finite", [_core.Tensor(x)])
        assert one.numpy() == 1
        for value in (np.inf, -np.inf, np.nan):
            x[-1] = value
            with pytest.raises(FloatingPointError, match="operand 1 holds infinity or NaN"):
                _core.eager("check_finite", [good._core, _core.Tensor(x), worse._core])
    with pytest.raises(ValueError, match="at least one tensor"):
        _core.eager("check_finite", [])
    with pytest.raises(TypeError, match="must be float32"):
        _core.eager("check_finite", [_core.Tensor(np.arange(3))])
