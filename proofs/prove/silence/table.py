"""The table of all rows, on the screen and in docs/reliability.md.

Why it exists: what was shown must read the same wherever it stands. Owns: its columns and words, and the part
of the page between its markers. Must not know: how a row was judged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from proofs.prove.silence.limits import Result

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
BEGIN, END = "<!-- silence:begin -->", "<!-- silence:end -->"

HEAD = ("kind", "what is wrong", "when", "lasts", "longest silence", "longest wait", "also heard", "kept")


def row_of(result: Result) -> tuple[str, ...]:
    """One line of the table."""
    row = result.row
    return (
        row.name,
        row.text,
        str(row.at),
        row.lasting,
        result.silence_text,
        result.wait_text,
        result.heard_text,
        "yes" if not result.broken else "no: " + "; ".join(result.broken),
    )


def shown(results: Sequence[Result]) -> Table:
    """For the screen."""
    table = Table(*HEAD, title="silence")
    for result in results:
        table.add_row(*row_of(result), style="red" if result.broken else "")
    return table


def filled(page: str, results: Sequence[Result]) -> str:
    """The page with its table made again. Raises ValueError for a page without the markers."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"expected the markers {BEGIN} and {END} in {PAGE.name}, got a page without them")
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    lines += ["| " + " | ".join(_cell(text) for text in row_of(result)) + " |" for result in results]
    kept = sum(not result.broken for result in results)
    lines += ["", f"{kept} of {len(results)} kept."]
    pattern = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)
    table = "\n".join(lines)
    return pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", page)


def write(results: Sequence[Result]) -> None:
    """Puts the table into the page. Raises ValueError, OSError."""
    PAGE.write_text(filled(PAGE.read_text("utf-8"), results), "utf-8")


# Private.


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
