"""Tables of text drawn with box characters."""

import itertools
import sys
import textwrap
from collections.abc import Callable, Sequence

_ASCII = str.maketrans("━┏┳┓┃┡╇┩─│├┼┤└┴┘", "=+++|+++-|++++++")


def column_widths(positions: Sequence[float], length: int) -> list[int]:
    """The widths of the cells of a table `length` characters wide.

    Args:
        positions: where the columns end, as parts of the length or, if beyond 1, in characters.
        length: with frame, and a blank on both sides of every cell.

    Raises:
        ValueError: if a column has no room for a character.
    """
    if positions[-1] <= 1:
        positions = [int(p * length) for p in positions]
    ends = [0, *(int(p) for p in positions)]
    widths = [end - start for start, end in itertools.pairwise(ends)]
    # The frame and the blanks take 3 characters per column and 1 more, from all columns alike.
    frame = 3 * len(widths) + 1
    for i, left in enumerate(range(len(widths), 0, -1)):
        share = round(frame / left)
        widths[i] -= share
        frame -= share
    if min(widths) < 1:
        raise ValueError(
            f"Insufficient width to print a table: {length} characters, columns end at "
            f"{[int(p) for p in positions]}."
        )
    return widths


def draw(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    align: str,
    emphasize: Callable[[str], str] = str,
) -> str:
    """A table; cells that are too long go on in the next line, none is cut.

    Args:
        align: "<", ">" or "^" for each column.
        emphasize: is applied to the lines of the header's cells.

    >>> print(draw(["name", "n"], [["a long name", "12"]], [6, 2], "<>"))
    ┏━━━━━━━━┳━━━━┓
    ┃ name   ┃  n ┃
    ┡━━━━━━━━╇━━━━┩
    │ a long │ 12 │
    │ name   │    │
    └────────┴────┘
    """

    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * (width + 2) for width in widths) + right

    head = _cells(header, widths, align, "┃", emphasize)
    lines = [rule("┏", "━", "┳", "┓"), *head, rule("┡", "━", "╇", "┩")]
    for index, row in enumerate(rows):
        if index:
            lines.append(rule("├", "─", "┼", "┤"))
        lines += _cells(row, widths, align, "│", str)
    return "\n".join([*lines, rule("└", "─", "┴", "┘")])


def html(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: str,
    totals: Sequence[tuple[str, str]],
) -> str:
    """The same table for a notebook, with a title above and pairs (what, value) below.

    >>> print(html("T", ["n"], [["a<b"]], "<", [("Total", "1")]))
    <div><b>T</b>
    <table>
    <thead><tr><th style="text-align:left">n</th></tr></thead>
    <tbody>
    <tr><td style="text-align:left">a&lt;b</td></tr>
    </tbody>
    </table>
    <div><b>Total:</b> 1</div></div>
    """
    from html import escape  # for notebooks only

    sides = {"<": "left", ">": "right", "^": "center"}

    def row(tag: str, texts: Sequence[str]) -> str:
        cells = (
            f'<{tag} style="text-align:{sides[side]}">{escape(text)}</{tag}>'
            for text, side in zip(texts, align, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"

    lines = [
        f"<div><b>{escape(title)}</b>",
        "<table>",
        f"<thead>{row('th', header)}</thead>",
        "<tbody>",
        *(row("td", texts) for texts in rows),
        "</tbody>",
        "</table>",
        *(f"<div><b>{escape(what)}:</b> {escape(value)}</div>" for what, value in totals),
    ]
    return "\n".join(lines) + "</div>"


def _cells(
    texts: Sequence[str],
    widths: Sequence[int],
    align: str,
    bar: str,
    emphasize: Callable[[str], str],
) -> list[str]:
    """The lines of one row."""
    columns = [
        textwrap.wrap(text, width, break_on_hyphens=False) or [""]
        for text, width in zip(texts, widths, strict=True)
    ]
    lines = []
    for i in range(max(map(len, columns))):
        cells = [
            emphasize(_aligned(column[i] if i < len(column) else "", width, side))
            for column, width, side in zip(columns, widths, align, strict=True)
        ]
        lines.append(f"{bar} " + f" {bar} ".join(cells) + f" {bar}")
    return lines


def _aligned(text: str, width: int, side: str) -> str:
    left = {"<": 0, ">": width - len(text), "^": (width - len(text)) // 2}[side]
    return (" " * left + text).ljust(width)


def write(text: str) -> None:
    """Writes to stdout; where its encoding lacks the box characters, + - | take their place."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    print(text, end="")
