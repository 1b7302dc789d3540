"""What a thread is doing: its trace, tapes, call mode and name scopes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnseq.engine.tape import GradientTape
    from nnseq.engine.tensor import Tensor
    from nnseq.engine.trace import Trace


class State(threading.local):
    """Per thread. `training` is the mode of the outermost layer call, None outside of one.
    `targets`: in a step that must stay finite, what it took gradients of so far; else None.
    `prepared`: whether models are given what their layers on the host made: in eager steps."""

    trace: Trace | None = None
    tapes: tuple[GradientTape, ...] = ()
    training: bool | None = None
    scopes: tuple[str, ...] = ()
    targets: list[Tensor] | None = None
    prepared: bool = False


state = State()


def current_trace() -> Trace | None:
    """The trace of this thread, if one is being made."""
    return state.trace


@contextmanager
def eager_scope() -> Iterator[None]:
    """Inside, operations run at once even while tracing: for the initial values of Variables."""
    trace, tapes = state.trace, state.tapes
    state.trace, state.tapes = None, ()
    try:
        yield
    finally:
        state.trace, state.tapes = trace, tapes


@contextmanager
def prepared_scope() -> Iterator[None]:
    """Inside, inputs of models have been through their layers on the host."""
    before, state.prepared = state.prepared, True
    try:
        yield
    finally:
        state.prepared = before


@contextmanager
def finite_scope(checked: bool) -> Iterator[None]:
    """Inside, if `checked`, optimizers look at losses and gradients before they change anything."""
    state.targets = [] if checked else None
    try:
        yield
    finally:
        state.targets = None
