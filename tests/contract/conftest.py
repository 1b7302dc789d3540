"""The fixture of tests that hold for Keras as well: each runs once with nnseq, once with Keras."""

import pytest


@pytest.fixture(params=["nnseq", pytest.param("keras", marks=pytest.mark.keras)])
def k(request):
    """The library under test, with names counted from the beginning."""
    library = pytest.importorskip(request.param)
    library.utils.clear_session(free_memory=False)
    return library
