"""docs/security.md has every item, each with its test. That they exist is asked of all pages elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ITEMS = 18


def rows(page: str) -> list[tuple[int, list[str]]]:
    """Number and cells of each row of the list."""
    found = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0].isdigit():
            found.append((int(cells[0]), cells[1:]))
    return found


def without_proof(page: str) -> list[int]:
    """Items that name no test and no command."""
    return [number for number, cells in rows(page) if "`tests/" not in cells[-1]]


def test_every_item_has_a_row_and_every_row_a_test() -> None:
    """1 to 18, in order; some in two rows."""
    numbers = [number for number, _ in rows(PAGE)]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, ITEMS + 1))
    assert {len(cells) for _, cells in rows(PAGE)} == {4}
    assert without_proof(PAGE) == []


def test_where_it_is_done_is_there() -> None:
    """Each file or folder that is named."""
    named = {path for _, cells in rows(PAGE) for path in re.findall(r"`([\w./-]+)`", cells[2])}
    assert len(named) > ITEMS
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_a_row_without_a_test_is_found() -> None:
    """The check above can fail."""
    assert without_proof("| 1 | a | b | `c` | none |\n| 2 | a | b | `c` | `tests/x.py` |") == [1]
