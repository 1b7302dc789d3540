"""Every program begins with the same weights."""

import pytest

import nnseq


@pytest.fixture(autouse=True)
def _seed():
    nnseq.utils.set_random_seed(1)
