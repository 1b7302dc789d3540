"""CallSpec: the parameters of a layer's `call`, and what is passed on to them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from nnseq.engine import nest
from nnseq.engine.state import state
from nnseq.engine.tensor import Tensor


class CallSpec:
    """The parameters of a `call` method.

    Attributes:
        names: in order, without self.
        takes_training, takes_mask: whether they are among them.
        default_training: the default of `training`, None if there is none.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        self.names = [p.name for p in parameters]
        self.takes_training = "training" in self.names
        self.takes_mask = "mask" in self.names
        self.default_training = next((p.default for p in parameters if p.name == "training"), None)
        if self.default_training is inspect.Parameter.empty:
            self.default_training = None

    def first(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """The first argument, the input."""
        return args[0] if args else kwargs.get(self.names[0]) if self.names else None

    def route_training(self, args: Any, kwargs: dict[str, Any]) -> None:
        """An explicit argument wins, then the mode of the outer call, then call's default."""
        given = kwargs.get("training")
        if self.takes_training and self.names.index("training") < len(args):
            given = args[self.names.index("training")]
        elif given is None:
            given = state.training if state.training is not None else self.default_training
            if self.takes_training:
                kwargs["training"] = given
        if not self.takes_training:
            kwargs.pop("training", None)
        state.training = given

    def route_mask(self, inputs: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Passes the mask of the input on to `call`; returns it, in the structure of the input."""
        mask = nest.map_structure(
            lambda x: x._keras_mask if isinstance(x, Tensor) else None, inputs
        )
        is_masked = any(m is not None for m in nest.flatten(mask))
        if self.takes_mask:
            place = self.names.index("mask")
            if place < len(args) or kwargs.get("mask") is not None:
                return args[place] if place < len(args) else kwargs["mask"]
            if is_masked:
                kwargs["mask"] = mask
        return mask if is_masked else None


@functools.cache
def call_spec(call: Callable[..., Any]) -> CallSpec:
    """The parameters of an unbound `call` method."""
    return CallSpec(call)
