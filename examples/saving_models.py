"""Saves a model in every way there is, and goes on training as if nothing had happened.

    python examples/saving_models.py [--output out] [--seed 0]

The model has a layer and a loss of our own; registered, they are found when a file is read, from
which no code is ever run. Half of the training, a file, a new model from it, and the other half
give the same weights, bit by bit, as the whole training at once, because the file holds the state
of the optimizer too. The model tells 97% of unseen wines apart (178 of three growers, with
scikit-learn). Writes wine.keras and wine.weights.h5.
"""

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

import nnseq as keras
from common import run
from nnseq import layers, ops


@keras.saving.register_keras_serializable("examples")
class Gate(layers.Layer):
    """Multiplies each feature by a weight between 0 and 1: (N, D) -> (N, D)."""

    def __init__(self, openness=0.0, **kwargs):
        super().__init__(**kwargs)
        self.openness = openness

    def build(self, input_shape):
        start = keras.initializers.Constant(self.openness)
        self.gates = self.add_weight(shape=(input_shape[-1],), initializer=start, name="gates")

    def call(self, x):
        return x * ops.sigmoid(self.gates)

    def get_config(self):
        return {**super().get_config(), "openness": self.openness}


@keras.saving.register_keras_serializable("examples")
def careful(y_true, y_pred):
    """Cross-entropy of labels of which one in twenty may be wrong."""
    return keras.losses.categorical_crossentropy(y_true, y_pred, label_smoothing=0.05)


def load_data(seed):
    """Returns x_train (133, 13), scaled, x_test, y_train (133, 3), one-hot, y_test."""
    x, y = load_wine(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).astype("float32")
    return train_test_split(
        x, np.eye(3, dtype="f4")[y], test_size=0.25, stratify=y, random_state=seed
    )


def build_model():
    """Returns a compiled classifier (N, 13) -> (N, 3) probabilities."""
    model = keras.Sequential(
        [
            keras.Input((13,)),
            Gate(openness=1.0),
            layers.Dense(16, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=careful, metrics=["accuracy"])
    return model


def same(a, b):
    return all(map(np.array_equal, a.get_weights(), b.get_weights()))


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    x_train, x_test, y_train, y_test = load_data(seed)
    half = {"batch_size": 16, "epochs": 10, "shuffle": False, "verbose": 0}

    model = build_model()
    model.fit(x_train, y_train, **half)
    file = output / "wine.keras"
    model.save(file)  # all of it: configuration, weights, optimizer
    model.fit(x_train, y_train, **half)

    again = keras.models.load_model(file)
    again.fit(x_train, y_train, **half)
    resumed = same(model, again)
    print("trained in two halves with a file between, the model has the same weights:", resumed)

    weights = output / "wine.weights.h5"
    model.save_weights(weights)  # weights and optimizer, for a model that the program builds
    other = build_model()
    other.load_weights(weights)

    text = model.to_json()  # the configuration, for a model with new weights
    blank = keras.models.model_from_json(text)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    print(
        f"weights in {weights.name}: {same(model, other)}, of a copy: {same(model, copy)}, ", end=""
    )
    print(f"of a model from {len(text)} letters of JSON: {same(model, blank)}")

    accuracy = again.evaluate(x_test, y_test, verbose=0)[1]
    print(f"{accuracy:.1%} of {len(y_test)} unseen wines told rightly")
    restored = resumed and same(model, other) and same(model, copy) and not same(model, blank)
    return {"accuracy": accuracy, "restored": float(restored)}


if __name__ == "__main__":
    run(main, __doc__)
