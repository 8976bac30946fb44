"""How things are printed: one console for the whole command line, and text that reads right in any direction.

Owns: colours by speaker, isolation of right-to-left text. Must not know: what is printed.
"""

from __future__ import annotations

import sys
import unicodedata

from rich.console import Console

FIRST_STRONG_ISOLATE = "\u2068"
POP_DIRECTIONAL_ISOLATE = "\u2069"

RIGHT_TO_LEFT = frozenset({"R", "AL"})
"""Bidirectional classes of Hebrew and Arabic letters (Unicode Standard Annex 9)."""

CALLER, AGENT, BRIDGE, GOOD, BAD, DIM = "cyan", "green", "yellow", "bold green", "bold red", "dim"


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction == "L" or direction in RIGHT_TO_LEFT:
            return direction in RIGHT_TO_LEFT
    return False


def isolated(text: str) -> str:
    """The text between FSI and PDI: it keeps its own direction and leaves that of the line alone.

    Text without right-to-left letters comes back as it is, since some terminals print the marks.
    """
    if not any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text):
        return text
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_DIRECTIONAL_ISOLATE}"


def make_console() -> Console:
    """For standard output. Where that is no terminal, lines are as long as their text."""
    # No emoji: `tl:back:…` is a key.
    console = Console(highlight=False, emoji=False)
    if not sys.stdout.isatty():
        console.width = 160
    return console
