"""The words of one turn."""

from __future__ import annotations

from collections.abc import Sequence

from brain.webhooks.exchange import body
from shared.contract.streams.history import HistoryEntry, ItemEntry, ItemHeard, KeysPressed, Overheard

TURN: dict[str, object] = {
    "number": 2, "interrupted": False, "tools": [], "caller_items": ["u2"], "answer_items": ["a2"],
    "began_at_ms": 1_767_607_200_000, "stopped_at_ms": 1_767_607_201_000, "answered_at_ms": 1_767_607_201_640,
    "ended_at_ms": 1_767_607_204_000,
}  # fmt: skip


def user(item_id: str, text: str) -> ItemEntry:
    return ItemEntry(item_id=item_id, role="user", text=text, final=True)


def agent(item_id: str, text: str) -> ItemEntry:
    return ItemEntry(item_id=item_id, role="assistant", text=text, final=True)


CALL: Sequence[HistoryEntry] = [
    agent("g", "Good morning."),
    user("u1", "Hello."),
    agent("a1", "One moment."),
    user("u2", "A Kestrel?"),
    agent("a2", "Let me see."),
    agent("a3", "We have three."),
    KeysPressed(item_id="k", text="[1 2]"),
    agent("a4", "Thank you."),
]


def words(turn: dict[str, object], entries: Sequence[HistoryEntry] | None = CALL) -> tuple[object, ...]:
    told = body(turn, entries, None)
    return told["said"], told["answer"], told["whole"]


def test_what_was_said_and_the_whole_answer() -> None:
    """Of all its items up to the caller's next one, also those of which no line of the journal told."""
    assert words(TURN) == ("A Kestrel?", "Let me see. We have three.", True)


def test_times_are_told_as_moments_and_as_what_the_caller_waited() -> None:
    """And nothing of ours."""
    told = body(TURN, CALL, None)
    assert (told["began_at"], told["ended_at"]) == (
        "2026-01-05T10:00:00.000+00:00", "2026-01-05T10:00:04.000+00:00",
    )  # fmt: skip
    assert told["answered_after_ms"] == 640
    assert set(told) == {
        "number", "interrupted", "tools", "began_at", "ended_at", "answered_after_ms", "said", "answer",
        "whole",
    }  # fmt: skip


def test_a_greeting_has_no_words_of_the_callers() -> None:
    """It is found by its own item."""
    turn = {**TURN, "caller_items": [], "answer_items": ["g"], "stopped_at_ms": None}
    assert words(turn) == (None, "Good morning.", True)
    assert body(turn, CALL, None)["answered_after_ms"] is None


def test_keys_are_not_told() -> None:
    """Only what was answered to them."""
    assert words({**TURN, "caller_items": ["k"], "answer_items": ["a4"]}) == (None, "Thank you.", True)


def test_of_an_answer_that_was_cut_only_what_was_heard_is_told() -> None:
    """As in the transcript of the whole call."""
    cut = ItemHeard(item_id="a3", ms=500, of_ms=1000, complete=True)
    said, answer, whole = words(TURN, [*CALL, cut])
    assert said == "A Kestrel?"
    assert str(answer).startswith("Let me see. We")
    assert "three" not in str(answer)
    assert whole is False


def test_an_aside_ends_no_turn() -> None:
    """The answer goes on behind it."""
    entries = [*CALL[:5], user("cough", ""), Overheard(item_id="cough"), *CALL[5:]]
    assert words(TURN, entries) == ("A Kestrel?", "Let me see. We have three.", True)


def test_several_items_of_the_caller_are_told_together() -> None:
    """As they stand."""
    entries = [user("u2", "A Kestrel?"), user("u3", "In blue."), agent("a2", "Three.")]
    assert words({**TURN, "caller_items": ["u2", "u3"]}, entries) == ("A Kestrel? In blue.", "Three.", True)


def test_without_entries_no_words_are_told() -> None:
    """They are not to leave, or nobody knows them any more."""
    assert words(TURN, None) == (None, None, None)
    assert words(TURN, []) == (None, None, None)


def test_words_that_nobody_transcribed_are_null() -> None:
    """Not an empty text that could be taken for silence."""
    assert words(TURN, [user("u2", ""), agent("a2", "Yes.")]) == (None, "Yes.", True)


def test_what_a_hand_wrote_stops_nobody() -> None:
    """The stream is open."""
    told = body({"caller_items": 5, "began_at_ms": "x", "answered_at_ms": None}, CALL, None)
    assert (told["said"], told["began_at"], told["answered_after_ms"]) == (None, None, None)


def test_an_answer_that_began_before_the_caller_had_ended_took_no_time_that_can_be_told() -> None:
    """A negative figure says nothing."""
    turn = {**TURN, "answered_at_ms": 1_767_607_200_500}
    assert body(turn, CALL, None)["answered_after_ms"] is None
