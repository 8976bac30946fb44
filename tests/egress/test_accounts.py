"""The names of marks: written, and read when they come back."""

from __future__ import annotations

from egress.accounts import mark_name, read_mark


def test_an_item_may_have_dots_in_its_id() -> None:
    """The model names items; its mark comes back and is read."""
    name = mark_name(1, 0, "item.with.dots", 500)

    assert read_mark(name) == (1, 0, "item.with.dots", 500)
