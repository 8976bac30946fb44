"""The table of all rows, on the screen and in docs/reliability.md.

Why it exists: what was shown must read the same wherever it stands. Owns: its columns and words, and the part
of the page between its markers. Must not know: how a row was judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from proofs.prove import page_table
from proofs.prove.silence.limits import Result

PAGE = page_table.PAGE
PART = "silence"

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
    kept = sum(not result.broken for result in results)
    rows = [row_of(result) for result in results]
    return page_table.filled(page, PART, HEAD, rows, f"{kept} of {len(results)} kept.")


def write(results: Sequence[Result]) -> None:
    """Puts the table into the page. Raises ValueError, OSError."""
    PAGE.write_text(filled(PAGE.read_text("utf-8"), results), "utf-8")
