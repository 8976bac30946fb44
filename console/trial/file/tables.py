"""A table of a TOML file that is asked for what it may say, and notes what it says wrongly. Pure.

Why it exists: every key of a scenario is asked for in the same few ways, and each of its problems wants the
same words and a place in the file. Owns: these ways, the words. Must not know: which keys there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from console.trial.file.places import Path, line_of

MAX_SHOWN_CHARS: Final = 60


@dataclass(slots=True)
class Table:
    """A table. What is asked of it is known; what is left at `close` is a problem."""

    values: Mapping[str, object]
    path: Path
    problems: list[tuple[Path, str]]
    """Where, and in which words: of all tables of the file."""
    text: str
    """The whole file."""
    known: set[str] = field(default_factory=set)

    def line_at(self, key: str) -> int:
        """Where a key of it stands."""
        return line_of(self.text, (*self.path, key))

    def inside(self, values: Mapping[str, object], *way: str | int) -> Table:
        """A table that stands in it, by the way to it."""
        return Table(values, (*self.path, *way), self.problems, self.text)

    # What it says.

    def has(self, key: str) -> bool:
        """Whether the file says it; from then on it is known."""
        self.known.add(key)
        return key in self.values

    def words(self, key: str) -> str:
        """A text with something in it; empty if it is not there, or is wrong."""
        if not self.has(key):
            return ""
        value = self.values[key]
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(key, "a text")
        return ""

    def list_of_words(self, key: str) -> tuple[str, ...]:
        """A text, or a list of them."""
        if not self.has(key):
            return ()
        value = self.values[key]
        found = value if isinstance(value, list) else [value]
        if found and all(isinstance(each, str) and each.strip() for each in found):
            return tuple(str(each) for each in found)
        self.wrong(key, "a text, or a list of texts")
        return ()

    def number(self, key: str, default: float, most: float) -> float:
        """A number above 0."""
        if not self.has(key):
            return default
        value = self.values[key]
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most:
            return float(value)
        self.wrong(key, f"a number above 0, up to {most:g}")
        return default

    def flag(self, key: str) -> bool:
        """True or false."""
        if not self.has(key):
            return False
        value = self.values[key]
        if isinstance(value, bool):
            return value
        self.wrong(key, "true or false")
        return False

    def inner(self, key: str) -> Table | None:
        """A table in it; None if it is not there, or is something else."""
        if not self.has(key):
            return None
        value = self.values[key]
        if isinstance(value, dict):
            return self.inside(value, key)
        self.wrong(key, "a table")
        return None

    # What is wrong with it.

    def wrong(self, key: str, expected: str) -> None:
        """Notes that a value is not what it must be."""
        words = f"{key}: expected {expected}, got {_shown(self.values[key])}."
        self.problems.append(((*self.path, key), words))

    def misplaced(self, key: str, words: str) -> None:
        """Notes what is wrong about a key that may be missing."""
        path = (*self.path, key) if key in self.values else self.path
        self.problems.append((path, f"{key}: {words}"))

    def close(self) -> None:
        """Notes which keys nobody knows."""
        for key in self.values:
            if key in self.known:
                continue
            near = difflib.get_close_matches(key, sorted(self.known), 1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(sorted(self.known))}."
            self.problems.append(((*self.path, key), f"{key}: there is no such key. {hint}"))


# Private.


def _shown(value: object) -> str:
    """A value as it may stand in a message."""
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN_CHARS else f"{shown[:MAX_SHOWN_CHARS]}…"
