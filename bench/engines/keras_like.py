"""nnseq, and Keras on its three backends: the same code, through compile, fit and predict."""

import importlib
import os
from typing import Any

import numpy as np


class KerasLike:
    def __init__(self, keras: Any, model: Any) -> None:
        layers = [keras.Input(model.input_shape, dtype="int32" if model.vocabulary else None)]
        for kind, config in model.layers:
            if not hasattr(keras.layers, kind):
                raise NotImplementedError(f"{keras.__name__} has no layers.{kind}")
            layers.append(getattr(keras.layers, kind)(**config))
        self.model = keras.Sequential(layers)
        self.model.compile(optimizer="adam", loss=model.loss)

    def epoch(self, x: np.ndarray, y: np.ndarray, batch: int) -> float:
        return self.model.fit(x, y, batch_size=batch, epochs=1, verbose=0).history["loss"][0]

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(x, verbose=0)

    def call(self, x: np.ndarray) -> Any:
        return self.model(x)


def make(model: Any, engine: str) -> KerasLike:
    package, _, backend = engine.partition("/")
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    keras = importlib.import_module(package)
    return KerasLike(keras, model)
