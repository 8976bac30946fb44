"""What may be asked of a shelf; that SqlShelf is one."""

from __future__ import annotations

from pathlib import Path

from console.archive.shelf import PAGE, Search, Shelf
from console.archive.sql import open_shelf


def test_a_search_that_says_nothing_is_for_the_newest() -> None:
    """A page of them."""
    assert Search() == Search(since_ms=0, before=None, number="", tags=(), agent="", limit=PAGE)


def test_a_file_is_a_shelf(tmp_path: Path) -> None:
    """The type checker holds the rest."""
    shelf: Shelf = open_shelf(f"sqlite:///{tmp_path}/calls.sqlite")
    assert shelf.newest_ms() == 0
    assert shelf.find(Search()).calls == []
    shelf.close()
