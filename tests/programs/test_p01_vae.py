"""P1, a variational autoencoder: a sampling layer with ops.shape, and add_loss."""

import numpy as np
from compare import assert_same_losses, assert_same_weights, copy_weights, keras

import nnseq

RNG = np.random.default_rng(1)
ROWS, PIXELS, LATENT = 40, 12, 3
X = (RNG.uniform(size=(ROWS, PIXELS)) < 0.4).astype("float32")
NOISE = RNG.normal(size=(ROWS, LATENT)).astype("float32")
FIT = {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}


def vae(lib, seed=5):
    """Called on x it draws its noise; called on [x, noise] it uses what it is given."""
    layers, ops = lib.layers, lib.ops

    class Sampling(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = lib.random.SeedGenerator(seed)

        def call(self, inputs):
            mean, log_var, noise = inputs
            if noise is None:
                batch, dim = ops.shape(mean)[0], ops.shape(mean)[1]
                noise = lib.random.normal(shape=(batch, dim), seed=self.seed_generator)
            return mean + ops.exp(0.5 * log_var) * noise

    class Encoder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(8, activation="relu")
            self.mean, self.log_var = layers.Dense(LATENT), layers.Dense(LATENT)
            self.sampling = Sampling()

        def call(self, x, noise=None):
            h = self.hidden(x)
            mean, log_var = self.mean(h), self.log_var(h)
            kl = -0.5 * ops.mean(log_var - ops.square(mean) - ops.exp(log_var) + 1)
            self.add_loss(0.3 * kl)
            return self.sampling([mean, log_var, noise])

    class VAE(lib.Model):
        def __init__(self):
            super().__init__()
            self.encoder = Encoder()
            self.decoder = lib.Sequential(
                [layers.Dense(8, activation="relu"), layers.Dense(PIXELS, activation="sigmoid")]
            )

        def call(self, inputs):
            x, noise = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
            return self.decoder(self.encoder(x, noise))

    return VAE()


def compiled(lib, inputs):
    model = vae(lib)
    model(inputs[:2] if isinstance(inputs, np.ndarray) else [x[:2] for x in inputs])
    model.compile(optimizer=lib.optimizers.Adam(0.01), loss="binary_crossentropy")
    return model


def test_trains_as_in_keras():
    ours, theirs = compiled(nnseq, [X, NOISE]), compiled(keras, [X, NOISE])
    generator = [w.path for w in theirs.weights if "seed" in w.path]
    assert not generator  # the state of a generator is no weight
    copy_weights(ours, theirs)
    got = ours.fit([X, NOISE], X, **FIT)
    expected = theirs.fit([X, NOISE], X, **FIT)
    assert_same_losses(got.history, expected.history)
    assert_same_weights(ours, theirs)
    assert_same_losses(
        ours.evaluate([X, NOISE], X, verbose=0), theirs.evaluate([X, NOISE], X, verbose=0)
    )


def test_losses_of_a_call():
    model = compiled(nnseq, X)
    model([X, NOISE])
    (kl,) = model.losses
    h = model.encoder.hidden(X).numpy()
    mean = h @ model.encoder.mean.kernel.numpy()
    log_var = h @ model.encoder.log_var.kernel.numpy()
    expected = -0.15 * np.mean(log_var - mean**2 - np.exp(log_var) + 1)
    assert_same_losses(float(kl), expected)


def test_noise_is_normal_fresh_and_reproducible():
    model = compiled(nnseq, X)
    rows = np.repeat(X[:1], 20000, axis=0)
    codes = [model.encoder(rows).numpy() for _ in range(2)]
    mean = model.encoder.mean(model.encoder.hidden(X[:1])).numpy()
    std = np.exp(0.5 * model.encoder.log_var(model.encoder.hidden(X[:1])).numpy())
    for code in codes:
        z = (code - mean) / std
        assert np.abs(z.mean(axis=0)).max() < 0.03
        assert np.abs(z.std(axis=0) - 1).max() < 0.03
        assert np.abs(np.corrcoef(z.T) - np.eye(LATENT)).max() < 0.03
    assert not np.array_equal(*codes)

    start = model.get_weights()
    histories = []
    for _ in range(2):
        again = compiled(nnseq, X)
        again.set_weights(start)
        again.encoder.sampling.seed_generator.state.assign([5, 0])
        histories.append(again.fit(X, X, **FIT).history["loss"])
    assert histories[0] == histories[1]
    assert histories[0][-1] < histories[0][0]
