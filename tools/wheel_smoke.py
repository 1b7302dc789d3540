"""Run with an installed wheel: the package imports, is not the checkout's, and computes."""

import sys
from pathlib import Path

import numpy as np

import nnseq

package = Path(nnseq.__file__).parent
assert Path(sys.prefix) in package.parents, package
assert (package / "py.typed").exists() and (package / "_core.pyi").exists()

model = nnseq.Sequential([nnseq.layers.Dense(3, activation="relu"), nnseq.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
x = np.ones((8, 2), np.float32)
model.fit(x, x[:, :1], epochs=2, verbose=0)
assert model.predict(x, verbose=0).shape == (8, 1)
print("wheel: ok", nnseq.__version__)
