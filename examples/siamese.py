"""Learns when two handwritten digits are the same one, also of digits it has never seen.

    python examples/siamese.py [--output out] [--seed 0]

An encoder puts images into a space of 16 dimensions; the loss pulls pairs of one digit
together and pushes others apart (contrastive loss; Hadsell, Chopra, LeCun 2006). It is trained on
pairs of the digits 0 to 6 only. Of pairs of unseen images of these it judges 99% rightly; of the
digits 7, 8 and 9, which it never saw, two that are the same are closer than two that are not in
82% of the cases. Draws siamese.png: pairs of those with their distances.
"""

import numpy as np
from sklearn.metrics import roc_auc_score

import nnseq as keras
from common import draw_images, handwritten_digits, run
from nnseq import layers, ops

MARGIN = 1.0


def pairs(images, digits, count, random):
    """Returns [(count, 8, 8, 1), (count, 8, 8, 1)] and 1.0 where both are one digit, in half."""
    a = random.integers(0, len(digits), count)
    same = random.permutation(np.arange(count) % 2).astype("float32")
    fits = (digits[a][:, np.newaxis] == digits) == same[:, np.newaxis]
    b = np.array([random.choice(np.flatnonzero(row)) for row in fits])
    return [images[a], images[b]], same[:, np.newaxis]


def contrastive_loss(same, distance):
    """Zero for distance 0 of the same digit and for distances of MARGIN and more of others."""
    apart = ops.square(ops.maximum(MARGIN - distance, 0.0))
    return same * ops.square(distance) + (1.0 - same) * apart


def judged_rightly(same, distance):
    return ops.equal(same > 0.5, distance < MARGIN / 2)


class Distance(layers.Layer):
    """The distance of two points: [(N, D), (N, D)] -> (N, 1)."""

    def call(self, points):
        a, b = points
        return ops.sqrt(ops.sum(ops.square(a - b), axis=-1, keepdims=True) + 1e-9)


def build_model():
    """Returns a compiled model [(N, 8, 8, 1), (N, 8, 8, 1)] -> distances (N, 1)."""
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(16),
        ],
        name="encoder",
    )
    images = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1))]
    model = keras.Model(images, Distance()([encoder(image) for image in images]))
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3), loss=contrastive_loss, metrics=[judged_rightly]
    )
    return model


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    x_train, x_test, y_train, y_test = handwritten_digits(seed)
    model = build_model()
    model.fit(
        *pairs(x_train[y_train < 7], y_train[y_train < 7], 12000, random),
        batch_size=64,
        epochs=3,
        verbose=2,
    )

    known = pairs(x_test[y_test < 7], y_test[y_test < 7], 2000, random)
    new = pairs(x_test[y_test >= 7], y_test[y_test >= 7], 2000, random)
    accuracy = model.evaluate(*known, verbose=0)[1]
    ranked = roc_auc_score(new[1], -model.predict(new[0], verbose=0))
    print(
        f"pairs of 0 to 6: {accuracy:.1%} judged rightly; of 7 to 9: in {ranked:.1%} of the cases "
        "two that are the same digit are closer than two that are not"
    )

    shown = [images[:12] for images in new[0]]
    distances = model.predict(shown, verbose=0)[:, 0]
    titles = [f"{distance:.2f}" for distance in distances]
    draw_images(shown, output / "siamese.png", [titles, []])
    return {"known": accuracy, "new": ranked}


if __name__ == "__main__":
    run(main, __doc__)
