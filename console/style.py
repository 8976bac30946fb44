"""How things are printed: one console for the whole command line.

Owns: colours by speaker. Must not know: what is printed.
"""

from __future__ import annotations

import sys

from rich.console import Console

CALLER, AGENT, BRIDGE, GOOD, BAD, DIM = "cyan", "green", "yellow", "bold green", "bold red", "dim"


def make_console() -> Console:
    """For standard output. Where that is no terminal, lines are as long as their text."""
    # No emoji: `tl:back:…` is a key.
    console = Console(highlight=False, emoji=False)
    if not sys.stdout.isatty():
        console.width = 160
    return console
