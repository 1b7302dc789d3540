"""P2, a GAN: two optimizers in one train_step, and the classic form with `trainable = False`."""

from contextlib import nullcontext

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras, keras_step

import nnseq
from nnseq import optimizers

RNG = np.random.default_rng(2)
ROWS, BATCH, LATENT, SIZE = 32, 8, 3, 5
REAL = RNG.normal(1, 0.5, size=(ROWS, SIZE)).astype("float32")
NOISE = RNG.normal(size=(ROWS, LATENT)).astype("float32")


def discriminator(lib):
    layers = lib.layers
    return lib.Sequential([lib.Input((SIZE,)), layers.Dense(8, activation="relu"), layers.Dense(1)])


def generator(lib):
    layers = lib.layers
    return lib.Sequential(
        [lib.Input((LATENT,)), layers.Dense(8, activation="tanh"), layers.Dense(SIZE)]
    )


class GAN(nnseq.Model):
    def __init__(self, d, g):
        super().__init__()
        self.d, self.g = d, g

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn
        self.d_loss = nnseq.metrics.Mean(name="d_loss")
        self.g_loss = nnseq.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def train_step(self, data):
        ops = nnseq.ops
        x = data[0] if isinstance(data, tuple) else data
        real, noise = x if isinstance(x, (list, tuple)) else (x, None)
        batch = ops.shape(real)[0]
        if noise is None:
            noise = nnseq.random.normal((batch, LATENT))
        mixed = ops.concatenate([self.g(noise), real], axis=0)
        labels = ops.concatenate([ops.ones((batch, 1)), ops.zeros((batch, 1))], axis=0)
        with nnseq.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.d(mixed, training=True))
        grads = tape.gradient(d_loss, self.d.trainable_weights)
        self.d_optimizer.apply_gradients(zip(grads, self.d.trainable_weights, strict=True))
        with nnseq.GradientTape() as tape:  # through the discriminator as it is now
            fooled = self.d(self.g(noise, training=True))
            g_loss = self.loss_fn(ops.zeros((batch, 1)), fooled)
        grads = tape.gradient(g_loss, self.g.trainable_weights)
        self.g_optimizer.apply_gradients(zip(grads, self.g.trainable_weights, strict=True))
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


def compiled_gan(d, g):
    gan = GAN(d, g)
    gan.compile(
        optimizers.Adam(0.01),
        optimizers.Adam(0.02),
        nnseq.losses.BinaryCrossentropy(from_logits=True),
    )
    return gan


def keras_epoch(d, g):
    """The same epoch by hand; the losses of each step."""
    loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
    d_optimizer, g_optimizer = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.02)
    labels = np.repeat([[1.0], [0.0]], BATCH, axis=0).astype("float32")
    d_losses, g_losses = [], []
    for start in range(0, ROWS, BATCH):
        real, noise = REAL[start : start + BATCH], NOISE[start : start + BATCH]
        mixed = np.concatenate([g(noise), real])
        d_losses.append(
            keras_step(lambda m=mixed: loss_fn(labels, d(m)), d.trainable_variables, d_optimizer)
        )
        g_losses.append(
            keras_step(
                lambda n=noise: loss_fn(labels[BATCH:], d(g(n))), g.trainable_variables, g_optimizer
            )
        )
    return d_losses, g_losses


def test_two_optimizers_in_one_train_step():
    ours, theirs = [[f(lib) for f in (discriminator, generator)] for lib in (nnseq, keras)]
    for a, b in zip(ours, theirs, strict=True):
        copy_weights(a, b)
    gan = compiled_gan(*ours)
    history = gan.fit([REAL, NOISE], batch_size=BATCH, shuffle=False, verbose=0).history
    d_losses, g_losses = keras_epoch(*theirs)
    assert_same_losses(history["d_loss"][0], np.mean(d_losses))
    assert_same_losses(history["g_loss"][0], np.mean(g_losses))
    for a, b in zip(ours, theirs, strict=True):
        assert_same_weights(a, b)
    assert int(gan.d_optimizer.iterations) == int(gan.g_optimizer.iterations) == ROWS // BATCH


def test_a_discriminator_frozen_in_the_combined_model():
    ours, theirs = [[f(lib) for f in (discriminator, generator)] for lib in (nnseq, keras)]
    for a, b in zip(ours, theirs, strict=True):
        copy_weights(a, b)
    d, g = ours
    loss = nnseq.losses.BinaryCrossentropy(from_logits=True)
    d.compile(optimizers.Adam(0.01), loss)
    d.trainable = False
    noise = nnseq.Input((LATENT,))
    gan = nnseq.Model(noise, d(g(noise)))
    gan.compile(optimizers.Adam(0.02), loss)
    assert len(gan.trainable_weights) == len(g.weights)
    labels = np.repeat([[1.0], [0.0]], BATCH, axis=0)
    losses, nothing = [], nullcontext()
    for start in range(0, ROWS, BATCH):
        rows = slice(start, start + BATCH)
        mixed = np.concatenate([g.predict(NOISE[rows], verbose=0), REAL[rows]])
        d.reset_metrics()
        gan.reset_metrics()
        told = pytest.warns(UserWarning, match="changed after compile") if start == 0 else nothing
        with told:
            d_loss = d.train_on_batch(mixed, labels)
        before = d.get_weights()
        losses.append((d_loss, gan.train_on_batch(NOISE[rows], labels[BATCH:])))
        assert all(map(np.array_equal, before, d.get_weights()))
    assert_same_losses(np.transpose(losses), keras_epoch(*theirs))
    for a, b in zip(ours, theirs, strict=True):
        assert_same_weights(a, b)


def test_random_noise_is_reproducible():
    histories = []
    for _ in range(2):
        nnseq.utils.set_random_seed(3)
        gan = compiled_gan(discriminator(nnseq), generator(nnseq))
        histories.append(gan.fit(REAL, epochs=2, batch_size=BATCH, verbose=0).history)
    assert histories[0] == histories[1]
    assert np.isfinite(histories[0]["g_loss"]).all()
