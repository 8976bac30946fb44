"""The generated parts of a page, and the command that keeps them current.

Why it exists: a page is written by hand but for what stands between two markers. Owns: the markers,
`--check`. Must not know: what a part says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def put(page: str, part: str, text: str) -> str:
    """The page with this between the part's markers. Raises ValueError if it does not have both."""
    begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    head, has_begin, rest = page.partition(begin)
    _, has_end, tail = rest.partition(end)
    if not (has_begin and has_end):
        raise ValueError(f"expected {begin} and {end} in the page, got at most one of them")
    return f"{head}{begin}\n{text}\n{end}{tail}"


def keep(command: str, about: str | None, pages: Mapping[str, Callable[[str], str]]) -> int:
    """The whole command: writes the pages of docs that are not what their functions make of them, or names
    them with `--check`. Returns its exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {command}", description=about)
    parser.add_argument("--check", action="store_true", help="say whether the page is current; write nothing")
    checks = parser.parse_args().check
    is_old = False
    for name, fill in pages.items():
        text = (DOCS / name).read_text("utf-8")
        made = fill(text)
        if made == text:
            continue
        is_old = True
        if checks:
            sys.stderr.write(f"docs/{name} is not current: run python -m {command}\n")
        else:
            (DOCS / name).write_text(made, "utf-8")
    return int(checks and is_old)
