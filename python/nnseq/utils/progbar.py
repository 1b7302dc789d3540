"""The progress line of fit, evaluate and predict."""

import math
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nnseq.engine.settings import settings
from nnseq.utils.messages import write

_GREEN, _WHITE, _BOLD, _PLAIN = "\x1b[32m", "\x1b[37m", "\x1b[1m", ""
_END = "\x1b[0m"
Segments = list[tuple[str, str]]  # (style, text) of the pieces of a line


def _in_notebook() -> bool:
    return type(sys.stdout).__module__.startswith("ipykernel")


def is_dynamic() -> bool:
    """Whether lines can be overwritten: on a terminal, in a notebook, in PyCharm's console."""
    if not settings.interactive_logging:
        return False
    is_terminal = bool(getattr(sys.stdout, "isatty", lambda: False)())
    return is_terminal or _in_notebook() or "PYCHARM_HOSTED" in os.environ


class Progbar:
    """One line: step, bar, time and values. On a terminal and in a notebook it moves; elsewhere
    it is printed once, at the end, so that log files stay readable.

    Args:
        target: the number of steps, None if unknown.
        width: of the bar, in characters.
        verbose: 0 silent, 1 a bar, 2 one plain line at the end.
        interval: seconds between two drawings of a line that moves.
        stateful_metrics: names of values shown as they are; others are averaged over steps.
        stateless_metrics: names of values that are averaged; others are shown as they are. At
            most one of the two is given.
        unit_name: what is counted.

    >>> bar = Progbar(3, verbose=2)
    >>> bar.update(3, [("loss", 0.5)])
    3/3 - 0s - ...s/step - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.1,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Only one of `stateful_metrics` and `stateless_metrics` can be given.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._stateful = None if stateful_metrics is None else set(stateful_metrics)
        self._stateless = None if stateless_metrics is None else set(stateless_metrics)
        self._dynamic = is_dynamic()
        self._values: dict[str, tuple[float, int]] = {}  # sum, number of steps
        self._seen = 0
        self._start = time.perf_counter()
        self._last_shown = -math.inf
        self._first: tuple[int, float] | None = None  # the first steps, when they were done
        self._width_shown = 0

    def update(
        self,
        current: int,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Shows that `current` steps are done.

        values: (name, value of the last step) pairs. finalize: ends the line; by default when
        `target` is reached.
        """
        now = time.perf_counter()
        step_seconds = self._step_seconds(current, now)
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._take(dict(values or {}), current, finalize)
        self._seen = current
        if self.verbose not in (1, 2):
            return
        moves = self.verbose == 1 and self._dynamic and now - self._last_shown >= self.interval
        if not (finalize or moves):
            return
        self._last_shown = now
        elapsed = now - self._start
        if self.verbose == 2:
            rate = f"{format_duration(step_seconds)}/{self.unit_name}"
            write(f"{self._count(current)} - {elapsed:.0f}s - {rate}{self._texts()}\n")
        else:
            self._draw(self._segments(current, finalize, elapsed, step_seconds), finalize)

    def add(self, n: int, values: Any = None) -> None:
        """Shows that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _take(self, values: dict[str, Any], current: int, finalize: bool) -> None:
        for name, value in values.items():
            averaged = (
                name not in self._stateful
                if self._stateful is not None
                else self._stateless is None or name in self._stateless
            )
            number = float(np.mean(value))
            if finalize or not averaged:
                self._values[name] = (number, 1)
                continue
            steps = max(current - self._seen, 1)
            total, count = self._values.get(name, (0.0, 0))
            self._values[name] = (total + number * steps, count + steps)

    def _texts(self) -> str:
        def text(value: float) -> str:
            return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"

        return "".join(
            f" - {name}: {text(total / count)}" for name, (total, count) in self._values.items()
        )

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

    def _count(self, current: int) -> str:
        target = self.target or current
        return f"{current:>{len(str(target))}d}/{target}"

    def _segments(
        self, current: int, finalize: bool, elapsed: float, step_seconds: float
    ) -> Segments:
        rest = f" {format_duration(step_seconds)}/{self.unit_name}{self._texts()}"
        if not self.target and not finalize:
            return [(_PLAIN, f"{current:7d}/Unknown "), (_BOLD, f"{elapsed:.0f}s"), (_PLAIN, rest)]
        done = min(self.width, self.width * current // (self.target or max(current, 1)))
        clock = f"{elapsed:.0f}s"
        if not finalize and self.target:
            clock = format_eta(step_seconds * max(0, self.target - current))
        return [
            (_BOLD, self._count(current)), (_PLAIN, " "),
            (_GREEN, "━" * done), (_WHITE, "━" * (self.width - done)), (_PLAIN, " "),
            (_BOLD, clock), (_PLAIN, rest),
        ]  # fmt: skip

    def _draw(self, segments: Segments, finalize: bool) -> None:
        """Writes over the line before; one that moves is cut where the terminal ends, since a
        line that wraps cannot be written over."""
        if not self._dynamic:
            write("".join(text for _, text in segments) + "\n")
            return
        if not finalize and not _in_notebook():
            import shutil  # loads much, and is rarely needed

            segments = _cut(segments, shutil.get_terminal_size().columns - 1)
        width = sum(len(text) for _, text in segments)
        styled = (f"{style}{text}{_END}" if style and text else text for style, text in segments)
        blanks = " " * max(0, self._width_shown - width)
        write("\r" + "".join(styled) + blanks + ("\n" if finalize else ""))
        self._width_shown = 0 if finalize else width


def _cut(segments: Segments, width: int) -> Segments:
    kept: Segments = []
    for style, text in segments:
        kept.append((style, text[: max(0, width)]))
        width -= len(text)
    return kept


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
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"
