"""`history`: what is written is what the next brain reads."""

from __future__ import annotations

import pytest

from shared.contract.entry import to_dict
from shared.contract.errors import EntryError
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    NoticeSaid,
    Overheard,
    QuietUntil,
    ToolEntry,
    ToolState,
    history_fields,
    read_history,
)

ENTRIES: list[HistoryEntry] = [
    ItemEntry(item_id="i", role="user", text="שלום", final=True),
    ItemEntry(item_id="a", role="assistant", text="Hello.", final=True, agent="sales"),
    ItemLength(item_id="i", ms=900),
    ItemHeard(item_id="i", ms=400, of_ms=900, complete=False),
    KeysPressed(item_id="k", text="12#"),
    ToolEntry(call_id="c", name="order", state=ToolState.STARTED, value='{"n": 1}'),
    ToolEntry(call_id="c", name="order", state=ToolState.RESULT, value="{}", agent="sales"),
    QuietUntil(at_ms=1_800_000_000_000),
    Overheard(item_id="u"),
    NoticeSaid(item_id="notice-free-1"),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.KIND)
def test_an_entry_survives_the_way(entry: HistoryEntry) -> None:
    """Write, read, same."""
    assert read_history(to_dict(history_fields(entry))) == entry


def test_a_kind_of_a_newer_version_is_passed_over() -> None:
    """The rest of the conversation is read all the same."""
    assert read_history({b"v": b"1", b"kind": b"mood", b"id": b"i"}) is None


def test_an_entry_of_an_older_version_is_nobodys() -> None:
    """It does not say which agent it was."""
    said = {b"v": b"1", b"kind": b"item", b"id": b"i", b"role": b"assistant", b"text": b"x", b"final": b"1"}
    found = read_history(said)

    assert isinstance(found, ItemEntry)
    assert found.agent is None


def test_a_missing_field_is_named() -> None:
    """A text that is not there is not an empty text."""
    with pytest.raises(EntryError, match="in text of history"):
        read_history({b"v": b"1", b"kind": b"item", b"id": b"i", b"role": b"user", b"final": b"1"})


def test_who_spoke() -> None:
    """Asked of the entry, not of its words."""
    mine, theirs = (ItemEntry(item_id="i", role=role, text="", final=True) for role in ("user", "assistant"))
    assert (mine.is_callers, theirs.is_callers) == (True, False)


def test_a_tool_has_come_to_a_place_that_is_known() -> None:
    """Whatever else stands there is no result."""
    with pytest.raises(EntryError, match="in state of history"):
        read_history(
            {b"v": b"1", b"kind": b"tool", b"call_id": b"c", b"name": b"n", b"state": b"?", b"value": b""}
        )
