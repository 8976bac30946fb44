"""A call's turns, of the lines of its journal."""

from __future__ import annotations

from brain.webhooks.turns import HOLD_MS, MAX_ITEMS, SETTLE_MS, Turn, TurnLog, written
from shared.contract.streams.journal import Kind


class Call:
    """A call whose journal is written line by line, at moments in ms."""

    def __init__(self) -> None:
        self.turns = TurnLog()

    def said(self, at_ms: int, kind: Kind, **fields: str) -> Call:
        self.turns.note(kind, fields, at_ms)
        return self

    def speaks(self, from_ms: int, to_ms: int, item: str) -> Call:
        """The caller."""
        return self.said(from_ms, Kind.SPEECH_STARTED, item=item).said(to_ms, Kind.SPEECH_STOPPED, item=item)

    def answers(self, from_ms: int, to_ms: int, item: str) -> Call:
        """The agent."""
        self.said(from_ms, Kind.AUDIBLE, item=item, response="r")
        return self.said(to_ms, Kind.SILENT, response="r", cause="played")

    def due(self, at_ms: int) -> list[Turn]:
        return self.turns.take_due(at_ms)


def items(turns: list[Turn]) -> list[tuple[list[str], list[str]]]:
    return [(turn.caller_items, turn.answer_items) for turn in turns]


def test_a_turn_is_what_the_caller_says_and_the_answer_to_it() -> None:
    """Told once, when the answer has been silent for a while."""
    call = Call().speaks(1_000, 2_000, "u").answers(2_600, 5_000, "a")
    assert call.due(5_000 + SETTLE_MS - 1) == []
    (turn,) = call.due(5_000 + SETTLE_MS)
    assert (turn.number, turn.anchor, turn.is_interrupted) == (1, "u", False)
    assert (turn.began_at_ms, turn.stopped_at_ms, turn.answered_at_ms, turn.silent_at_ms) == (
        1_000, 2_000, 2_600, 5_000,
    )  # fmt: skip
    assert call.due(60_000) == []


def test_what_is_said_before_an_answer_is_one_turn() -> None:
    """However often the caller pauses."""
    call = Call().speaks(0, 500, "u1").speaks(900, 1_500, "u2").answers(2_000, 3_000, "a")
    (turn,) = call.due(60_000)
    assert (turn.caller_items, turn.stopped_at_ms) == (["u1", "u2"], 1_500)


def test_a_greeting_is_a_turn_without_the_callers_words() -> None:
    """So is a question to a silent caller."""
    call = Call().answers(100, 3_000, "g")
    assert items(call.due(10_000)) == [([], ["g"])]
    call.answers(20_000, 21_000, "idle")
    (turn,) = call.due(60_000)
    assert (turn.number, turn.anchor) == (2, "idle")


def test_an_answer_goes_on_after_a_tool() -> None:
    """Nothing is over while one runs; how long it ran is known."""
    call = Call().speaks(0, 1_000, "u").answers(1_500, 2_000, "a1")
    call.said(2_100, Kind.TOOL_STARTED, call_id="c", tool="stock")
    assert call.due(9_000) == []
    call.said(9_100, Kind.TOOL_FINISHED, call_id="c", tool="stock", outcome="posted")
    call.answers(9_500, 11_000, "a2")
    (turn,) = call.due(60_000)
    assert turn.answer_items == ["a1", "a2"]
    assert written(turn)["tools"] == [{"tool": "stock", "call_id": "c", "ms": 7_000}]


def test_an_interruption_ends_a_turn_and_begins_the_next() -> None:
    """Where its answer was cut is known a moment later; it is told once nobody can take the voice for
    noise."""
    call = Call().speaks(0, 1_000, "u1").said(1_500, Kind.AUDIBLE, item="a1", response="r")
    call.said(3_000, Kind.SPEECH_STARTED, item="u2").said(3_001, Kind.FLUSH, cause="speech_started")
    call.said(3_060, Kind.SILENT, response="r", cause="flushed").said(4_000, Kind.SPEECH_STOPPED, item="u2")
    assert call.due(3_000 + HOLD_MS - 1) == []
    (first,) = call.due(3_000 + HOLD_MS)
    assert (first.caller_items, first.is_interrupted, first.silent_at_ms) == (["u1"], True, 3_060)
    call.answers(6_500, 8_000, "a2")
    (second,) = call.due(60_000)
    assert (second.number, second.caller_items, second.is_interrupted) == (2, ["u2"], False)


