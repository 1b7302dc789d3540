"""How losses, metrics, targets and weights are matched with the outputs of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from nnseq.engine.nest import is_nested
from nnseq.engine.registry import did_you_mean


def output_names(y_pred: Any, names: Sequence[str] | None) -> list[str | None]:
    """The names of the outputs, in order: of the model, else the sorted keys of a dict of outputs,
    else None for each."""
    if isinstance(y_pred, Mapping):
        known = names is not None and set(names) == set(y_pred)
        return list(names) if known and names is not None else sorted(y_pred)
    if not is_nested(y_pred):
        return [names[0] if names and len(names) == 1 else None]
    if names is not None and len(names) == len(y_pred):
        return list(names)
    return [None] * len(y_pred)


def outputs_list(y_pred: Any, names: Sequence[str | None]) -> list[Any]:
    """The outputs of a model in the order of their names.

    Raises:
        ValueError: if one of them is None.
    """
    if isinstance(y_pred, Mapping):
        found = [y_pred[name] for name in names]
    else:
        found = list(y_pred) if is_nested(y_pred) else [y_pred]
    if any(output is None for output in found):
        raise ValueError("`call` of the model returned None; end it with `return` and the outputs.")
    return found


def spread(argument: str, value: Any, names: Sequence[str | None]) -> list[Any]:
    """One entry per output of an argument given as a list or a dict by output; None is missing.

    Raises:
        ValueError: an unknown output, or a list of another length.
    """
    count = len(names)
    if isinstance(value, Mapping):
        known = [name for name in names if name is not None]
        for key in value:
            if key not in known:
                hint = did_you_mean(str(key), known) if known else " The outputs have no names."
                raise ValueError(f"`{argument}` names the output {key!r}, which is unknown.{hint}")
        return [value.get(name) for name in names]
    if isinstance(value, list | tuple):
        if len(value) != count:
            raise ValueError(
                f"`{argument}` has {len(value)} entries, but the model has {count} "
                f"output{'s' if count > 1 else ''}: {list(names)}."
            )
        return list(value)
    return [value] * count


def match_targets(y: Any, names: Sequence[str | None], used: Sequence[bool]) -> list[Any]:
    """The target of each output; targets of outputs without a loss may be missing."""
    if isinstance(y, list | tuple) and len(y) != len(names) and len(y) == sum(used):
        given = iter(y)
        return [next(given) if is_used else None for is_used in used]
    if is_nested(y):
        return spread("y", y, names)
    if len(names) == 1:
        return [y]
    raise ValueError(
        f"The model has {len(names)} outputs {list(names)}; pass `y` as a list or a dict with one "
        "array per output."
    )
