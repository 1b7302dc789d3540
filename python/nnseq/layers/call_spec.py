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
        required: those without a default.
        masked: those that have a parameter for their mask besides, `query` and `query_mask`.
        default_training: the default of `training`, None if there is none.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        self.names = [p.name for p in parameters]
        self.takes_training = "training" in self.names
        self.takes_mask = "mask" in self.names
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        self.required = [p.name for p in parameters if p.default is p.empty and p.kind in kinds]
        self.masked = [name for name in self.names if f"{name}_mask" in self.names]
        self.default_training = next((p.default for p in parameters if p.name == "training"), None)
        if self.default_training is inspect.Parameter.empty:
            self.default_training = None

    def first(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """The first argument, the input."""
        return args[0] if args else kwargs.get(self.names[0]) if self.names else None

    def named(self, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments by name."""
        return {**dict(zip(self.names, args, strict=False)), **kwargs}

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
        """Passes the masks of the arguments on to `call`; returns that of the input, in the
        structure of the input."""
        mask = _masks(inputs)
        is_masked = _any(mask)
        if self.masked:
            given = self.named(args, kwargs)
            for name in self.masked:
                own = _masks(given.get(name))
                if given.get(f"{name}_mask") is None and _any(own):
                    kwargs[f"{name}_mask"] = own
        if self.takes_mask:
            place = self.names.index("mask")
            if place < len(args) or kwargs.get("mask") is not None:
                return args[place] if place < len(args) else kwargs["mask"]
            if is_masked:
                kwargs["mask"] = mask
        return mask if is_masked else None


def _masks(structure: Any) -> Any:
    return nest.map_structure(lambda x: x._keras_mask if isinstance(x, Tensor) else None, structure)


def _any(masks: Any) -> bool:
    return any(m is not None for m in nest.flatten(masks))


@functools.cache
def build_names(build: Callable[..., Any]) -> list[str]:
    """The parameters of an unbound `build` method."""
    parameters = list(inspect.signature(build).parameters.values())[1:]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.kind not in kinds]


def build_shapes(layer: Any, args: Any, kwargs: dict[str, Any]) -> list[Any] | None:
    """What `build` gets for these arguments of `call`: the shape of the first one, or of `foo`
    for each parameter `foo_shape` where there are several; None if the first has no shape."""
    spec, names = call_spec(type(layer).call), build_names(type(layer).build)
    if len(names) < 2:
        found = [_shapes(spec.first(args, kwargs))]
    else:
        given = spec.named(args, kwargs)
        found = [_shapes(given.get(name.removesuffix("_shape"))) for name in names]
    return None if found[0] is None else found


def _shapes(structure: Any) -> Any:
    leaves = [x for x in nest.flatten(structure) if x is not None]
    if not leaves or not all(hasattr(x, "shape") for x in leaves):
        return None
    return nest.map_structure(lambda x: None if x is None else tuple(x.shape), structure)


@functools.cache
def call_spec(call: Callable[..., Any]) -> CallSpec:
    """The parameters of an unbound `call` method."""
    return CallSpec(call)
