"""Settings of the whole process, under Keras' names."""

from nnseq.engine.dtypes import epsilon, floatx, set_epsilon, set_floatx
from nnseq.engine.settings import settings

__all__ = [
    "backend",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]


def backend() -> str:
    """The name of what computes, always "nnseq".

    >>> backend()
    'nnseq'
    """
    return "nnseq"


def image_data_format() -> str:
    """The order of axes that layers take when they are given none: "channels_last" unless set."""
    return settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Sets what `image_data_format()` returns; layers made from now on take it.

    Raises:
        ValueError: unless it is "channels_last" or "channels_first".
    """
    name = str(data_format).lower()
    if name not in ("channels_last", "channels_first"):
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    settings.image_data_format = name


def enable_interactive_logging() -> None:
    """Shows progress and messages on standard output, as is done unless this was turned off."""
    settings.interactive_logging = True


def disable_interactive_logging() -> None:
    """Sends progress and messages to the logger "nnseq" (level INFO) instead of standard output."""
    settings.interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress and messages go to standard output."""
    return settings.interactive_logging


def max_epochs() -> int | None:
    """The most epochs of any `fit`, None without a limit."""
    return settings.max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Limits every `fit` to so many epochs, to try a program quickly; None takes the limit away."""
    settings.max_epochs = _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most steps of an epoch of fit, evaluate and predict, None without a limit."""
    return settings.max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits epochs of fit, evaluate and predict to so many steps; None takes the limit away."""
    settings.max_steps_per_epoch = _limit("max_steps_per_epoch", max_steps_per_epoch)


def _limit(name: str, value: int | None) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError(f"`{name}` must be a positive integer or None. Received: {value!r}")
