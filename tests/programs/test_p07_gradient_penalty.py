"""P7, a gradient penalty: second derivatives by nested tapes in a custom train_step."""

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, jax, keras, keras_step

import nnseq

RNG = np.random.default_rng(7)
ROWS, BATCH = 24, 8
X = RNG.normal(size=(ROWS, 6, 6, 1)).astype("float32")
FAKE = RNG.normal(size=(ROWS, 6, 6, 1)).astype("float32")
MIX = RNG.uniform(size=(ROWS, 1, 1, 1)).astype("float32")


def dense_critic(lib):
    layers = lib.layers
    return [
        layers.Flatten(),
        layers.Dense(8, activation="tanh"),
        layers.Dense(5, activation="softplus"),
        layers.Dense(1),
    ]


def conv_critic(lib):
    layers = lib.layers
    return [
        layers.Conv2D(4, 3, strides=2, padding="same"),
        layers.LeakyReLU(0.2),
        layers.AveragePooling2D(2, padding="same"),
        layers.Flatten(),
        layers.Dense(1, activation="sigmoid"),
    ]


class Critic(nnseq.Sequential):
    def train_step(self, data):
        ops = nnseq.ops
        ((real, fake, mix),) = data
        with nnseq.GradientTape() as tape:
            between = mix * real + (1 - mix) * fake
            with nnseq.GradientTape() as inner:
                inner.watch(between)
                scores = self(between, training=True)
            slope = inner.gradient(scores, between)
            norm = ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3)) + 1e-8)
            penalty = ops.mean(ops.square(norm - 1))
            loss = ops.mean(self(fake)) - ops.mean(self(real)) + 10 * penalty
        grads = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(grads, self.trainable_variables, strict=True))
        return {"loss": loss, "penalty": penalty}


def keras_loss(critic, real, fake, mix):
    ops = keras.ops
    slope = jax.grad(lambda x: ops.sum(critic(x)))(
        ops.convert_to_tensor(mix * real + (1 - mix) * fake)
    )
    norm = ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3)) + 1e-8)
    return ops.mean(critic(fake)) - ops.mean(critic(real)) + 10 * ops.mean(ops.square(norm - 1))


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("parts", [dense_critic, conv_critic])
def test_trains_as_in_keras(parts, run_eagerly):
    critic = Critic([nnseq.Input((6, 6, 1)), *parts(nnseq)])
    theirs = keras.Sequential([keras.Input((6, 6, 1)), *parts(keras)])
    copy_weights(critic, theirs)
    critic.compile(nnseq.optimizers.Adam(0.01), run_eagerly=run_eagerly)
    optimizer = keras.optimizers.Adam(0.01)
    for start in range(0, ROWS, BATCH):
        batch = [x[start : start + BATCH] for x in (X, FAKE, MIX)]
        got = critic.fit(batch, batch_size=BATCH, verbose=0).history["loss"][0]
        expected = keras_step(
            lambda b=batch: keras_loss(theirs, *b), theirs.trainable_variables, optimizer
        )
        assert_same_losses(got, expected)
    assert_same_weights(critic, theirs)


def test_the_penalty_does_its_work():
    critic = Critic([nnseq.Input((6, 6, 1)), *dense_critic(nnseq)])
    critic.compile(nnseq.optimizers.Adam(0.01))
    history = critic.fit([X, X, MIX], epochs=40, batch_size=BATCH, verbose=0).history["penalty"]
    assert history[-1] < 0.1 * history[0]
