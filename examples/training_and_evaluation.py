"""Finds tumours that are malignant: built-in training with a loss, weights and metrics of our own.

    python examples/training_and_evaluation.py [--output out] [--seed 0]

Of 569 samples of tissue (Wisconsin, with scikit-learn) a model is trained on 398. To overlook a
malignant one is worse than a false alarm: class weights say so to the training, and a metric of
our own counts what the mistakes cost. Training stops when the loss of a fifth of the samples, kept
for validation, gets no better. Of 171 unseen samples the ranking is right in 99% of the pairs
(area under the curve); 3 of 64 malignant ones are overlooked. Draws training_and_evaluation.png.
"""

from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_curve
from sklearn.model_selection import train_test_split

import nnseq as keras
from common import run
from nnseq import layers, ops

OVERLOOKED = 10.0  # the cost of a malignant sample that is overlooked; a false alarm costs 1


class Cost(keras.metrics.Metric):
    """What the mistakes cost, per sample."""

    def __init__(self, name="cost", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        malignant = ops.reshape(ops.cast(y_true, "float32"), (-1,))
        found = ops.cast(ops.reshape(y_pred, (-1,)) > 0.5, "float32")
        costs = OVERLOOKED * malignant * (1.0 - found) + (1.0 - malignant) * found
        self.total.assign(self.total + ops.sum(costs))
        self.count.assign(self.count + ops.cast(ops.shape(malignant)[0], "float32"))

    def result(self):
        return self.total / self.count


def smoothed(y_true, y_pred):
    """Cross-entropy that never asks for certainty: labels may be wrong, too."""
    return keras.losses.binary_crossentropy(y_true, y_pred, label_smoothing=0.02)


def load_data(seed):
    """Returns x_train (398, 30), x_test, y_train (398, 1), 1.0 where malignant, y_test."""
    x, benign = load_breast_cancer(return_X_y=True)
    y = 1.0 - benign[:, None].astype("float32")
    return train_test_split(x.astype("float32"), y, test_size=0.3, stratify=y, random_state=seed)


def build_model(x_train):
    """Returns a compiled model (N, 30) -> (N, 1) probabilities."""
    normalization = layers.Normalization()
    normalization.adapt(x_train)
    model = keras.Sequential(
        [
            keras.Input((30,)),
            normalization,
            layers.Dense(32, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.ExponentialDecay(5e-3, decay_steps=100, decay_rate=0.8)
        ),
        loss=smoothed,
        metrics=[
            Cost(),
            keras.metrics.AUC(name="auc"),
            keras.metrics.Recall(name="recall"),
            keras.metrics.FalseNegatives(name="overlooked"),
        ],
    )
    return model


def draw(y_true, y_pred, path):
    alarms, found, _ = roc_curve(y_true[:, 0], y_pred[:, 0])
    figure = Figure(figsize=(5, 4), layout="constrained")
    axis = figure.subplots()
    axis.step(alarms, found, where="post")
    axis.set(xlabel="false alarms among the benign", ylabel="found among the malignant")
    axis.set(xlim=(-0.01, 0.3), ylim=(0.7, 1.01))
    axis.grid(alpha=0.3)
    figure.savefig(path, dpi=100)


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = load_data(seed)
    model = build_model(x_train)
    model.fit(
        x_train,
        y_train,
        batch_size=16,
        epochs=40,
        validation_split=0.2,
        class_weight={0: 1.0, 1: 3.0},
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True)
        ],
        verbose=2,
    )
    found = model.evaluate(x_test, y_test, return_dict=True, verbose=0)
    print(
        f"{len(y_test)} unseen samples: area under the curve {found['auc']:.3f}, "
        f"{found['overlooked']:.0f} of {y_test.sum():.0f} malignant ones overlooked, "
        f"cost {found['cost']:.2f} per sample"
    )
    draw(y_test, model.predict(x_test, verbose=0), output / "training_and_evaluation.png")
    return {name: found[name] for name in ("auc", "recall", "cost")}


if __name__ == "__main__":
    run(main, __doc__)
