"""Pictures of what compare.py measured."""

from typing import Any

import engines
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# One colour per engine, the same in every picture; told apart also without colour by their order.
COLOURS = dict(
    zip(
        engines.ENGINES,
        ("#0b6e99", "#e69f00", "#b86e00", "#7a9e3b", "#a05195", "#8c8c8c"),
        strict=True,
    )
)


def draw(figures: dict[str, Any], path: str) -> None:
    """Bars of the step of each model, divided by that of nnseq; below, the sweep."""
    models, swept = figures["models"], figures.get("sweep", {})
    rows = bool(models) + bool(swept)
    if not rows:
        return
    figure = Figure(figsize=(11, 4.2 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, max(1, len(swept)))
    if models:
        _bars(figure.add_subplot(grid[0, :]), models, "step_us")
    for column, (axis, along) in enumerate(swept.items()):
        _lines(figure.add_subplot(grid[rows - 1, column]), axis, along)
    figure.savefig(path, dpi=120)


def _bars(axes: Axes, models: dict[str, Any], what: str) -> None:
    shown = [e for e in engines.ENGINES if any(e in summary for summary in models.values())]
    width = 0.8 / max(1, len(shown))
    for place, engine in enumerate(shown):
        known = [(i, s) for i, s in enumerate(models.values()) if engine in s]
        base = [s.get("nnseq", s[engine])[what] for _, s in known]
        bars = axes.bar(
            [i - 0.4 + width * (place + 0.5) for i, _ in known],
            [s[engine][what] / b for (_, s), b in zip(known, base, strict=True)],
            width,
            label=engine,
            color=COLOURS[engine],
        )
        axes.bar_label(bars, fmt="%.1f", fontsize=6, rotation=90, padding=2)
    axes.set_yscale("log")
    axes.margins(y=0.15)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks(range(len(models)), list(models))
    axes.set_ylabel("time of a training step / that of nnseq")
    axes.set_title("Training step: lower is faster, 1 is nnseq")
    axes.legend(ncols=len(shown), fontsize=8)


def _lines(axes: Axes, axis: str, along: dict[Any, dict[str, float]]) -> None:
    for engine in (e for e in engines.ENGINES if any(e in point for point in along.values())):
        points = [(int(value), point[engine]) for value, point in along.items() if engine in point]
        axes.plot(*zip(*points, strict=True), "o-", label=engine, color=COLOURS[engine])
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel(axis)
    axes.set_ylabel("µs per training step")
    axes.legend(fontsize=8)
