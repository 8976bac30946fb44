"""Which line of a TOML file says what. Pure.

Why it exists: the parser of the standard library says what stands in a file, and not where; a problem that
names its line is mended in seconds. Owns: that search. Must not know: what the file is for.

A statement of TOML (a header, a key with its value) ends with its line, and up to there the file is a whole
one again. So the first line after which a path exists ends the statement that made it, and that statement
begins behind the one before.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache

Path = tuple[str | int, ...]
"""Keys and indices, from the top."""


def line_of(text: str, path: Path) -> int:
    """The line, counted from 1, on which the statement begins that made this path; of a path that is not
    there, that of the longest part of it that is. 1 for a file without any."""
    for length in range(len(path), 0, -1):
        for line, so_far in _statements(text):
            if _has(so_far, path[:length]):
                return line
    return 1


# Private.


@lru_cache(maxsize=4)
def _statements(text: str) -> tuple[tuple[int, Mapping[str, object]], ...]:
    """Where each statement begins, and what the file says up to its end."""
    lines = text.split("\n")
    found: list[tuple[int, Mapping[str, object]]] = []
    begins = 0
    for number, line in enumerate(lines):
        if begins == number and not line.partition("#")[0].strip():
            begins += 1  # Blank lines and comments belong to nothing.
            continue
        try:
            so_far = tomllib.loads("\n".join(lines[: number + 1]) + "\n")
        except tomllib.TOMLDecodeError:
            continue  # In the middle of a statement of several lines.
        found.append((begins + 1, so_far))
        begins = number + 1
    return tuple(found)


def _has(tree: object, path: Path) -> bool:
    for key in path:
        match tree:
            case Mapping() if key in tree:
                tree = tree[key]
            case Sequence() if not isinstance(tree, str) and isinstance(key, int) and key < len(tree):
                tree = tree[key]
            case _:
                return False
    return True
