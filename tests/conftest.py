"""Set before anything imports Keras or JAX: the oracle runs on the CPU with the JAX back end."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import hypothesis

# Runs are the same on every machine and day; a slow machine is no failure.
hypothesis.settings.register_profile(
    "nnseq", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("nnseq")
