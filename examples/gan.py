"""Learns to write digits on request: a conditional GAN with a train_step of its own.

    python examples/gan.py [--output out] [--seed 0]

The generator makes an image of random numbers and a digit that is asked for; the critic is shown
images with a digit and says which are real. `train_step` teaches both, each with an optimizer of
its own (Goodfellow et al. 2014; Mirza, Osindero 2014). A classifier trained on real digits judges
the result: it reads 94% of the generated digits as the one that was asked for. Draws gan.png.
"""

import numpy as np
from sklearn.svm import SVC

import nnseq as keras
from common import draw_images, handwritten_digits, run
from nnseq import layers, ops

NOISE = 16


def build_generator():
    """Returns a model [noise (N, 16), one-hot digits (N, 10)] -> images (N, 64) in [0, 1]."""
    inputs = [keras.Input((NOISE,)), keras.Input((10,))]
    x = layers.Dense(128, activation="relu")(layers.concatenate(inputs))
    x = layers.Dense(128, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(64, activation="sigmoid")(x), name="generator")


def build_critic():
    """Returns a model [images (N, 64), one-hot digits (N, 10)] -> (N, 1), large where real."""
    inputs = [keras.Input((64,)), keras.Input((10,))]
    x = layers.Dense(128, activation=layers.LeakyReLU(0.2))(layers.concatenate(inputs))
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(64, activation=layers.LeakyReLU(0.2))(x)
    return keras.Model(inputs, layers.Dense(1)(layers.Dropout(0.3)(x)), name="critic")


class GAN(keras.Model):
    """Trains a generator against a critic; `fit` is given images and one-hot digits."""

    def __init__(self):
        super().__init__()
        self.generator, self.critic = build_generator(), build_critic()
        self.generator_loss = keras.metrics.Mean(name="generator_loss")
        self.critic_loss = keras.metrics.Mean(name="critic_loss")
        self.says_real = keras.losses.BinaryCrossentropy(from_logits=True)

    def compile(self, generator_optimizer, critic_optimizer):
        super().compile()
        self.generator_optimizer = generator_optimizer
        self.critic_optimizer = critic_optimizer

    def call(self, inputs):
        return self.generator(inputs)

    def train_step(self, data):
        images, digits = data
        count = ops.shape(images)[0]
        noise = keras.random.normal((count, NOISE))
        real, made = ops.ones((count, 1)), ops.zeros((count, 1))

        with keras.GradientTape() as tape:
            answers = self.critic([images, digits], training=True)
            false_answers = self.critic([self.generator([noise, digits]), digits], training=True)
            critic_loss = self.says_real(0.9 * real, answers) + self.says_real(made, false_answers)
        weights = self.critic.trainable_weights
        gradients = tape.gradient(critic_loss, weights)
        self.critic_optimizer.apply_gradients(zip(gradients, weights, strict=True))

        with keras.GradientTape() as tape:
            made_images = self.generator([noise, digits], training=True)
            answers = self.critic([made_images, digits], training=True)
            generator_loss = self.says_real(real, answers)
        weights = self.generator.trainable_weights
        gradients = tape.gradient(generator_loss, weights)
        self.generator_optimizer.apply_gradients(zip(gradients, weights, strict=True))

        self.critic_loss.update_state(critic_loss)
        self.generator_loss.update_state(generator_loss)
        return {m.name: m.result() for m in (self.generator_loss, self.critic_loss)}


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = handwritten_digits(seed)
    x_train, x_test = x_train.reshape(-1, 64), x_test.reshape(-1, 64)
    gan = GAN()
    gan.compile(keras.optimizers.Adam(1e-3, beta_1=0.5), keras.optimizers.Adam(1e-3, beta_1=0.5))
    gan.fit(x_train, np.eye(10, dtype="float32")[y_train], batch_size=64, epochs=120, verbose=2)

    judge = SVC().fit(x_train, y_train)
    wanted = np.arange(1000) % 10
    noise = np.random.default_rng(seed).normal(size=(1000, NOISE)).astype("float32")
    made = gan.predict([noise, np.eye(10, dtype="float32")[wanted]], verbose=0)
    right, variety = judge.score(made, wanted), made.std(axis=0).mean() / x_test.std(axis=0).mean()
    print(
        f"the judge reads {judge.score(x_test, y_test):.1%} of the real digits rightly, "
        f"{right:.1%} of the generated ones; these vary {variety:.0%} as much"
    )
    rows = [made[wanted == digit][:10] for digit in range(10)]
    draw_images(rows, output / "gan.png")
    return {"right": right, "variety": variety}


if __name__ == "__main__":
    run(main, __doc__)
