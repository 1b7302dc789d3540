"""What all tests rely on, set before anything imports Keras or JAX."""

import gc
import signal
import sys

import hypothesis
import oracle
import pytest

oracle.prepare()

# Started in the background by a shell, a process ignores Ctrl-C; the tests of it send some.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Runs are the same on every machine and day; a slow machine is no failure.
hypothesis.settings.register_profile(
    "nnseq", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.load_profile("nnseq")


@pytest.fixture(scope="module", autouse=True)
def oracle_forgets():
    """JAX keeps all it compiled, gigabytes in a run of all tests."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
        gc.collect()
