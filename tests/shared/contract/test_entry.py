"""Ids of entries, and what all entries have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import entry
from shared.contract.errors import EntryError, UnknownVersion

NUMBERS = st.integers(0, 2**50)


@given(NUMBERS, NUMBERS)
def test_an_id_is_taken_apart_and_followed(ms: int, number: int) -> None:
    """As text and as bytes; what follows is the next above."""
    text = f"{ms}-{number}"
    assert entry.order(text) == entry.order(text.encode()) == (ms, number)
    assert entry.written_ms(text) == ms
    assert entry.order(entry.after(text)) == (ms, number + 1)


def test_an_id_without_a_number_is_the_first_of_its_millisecond() -> None:
    """As Redis takes it."""
    assert entry.order("5") == (5, 0)


@pytest.mark.parametrize("text", ["", "-", "x-1", "1-x", b"\xff-1"])
def test_what_is_no_id_raises(text: str | bytes) -> None:
    """ValueError, and nothing else."""
    with pytest.raises(ValueError, match="invalid literal"):
        entry.order(text)


def test_another_version_is_told_from_garbage() -> None:
    """Both are entries that cannot be read."""
    with pytest.raises(UnknownVersion):
        entry.checked("reply", [b"v", b"2"])
    with pytest.raises(EntryError, match="a version that is known here in v of reply, got nothing"):
        entry.checked("reply", [b"k", b"audio"])
