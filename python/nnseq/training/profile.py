"""Profile: what a step of a model is made of, and what each part takes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnseq import _core
from nnseq.engine.nest import flatten
from nnseq.engine.tensor import to_array
from nnseq.training.data import ArraySource, make_source
from nnseq.utils import table

if TYPE_CHECKING:
    from nnseq.training.trainer import Trainer


class Profile:
    """What `Model.profile` gives: a table of the steps of a Program; prints itself.

    Attributes:
        rows: one for all steps that are equal but for their data, in the order in which they run.
            Each has `layer`, `op`, `shapes`, `kernel` (what runs, with its choices), `refused` (why
            nothing faster runs, or empty) and, for one run, `steps`, `seconds`, `flops` (0 where
            bytes are what counts) and `bytes` (read and written at least).
        seconds: of one run, with what is between the steps: the mean of `runs` runs.
    """

    def __init__(self, core: _core.Profile) -> None:
        self._core = core
        self.rows: Sequence[_core.Profile.Row] = core.rows
        self.seconds = core.seconds
        self.runs = core.runs

    def __str__(self) -> str:
        return str(self._core)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        align = ">>>>" + "<" * (len(self._core.header) - 4)
        return table.html(self._core.title, self._core.header, self._core.cells, align, [])


def profile(
    model: Trainer, x: Any, y: Any, sample_weight: Any, batch_size: int | None, runs: int
) -> Profile:
    """See `Trainer.profile`."""
    if y is not None:
        model._assert_compiled()
    x, _ = model._host_data(x)
    source = make_source(x, y, sample_weight, batch_size)
    if not isinstance(source, ArraySource) or source.rows == 0:
        raise ValueError("profile takes arrays of at least one sample.")
    mode = "predict" if y is None else "train"
    batch = source.first_batch()
    twin = copy.deepcopy(model)  # the runs train it
    compiled = twin._compiled_step(mode, batch)
    if mode == "train":
        twin._check_targets(batch)
    arrays = [to_array(leaf) for leaf in flatten(batch) if leaf is not None]
    return Profile(compiled.function.profile(*arrays, runs=runs))
