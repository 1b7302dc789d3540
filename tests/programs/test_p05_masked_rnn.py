"""P5: masked Embedding and SimpleRNN, sequences of 5 to 50, weights of steps, a partial batch."""

import numpy as np
import pytest
from compare import assert_same_losses, assert_same_weights, copy_weights, keras

import nnseq

RNG = np.random.default_rng(5)
ROWS, LONGEST, WORDS, TAGS = 21, 50, 11, 4
LENGTHS = RNG.integers(5, LONGEST + 1, ROWS)
LENGTHS[:2] = 5, LONGEST
PAST = np.arange(LONGEST) >= LENGTHS[:, None]
TOKENS = np.where(PAST, 0, RNG.integers(1, WORDS, (ROWS, LONGEST)))
LABELS = np.where(PAST, 0, (TOKENS + np.roll(TOKENS, 1, axis=1)) % TAGS)
WEIGHTS = RNG.uniform(0, 2, (ROWS, LONGEST)).astype("float32")
FIT = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}


def tagger(lib, backwards=False):
    layers = lib.layers
    model = lib.Sequential(
        [
            lib.Input((None,), dtype="int32"),
            layers.Embedding(WORDS, 6, mask_zero=True),
            layers.SimpleRNN(7, return_sequences=True, go_backwards=backwards),
            layers.Dense(TAGS, activation="softmax"),
        ]
    )
    model.compile(
        lib.optimizers.Adam(0.02),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    return model


def classifier(lib, backwards=False):
    layers = lib.layers
    model = lib.Sequential(
        [
            layers.Embedding(WORDS, 6, mask_zero=True),
            layers.SimpleRNN(7, go_backwards=backwards),
            layers.Dense(1),
        ]
    )
    model.build((None, None))
    model.compile("sgd", "mse")
    return model


def twins(build, *arguments):
    ours, theirs = build(nnseq, *arguments), build(keras, *arguments)
    copy_weights(ours, theirs)
    return ours, theirs


def assert_same_predictions(ours, theirs, x):
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_tagger_trains_as_in_keras(weights):
    ours, theirs = twins(tagger)
    got = ours.fit(TOKENS, LABELS, sample_weight=weights, **FIT)
    expected = theirs.fit(TOKENS, LABELS, sample_weight=weights, **FIT)
    # Keras with JAX forgets the mask in the metrics of fit, not of evaluate.
    assert_same_losses(got.history["loss"], expected.history["loss"])
    assert_same_weights(ours, theirs)
    assert_same_losses(
        *(
            model.evaluate(TOKENS, LABELS, 8, 0, sample_weight=weights, return_dict=True)
            for model in (ours, theirs)
        )
    )
    assert_same_predictions(ours, theirs, TOKENS)
    for length in (5, 17):  # other lengths, in the same model
        assert_same_predictions(ours, theirs, TOKENS[:, :length])


def test_weights_of_samples_count_for_all_their_steps():
    a, b = tagger(nnseq), tagger(nnseq)
    b.set_weights(a.get_weights())
    rows = WEIGHTS[:, 0]
    expected = a.fit(TOKENS, LABELS, sample_weight=np.repeat(rows[:, None], LONGEST, 1), **FIT)
    assert_same_losses(b.fit(TOKENS, LABELS, sample_weight=rows, **FIT).history, expected.history)
    assert_same_weights(a, b)
    hits = (a.predict(TOKENS, verbose=0).argmax(-1) == LABELS)[~PAST].mean()
    assert_same_losses(a.evaluate(TOKENS, LABELS, verbose=0, return_dict=True)["accuracy"], hits)


@pytest.mark.parametrize("backwards", [False, True])
def test_the_last_state_trains_as_in_keras(backwards):
    ours, theirs = twins(classifier, backwards)
    y = LENGTHS.astype("float32") / LONGEST
    got = ours.fit(TOKENS, y, **FIT).history
    assert_same_losses(got, theirs.fit(TOKENS, y, **FIT).history)
    assert_same_weights(ours, theirs)
    assert_same_predictions(ours, theirs, TOKENS)


def test_padding_changes_nothing():
    model = classifier(nnseq)
    short = [TOKENS[i : i + 1, : LENGTHS[i]] for i in range(ROWS)]
    alone = np.concatenate([model.predict(row, verbose=0) for row in short])
    np.testing.assert_allclose(model.predict(TOKENS, verbose=0), alone, rtol=0, atol=1e-6)
