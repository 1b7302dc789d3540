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


def pytest_addoption(parser):
    parser.addoption("--part", metavar="K/N", default="1/1", help="run every N-th test from K on")
    parser.addoption("--embed-build", default="build", help="what test_embed.py installs")
    parser.addoption("--embed-cmake", default="", help="arguments of cmake for its examples")
    parser.addoption("--embed-run", default="", help="a command that runs them, such as valgrind")


def pytest_collection_modifyitems(config, items):
    part, of = map(int, config.getoption("part").split("/"))
    config.hook.pytest_deselected(items=[t for i, t in enumerate(items) if i % of != part - 1])
    items[:] = items[part - 1 :: of]


@pytest.fixture(scope="module", autouse=True)
def oracle_forgets():
    """JAX keeps all it compiled, gigabytes in a run of all tests."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
        gc.collect()
