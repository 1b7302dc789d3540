"""The progress line of fit, evaluate and predict."""

import math
import sys
import time
from collections.abc import Mapping
from typing import Any

_WIDTH = 20
_GREEN, _WHITE, _BOLD, _END = "\x1b[32m", "\x1b[37m", "\x1b[1m", "\x1b[0m"


def is_dynamic() -> bool:
    """Whether lines can be overwritten: on a terminal and in a notebook."""
    return "ipykernel" in sys.modules or bool(getattr(sys.stdout, "isatty", lambda: False)())


class Progbar:
    """One line: step, bar, time and values. On a terminal it moves; elsewhere one line is printed
    at the end, so that logs stay readable.

    target: the number of steps, None if unknown. verbose: 0 silent, 1 bar, 2 one plain line.

    >>> bar = Progbar(3, verbose=2)
    >>> bar.update(3, {"loss": 0.5}, finalize=True)
    3/3 - 0s - ...s/step - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        verbose: int = 1,
        interval: float = 0.1,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._dynamic = is_dynamic()
        self._start = time.perf_counter()
        self._last_shown = -math.inf
        self._first: tuple[int, float] | None = None
        self._width_shown = 0

    def update(
        self,
        current: int,
        values: Mapping[str, float] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Shows that `current` steps are done; `finalize` ends the line."""
        now = time.perf_counter()
        step_seconds = self._step_seconds(current, now)
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if self.verbose == 0 or not (finalize or (self.verbose == 1 and self._dynamic)):
            return
        if not finalize and now - self._last_shown < self.interval:
            return
        self._last_shown = now
        elapsed = now - self._start
        if self.verbose == 2:
            count = f"{current}/{self.target or current}"
            rate = f"{format_duration(step_seconds)}/{self.unit_name}"
            sys.stdout.write(f"{count} - {elapsed:.0f}s - {rate}{_format_values(values)}\n")
        else:
            self._draw(current, values, finalize, elapsed, step_seconds)
        sys.stdout.flush()

    def _step_seconds(self, current: int, now: float) -> float:
        """Seconds per step; the first ones, which include tracing, count only if nothing else."""
        if current <= 0:
            return 0.0
        if self._first is None:
            self._first = (current, now)
        steps, seen = self._first
        if current > steps:
            return (now - seen) / (current - steps)
        return (now - self._start) / current

    def _draw(
        self,
        current: int,
        values: Mapping[str, float] | None,
        finalize: bool,
        elapsed: float,
        step_seconds: float,
    ) -> None:
        if self.target:
            count = f"{current:>{len(str(self.target))}d}/{self.target}"
            done = min(_WIDTH, int(_WIDTH * current / self.target))
        else:
            count, done = (
                (f"{current}/{current}", _WIDTH) if finalize else (f"{current}/Unknown", 0)
            )
        left = 0.0 if finalize or not self.target else step_seconds * (self.target - current)
        clock = format_eta(left) if left > 0 else f"{elapsed:.0f}s"
        tail = f" {format_duration(step_seconds)}/{self.unit_name}{_format_values(values)}"
        bar, rest = "━" * done, "━" * (_WIDTH - done)
        width = len(f"{count} {bar}{rest} {clock}{tail}")
        if self._dynamic:
            line = f"\r{_BOLD}{count}{_END} {_GREEN}{bar}{_END}{_WHITE}{rest}{_END} "
            line += f"{_BOLD}{clock}{_END}{tail}" + " " * max(0, self._width_shown - width)
        else:
            line = f"{count} {bar}{rest} {clock}{tail}"
        self._width_shown = width
        sys.stdout.write(line + ("\n" if finalize else ""))


def format_duration(seconds: float) -> str:
    """2s, 14ms or 90us, as in `14ms/step`.

    >>> format_duration(0.0144)
    '14ms'
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def format_eta(seconds: float) -> str:
    """The time left: 5s, 1:05 or 1:00:05.

    >>> format_eta(65)
    '1:05'
    """
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole >= 60 else f"{whole}s"


def _format_values(values: Mapping[str, Any] | None) -> str:
    def text(value: Any) -> str:
        number = float(value)
        return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"

    return "".join(f" - {name}: {text(value)}" for name, value in (values or {}).items())
