"""What an optimizer refuses or leaves out."""

import warnings
from numbers import Real
from typing import Any

from nnseq.engine.registry import did_you_mean
from nnseq.engine.variable import Variable
from nnseq.optimizers.schedules import InverseTimeDecay


def older_learning_rate(cls: str, learning_rate: Any, others: dict[str, Any]) -> Any:
    """The learning rate that Keras 2's `lr` and `decay` among the other arguments ask for.

    Raises:
        ValueError: for an argument that is not known, or a decay of a rate that is not a number.
    """
    others = {k: v for k, v in others.items() if k not in ("jit_compile", "is_legacy_optimizer")}
    decay = others.pop("decay", None)
    learning_rate = others.pop("lr", learning_rate)
    for name, value in others.items():
        known = ["learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"]
        raise ValueError(
            f"Argument(s) not recognized by {cls}: {{{name!r}: {value!r}}}."
            f"{did_you_mean(name, known)}"
        )
    if not decay:
        return learning_rate
    if not isinstance(learning_rate, Real):
        raise ValueError(
            f"{cls}: `decay` needs a number as learning rate. Received: decay={decay!r}, "
            f"learning_rate={learning_rate!r}. Give a schedule alone."
        )
    return InverseTimeDecay(float(learning_rate), 1, float(decay))


def without_missing(
    grads: list[Any], variables: list[Variable]
) -> tuple[list[Any], list[Variable]]:
    """The gradients that exist and their Variables; warns about the others."""
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if not missing:
        return grads, variables
    if len(missing) == len(variables):
        raise ValueError(
            "No gradients provided for any variable: the loss does not depend on "
            f"{', '.join(missing)}."
        )
    warnings.warn(
        f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
        "`model.compile()`, did you forget to provide a `loss` argument?",
        stacklevel=3,
    )
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]
