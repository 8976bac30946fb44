"""Cells, bars and columns of a full-screen view: pieces of text with an exact width. Pure.

Why it exists: a line that wraps moves all below it, so every line of `trunkline top` is built to measure, in
terminal cells, whatever letters are in it. Owns: fitting, bars, how figures are
written. Must not know: calls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from shared.logs.text import isolated

EIGHTHS = " ▏▎▍▌▋▊▉█"
GAP = " "
NONE = "–"

CONTROLS = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories: controls (Escape, line break, tab), line and paragraph separators."""

TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides, isolates (Unicode Standard Annex 9)."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its title, its width in cells, and its cell for a row."""

    title: str
    width: int
    cell: Callable[[Row], Text]
    right: bool = False


def fit(text: str, width: int, *, right: bool = False, keep_end: bool = False) -> str:
    """Exactly `width` cells: cut with an ellipsis or filled with blanks. Right-to-left text is isolated."""
    text = tame(text)
    if cell_len(text) > width:
        if keep_end:
            while cell_len(text) > width - 1:
                text = text[1:]
            text = "…" + text
        else:
            text = set_cell_size(text, width - 1) + "…" if width > 1 else "…"[:width]
    blanks = " " * (width - cell_len(text))
    return blanks + isolated(text) if right else isolated(text) + blanks


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """A text in lines of exactly `width` cells, at least one: broken at blanks where that is possible, those
    after the first one indented."""
    lines: list[str] = []
    left = tame(text)
    while True:
        room = width - (indent if lines else 0)
        part = left if cell_len(left) <= room else _broken(left, room)
        lines.append(" " * (width - room) + fit(part, room))
        left = left[len(part) :].lstrip()
        if not left:
            return lines


def tame(text: str) -> str:
    """Text of others without what would act on the terminal: controls become blanks, and marks that turn
    the direction of all that follows are left out."""
    return "".join(
        " " if unicodedata.category(each) in CONTROLS else each for each in text if each not in TURNS
    )


def cell(text: str, width: int, style: str = "", *, right: bool = False, keep_end: bool = False) -> Text:
    """A fitted piece with a style."""
    return Text(fit(text, width, right=right, keep_end=keep_end), style=style)


def bar(value: float, full: float, width: int, style: str = "") -> Text:
    """`value` of `full` as a bar of `width` cells, in eighths; anything above zero shows."""
    share = max(0.0, min(1.0, value / full)) if full > 0 else 0.0
    eighths = round(share * width * 8)
    if value > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    drawn = EIGHTHS[8] * whole + (EIGHTHS[rest] if rest else "")
    return Text(drawn + " " * (width - len(drawn)), style=style)


def titles(columns: Sequence[Column[Row]], style: str) -> Text:
    """The line of titles."""
    return Text(GAP).join(cell(each.title, each.width, style, right=each.right) for each in columns)


def line(columns: Sequence[Column[Row]], row: Row, style: str = "") -> Text:
    """A row's line; `style` lies under those of its cells."""
    made = Text(GAP).join(each.cell(row) for each in columns)
    return Text.assemble(made, style=style) if style else made


def duration(ms: float) -> str:
    """An age: 7s, 2:05, 1:02:03."""
    seconds = int(max(0.0, ms) // 1000)
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def millis(ms: float) -> str:
    """A short time: 0ms, 340ms, 12.3s."""
    return f"{ms:.0f}ms" if ms < 1000 else f"{ms / 1000:.1f}s"


def tokens(put_in: int, cached: int = 0) -> str:
    """A count of tokens, with the part of them that was cached: 1,500 (1,200 cached)."""
    return f"{put_in:,} ({cached:,} cached)" if cached else f"{put_in:,}"


# Private.


def _broken(text: str, width: int) -> str:
    """As much of a text as fits, at least one character: up to a blank, unless that would leave it half
    empty."""
    most = 1
    while most < len(text) and cell_len(text[: most + 1]) <= width:
        most += 1
    at = text.rfind(" ", 0, most + 1)
    return text[:at] if at > most // 2 else text[:most]
