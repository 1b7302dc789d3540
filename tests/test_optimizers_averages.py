"""Averages of the weights (use_ema) against Keras, and Keras 2's `lr` and `decay`."""

import warnings

import numpy as np
import pytest

from nnseq import constraints, layers, models, optimizers
from nnseq.optimizers import schedules

keras = pytest.importorskip("keras")

RNG = np.random.default_rng(6)
X = RNG.normal(size=(40, 6)).astype("float32")
Y = RNG.normal(size=(40, 2)).astype("float32")
KERNEL = RNG.normal(size=(6, 2)).astype("float32")


def fitted(mods, lays, opts, cons, arguments, **options):
    dense = lays.Dense(2, kernel_constraint=cons.MaxNorm(1.0))
    model = mods.Sequential([lays.Input((6,)), dense])
    model.set_weights([KERNEL, np.zeros(2, "float32")])
    model.compile(opts.Adam(0.05, use_ema=True, **arguments), "mse", **options)
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model


@pytest.mark.keras
@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    "arguments", [{}, {"ema_momentum": 0.6}, {"ema_momentum": 0.8, "ema_overwrite_frequency": 3}]
)
def test_fit_ends_with_the_averages(arguments, eager):
    ours = fitted(models, layers, optimizers, constraints, arguments, run_eagerly=eager)
    theirs = fitted(keras.models, keras.layers, keras.optimizers, keras.constraints, arguments)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    averages = ours.optimizer.variables[2:4]
    assert [v.path.split("/")[-1].split("_")[-1] for v in averages] == ["average", "average"]
    for average, weight in zip(averages, ours.weights, strict=True):
        np.testing.assert_array_equal(average.numpy(), weight.numpy())


def test_an_unknown_variable_has_no_average():
    model = fitted(models, layers, optimizers, constraints, {})
    other = fitted(models, layers, optimizers, constraints, {})
    with pytest.raises(ValueError, match="Unknown variable"):
        model.optimizer.finalize_variable_values(other.trainable_variables)


def test_without_averages_fit_leaves_the_weights_alone():
    model = models.Sequential([layers.Input((6,)), layers.Dense(2)])
    model.compile(optimizers.SGD(0.0), "mse")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Nadam", "Ftrl", "Lion"])
def test_lr_is_the_learning_rate(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = getattr(optimizers, name)(lr=0.25, decay=0.0)
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.get_config()["learning_rate"] == 0.25


def test_decay_divides_the_rate():
    model = models.Sequential([layers.Input((6,)), layers.Dense(2)])
    model.compile(optimizers.SGD(lr=0.5, decay=0.1, momentum=0.9), "mse")
    rates = []
    for _ in range(3):
        rates.append(float(model.optimizer.learning_rate))
        model.train_on_batch(X, Y)
    np.testing.assert_allclose(rates, [0.5, 0.5 / 1.1, 0.5 / 1.2], rtol=1e-6)
    config = model.optimizer.get_config()
    assert config["learning_rate"]["class_name"] == "InverseTimeDecay"
    again = optimizers.SGD.from_config(config)
    assert isinstance(again._rate.schedule, schedules.InverseTimeDecay)
