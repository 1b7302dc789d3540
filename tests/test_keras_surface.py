"""Every public name of Keras is served, or refused with a reason; docs/keras_surface.md says so."""

import pytest

keras = pytest.importorskip("keras")

import surface  # noqa: E402 (of tools, needs keras)
from nnseq.unserved import reason_of  # noqa: E402


def test_every_missing_name_has_a_reason():
    without = [
        surface.dotted(area, name)
        for area, (_, missing) in surface.rows(keras).items()
        for name in missing
        if reason_of(surface.dotted(area, name)) is None
    ]
    assert without == []


def test_no_reason_is_for_what_is_served():
    wrong = [
        surface.dotted(area, name)
        for area, (served, _) in surface.rows(keras).items()
        for name in served
        if reason_of(surface.dotted(area, name)) is not None
    ]
    assert wrong == []


def test_readme_tells_how_many_layers_there_are():
    served, missing = surface.rows(keras)["layers"]
    readme = (surface.PAGE.parents[1] / "README.md").read_text()
    assert f"| layers | {len(served)} of Keras' {len(served) + len(missing)} names" in readme


def test_page_is_true():
    assert surface.PAGE.read_text() == surface.page(keras), "run tools/surface.py"
