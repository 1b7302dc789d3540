"""What all tests rely on, set before anything imports Keras or JAX: the oracle runs on the CPU."""

import os
import signal

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import hypothesis

# Started in the background by a shell, a process ignores Ctrl-C; the tests of it send some.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Runs are the same on every machine and day; a slow machine is no failure.
hypothesis.settings.register_profile(
    "nnseq", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("nnseq")
