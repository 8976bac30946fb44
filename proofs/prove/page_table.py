"""A table of results in docs/reliability.md, between its markers.

Why it exists: what was shown must read the same wherever it stands, and is put there by the command that
showed it. Owns: the markers, the form of a table. Must not know: what the columns mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "reliability.md"


def filled(page: str, part: str, head: Sequence[str], rows: Sequence[Sequence[str]], foot: str) -> str:
    """The page with the table of one part made again. Raises ValueError for a page without its markers."""
    begin, end = f"<!-- {part}:begin -->", f"<!-- {part}:end -->"
    if begin not in page or end not in page:
        raise ValueError(f"expected the markers {begin} and {end} in {PAGE.name}, got a page without them")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    table = "\n".join([*lines, "", foot])
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{table}\n{end}", page)


# Private.


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
