"""What a conversation is made of: what `history` and a new session are told of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.memory.conversation import Conversation
from brain.memory.items import (
    KEYS_ROLE,
    RECORDING,
    UNKNOWN_RESULT,
    KnownItem,
    KnownTool,
    item_entries,
    told_as,
    tool_entries,
    tool_items,
)
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    NoticeSaid,
    Overheard,
    ToolEntry,
    ToolState,
)

WHOLE = ItemEntry(item_id="i", role="assistant", text="Hello.", final=True)


@pytest.mark.parametrize(
    ("item", "entries"),
    [
        (KnownItem("i", "assistant", "Hello.", final=True), [WHOLE]),
        (
            KnownItem("i", "assistant", "Hello.", final=True, total_ms=900, heard_ms=400, heard_of_ms=900),
            [
                WHOLE,
                ItemLength(item_id="i", ms=900),
                ItemHeard(item_id="i", ms=400, of_ms=900, complete=True),
            ],
        ),
        (
            KnownItem("i", "assistant", "Hello.", final=True, heard_ms=400, heard_of_ms=900),
            [WHOLE, ItemHeard(item_id="i", ms=400, of_ms=900, complete=False)],
        ),
        (KnownItem("k", KEYS_ROLE, "12#", final=True), [KeysPressed(item_id="k", text="12#")]),
        (
            KnownItem("i", "assistant", "Hello.", final=True, agent="sales"),
            [replace(WHOLE, agent="sales")],
        ),
        (
            KnownItem("u", "user", "Mm-hm.", final=True, is_aside=True),
            [ItemEntry(item_id="u", role="user", text="Mm-hm.", final=True), Overheard(item_id="u")],
        ),
        (
            KnownItem("i", "assistant", "Hello.", final=True, total_ms=900, is_notice=True),
            [NoticeSaid(item_id="i"), WHOLE, ItemLength(item_id="i", ms=900)],
        ),
    ],
    ids=["text", "heard", "interrupted", "keys", "agent", "overheard", "notice"],
)
def test_an_item_is_told_again_as_it_is_known(item: KnownItem, entries: list[HistoryEntry]) -> None:
    """What its entries make is the same item."""
    assert list(item_entries(item)) == entries
    assert list(Conversation.of(entries).entries()) == entries


@pytest.mark.parametrize("output", [None, "", "found"])
def test_a_tool_is_told_with_its_result_if_it_has_one(output: str | None) -> None:
    """An empty result is one."""
    tool = KnownTool("c", "look_up", "{}", output, "sales")
    told = [entry for entry in tool_entries(tool) if isinstance(entry, ToolEntry)]
    states = [entry.state for entry in told]
    assert {entry.agent for entry in told} == {"sales"}
    assert states == [ToolState.STARTED, ToolState.RESULT][: 1 if output is None else 2]

    call, result = tool_items(tool, frozenset())
    assert (call.kind, call.name, result.kind) == ("tool_call", "look_up", "tool_output")
    assert result.text == (UNKNOWN_RESULT if output is None else output)


def test_a_tool_that_still_runs_is_told_later() -> None:
    """With its call: a session that knew of it would be told twice."""
    assert tool_items(KnownTool("c", "look_up"), frozenset({"c"})) == ()


def test_a_text_that_was_never_said_counts_for_nothing() -> None:
    """An item of the caller does without a text: they have said something."""
    assert not KnownItem("i", "assistant").counts
    assert KnownItem("i", "assistant", total_ms=20).counts
    assert KnownItem("u", "user").counts


def test_a_recording_is_told_as_nobodys_words() -> None:
    """The model did not choose them, and is not to speak like them."""
    said = told_as(KnownItem("a", "assistant", "Hello."), "Hello.")
    played = told_as(KnownItem("n", "assistant", "Recorded.", is_notice=True), "Recorded.")

    assert (said.role, said.text) == ("assistant", "Hello.")
    assert (played.role, played.text, played.item_id) == ("system", f"{RECORDING}Recorded.", "n")
