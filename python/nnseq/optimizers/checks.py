"""What an optimizer refuses or leaves out."""

import warnings
from typing import Any

from nnseq.engine.registry import did_you_mean
from nnseq.engine.variable import Variable

# Arguments of Keras that are accepted at these values only, so that its configurations load.
_AT_DEFAULT_ONLY: dict[str, Any] = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
    "jit_compile": None,
    "is_legacy_optimizer": None,
}


def check_arguments(cls: str, given: dict[str, Any]) -> None:
    """Refuses unknown arguments, and those of Keras that have no effect here."""
    for name, value in given.items():
        if name not in _AT_DEFAULT_ONLY:
            known = ["learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm"]
            hint = " Did you mean 'learning_rate'?" if name == "lr" else did_you_mean(name, known)
            raise ValueError(f"Argument(s) not recognized by {cls}: {{{name!r}: {value!r}}}.{hint}")
        if value is not None and value != _AT_DEFAULT_ONLY[name]:
            raise ValueError(f"{cls} does not support {name}={value!r} yet; leave it out.")


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