def test_a_voice_that_was_nothing_ends_no_turn() -> None:
    """The reply goes on from the frame where it stopped, and so does the turn."""
    call = Call().speaks(0, 1_000, "u1").said(1_500, Kind.AUDIBLE, item="a1", response="r")
    call.said(3_000, Kind.SPEECH_STARTED, item="cough").said(3_000, Kind.PAUSED)
    call.said(3_200, Kind.SPEECH_STOPPED, item="cough").said(4_000, Kind.PASSED_OVER, item="cough")
    call.said(6_000, Kind.SILENT, response="r", cause="played")
    (turn,) = call.due(60_000)
    assert (turn.number, turn.caller_items) == (1, ["u1"])
    assert (turn.is_interrupted, turn.silent_at_ms) == (False, 6_000)
    call.speaks(70_000, 71_000, "u2").answers(72_000, 73_000, "a2")
    assert [each.number for each in call.due(99_000)] == [2]


def test_a_cough_between_two_words_is_left_out() -> None:
    """The turn is that of the words."""
    call = Call().speaks(0, 1_000, "u").speaks(1_200, 1_300, "cough")
    call.said(1_900, Kind.PASSED_OVER, item="cough").answers(2_500, 4_000, "a")
    assert items(call.due(60_000)) == [(["u"], ["a"])]


def test_keys_are_a_turn() -> None:
    """By the item that the model was told."""
    call = Call().said(1_000, Kind.CALLER_TEXT, event_id="k").answers(1_800, 3_000, "a")
    (turn,) = call.due(60_000)
    assert (turn.caller_items, turn.stopped_at_ms) == (["k"], 1_000)


def test_at_the_end_all_that_is_left_is_told() -> None:
    """An answer that was not over, words that were not answered, one that was held."""
    call = Call().speaks(0, 1_000, "u1").said(1_500, Kind.AUDIBLE, item="a1", response="r")
    call.said(3_000, Kind.SPEECH_STARTED, item="u2")
    assert items(call.turns.take_rest(3_500)) == [(["u1"], ["a1"]), (["u2"], [])]
    assert call.turns.take_rest(3_600) == []
    assert TurnLog().take_rest(0) == []


def test_most_lines_mean_nothing() -> None:
    """The journal has many more."""
    call = Call().said(0, Kind.SESSION_READY).said(1, Kind.SILENT, response="r").said(2, Kind.FLUSH)
    call.said(3, Kind.SPEECH_STOPPED, item="x").said(4, Kind.PASSED_OVER, item="x")
    call.said(5, Kind.TOOL_FINISHED, call_id="c", outcome="posted")
    assert call.turns.take_rest(9) == []


def test_a_turn_without_end_does_not_grow_without_end() -> None:
    """What is beyond any turn is left out."""
    call = Call()
    for number in range(3 * MAX_ITEMS):
        call.speaks(number, number, f"u{number}")
        call.said(number, Kind.TOOL_STARTED, call_id=f"c{number}", tool="t")
    (turn,) = call.turns.take_rest(9_999)
    assert (len(turn.caller_items), len(turn.tools)) == (MAX_ITEMS, MAX_ITEMS)


def test_what_waits_to_be_told_has_items_and_no_words() -> None:
    """They are looked up when it is."""
    call = Call().speaks(1_000, 2_000, "u").answers(2_600, 5_000, "a")
    (turn,) = call.due(60_000)
    assert written(turn) == {
        "number": 1, "interrupted": False, "tools": [], "caller_items": ["u"], "answer_items": ["a"],
        "began_at_ms": 1_000, "stopped_at_ms": 2_000, "answered_at_ms": 2_600, "ended_at_ms": 5_000,
    }  # fmt: skip
