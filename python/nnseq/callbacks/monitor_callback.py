"""The base of callbacks that watch one value of the logs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnseq.callbacks.callback import Callback
from nnseq.engine.registry import did_you_mean


class MonitorCallback(Callback):
    """Watches `logs[monitor]` and decides whether it got better.

    monitor: a name in the logs. mode: "min", "max", or "auto" (losses go down, a metric where it
    says itself). baseline: what the first value is compared with. min_delta: a change of this
    size or less is no improvement. NaN is never better, and nothing is better than NaN.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{name}: `mode` must be 'auto', 'min' or 'max'. Received: {mode!r}")
        if not isinstance(monitor, str):
            raise TypeError(f"{name}: `monitor` must be a name in the logs. Received: {monitor!r}")
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Finds the direction: at the end of the first epoch, when all metrics are known."""
        self.monitor_op = np.greater if self._goes_up() else np.less

    def _goes_up(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return False
        found: dict[str, Any] = getattr(self.model, "_metrics_by_name", dict)()
        direction = getattr(found.get(name), "_direction", None)
        if direction is not None:
            return direction == "up"
        hint = "" if name in found else did_you_mean(name, ["loss", *found])
        raise ValueError(
            f"{type(self).__name__} received monitor={self.monitor!r}, and it is not known whether "
            f"that should go up or down; pass mode='max' or mode='min'.{hint}"
        )

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        """Whether `value` is better than `reference` by more than `min_delta`."""
        if reference is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        assert self.monitor_op is not None
        delta = self.min_delta if self.monitor_op is np.greater else -self.min_delta
        return bool(self.monitor_op(value - delta, reference))
