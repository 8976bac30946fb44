"""Promises as sentences about what went wrong: which are true of a run, and the last words about it.

Why it exists: every command ends alike: a line for each broken promise, how many there were, an exit code.
Owns: the form of a promise, and that end. Must not know: what is promised.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

Broken = dict[str, bool]
"""A sentence about what went wrong, and whether it is true of a run. No such sentence may be true."""


def true_of(sentences: Broken) -> list[str]:
    """The sentences that are true: the promises that the run broke."""
    return [sentence for sentence, is_broken in sentences.items() if is_broken]


def conclude(console: Console, broken: Sequence[str]) -> int:
    """Prints what was broken. Returns the command's exit code."""
    for line in broken:
        console.print(f"[red]broken:[/red] {line}")
    console.print("all promises kept" if not broken else f"{len(broken)} promises broken")
    return 1 if broken else 0
