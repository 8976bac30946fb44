"""The live timeline: which lines, in which order, when."""

from __future__ import annotations

from console.demo.timeline import HOLD_MS, Line, Timeline, Who
from console.demo.watch import Seen
from shared.contract.streams.control import Flushed, FlushedItem, Heard
from shared.contract.streams.history import ItemEntry, ToolEntry, ToolState
from shared.contract.streams.journal import Kind
from tests.support.top_samples import journal_entry


def noted(at_ms: float, kind: Kind, writer: str = "", **fields: str) -> Seen:
    """A line of the journal."""
    return Seen(at_ms=at_ms, record=journal_entry(kind, writer, **fields))


def said(at_ms: float, item_id: str, role: str, text: str, *, final: bool = True) -> Seen:
    """An item of the history."""
    return Seen(at_ms=at_ms, record=ItemEntry(item_id=item_id, role=role, text=text, final=final))


def tool(at_ms: float, state: ToolState, value: str) -> Seen:
    return Seen(at_ms=at_ms, record=ToolEntry(call_id="c", name="check_order", state=state, value=value))


def texts(lines: list[Line]) -> list[str]:
    return [line.text or line.said for line in lines]


def test_speech_is_told_once_both_time_and_text_are_known() -> None:
    """In either order; growing texts are passed over."""
    timeline = Timeline()
    timeline.feed(noted(100, Kind.AUDIBLE, item="i1"))
    timeline.feed(said(150, "i1", "assistant", "Hel", final=False))
    assert timeline.take_due(1000) == []
    timeline.feed(said(200, "i1", "assistant", "Hello."))
    assert timeline.take_due(1000) == [Line(at_ms=100, who=Who.AGENT, text="", said="Hello.")]
    assert timeline.take_due(2000) == []


def test_a_line_waits_for_the_text_of_an_earlier_one() -> None:
    """So that question and answer stand in order although transcripts come late."""
    timeline = Timeline()
    timeline.feed(noted(1000, Kind.SPEECH_STOPPED, item="u1"))
    timeline.feed(tool(1200, ToolState.STARTED, '{"n":"7"}'))
    assert timeline.take_due(1800) == []
    timeline.feed(said(1900, "u1", "user", "מה?"))
    assert texts(timeline.take_due(2000)) == ["מה?", 'check_order(n="7")']


def test_no_line_waits_for_ever() -> None:
    """A transcript that never comes holds nothing up, and is missed at the end."""
    timeline = Timeline()
    timeline.feed(noted(1000, Kind.SPEECH_STOPPED, item="u1"))
    timeline.feed(noted(1200, Kind.SESSION_READY))
    assert len(timeline.take_due(1000 + HOLD_MS)) == 1
    assert texts(timeline.take_rest()) == ["(no transcript)"]


def test_an_interruption_in_full() -> None:
    """Flush, what was heard, what the model is told."""
    timeline = Timeline()
    item = FlushedItem(item_id="i", response_id="r", received_ms=10065, sent_ms=2700, heard_ms=2560)
    timeline.feed(noted(1, Kind.FLUSH, cut="1"))
    timeline.feed(Seen(at_ms=2, record=Flushed.of(1, [item])))
    timeline.feed(noted(3, Kind.TRUNCATE, audio_end_ms="2560"))
    timeline.feed(noted(4, Kind.TRUNCATE, audio_end_ms="0"))
    assert texts(timeline.take_rest()) == [
        "the caller interrupts: reply flushed, model cancelled",
        "of 10.1 s the caller heard 2.6 s",
        "the model is told: cut after 2.6 s",
        "the model is told: nothing was heard",
    ]


def test_workers_are_named_without_host_and_boot() -> None:
    """The instance is what a reader knows."""
    timeline = Timeline()
    timeline.feed(noted(1, Kind.CLAIMED, "brain-1@host#1a2b3c", role="brain"))
    assert texts(timeline.take_rest()) == ["brain-1 takes the call"]


def test_most_entries_give_no_line() -> None:
    """The journal has many more kinds than a reader wants."""
    timeline = Timeline()
    timeline.feed(noted(1, Kind.RESPONSE_CREATED, response="r"))
    heard = Heard(cut=1, response_id="r", item_id="i", heard_ms=20, frames_waiting=0)
    timeline.feed(Seen(at_ms=2, record=heard))
    assert timeline.take_rest() == []


def test_a_result_of_a_tool() -> None:
    """As it is; arguments that are no object too."""
    timeline = Timeline()
    timeline.feed(tool(1, ToolState.STARTED, "[1]"))
    timeline.feed(tool(2, ToolState.RESULT, "shipped"))
    assert texts(timeline.take_rest()) == ["check_order([1])", "check_order → shipped"]


def test_an_end_and_an_error() -> None:
    """In the words of whoever wrote them."""
    timeline = Timeline()
    timeline.feed(noted(1, Kind.ERROR, "brain-0@h#1", what="timeout"))
    timeline.feed(noted(2, Kind.ENDED, outcome="completed"))
    assert texts(timeline.take_rest()) == ["error: what=timeout", "call ended: completed"]


def test_what_cannot_be_read_makes_no_line() -> None:
    """Nor a 0 of what it does not say."""
    timeline = Timeline()
    timeline.feed(Seen(at_ms=1, record=Flushed(cut=1, items="[1]")))
    timeline.feed(noted(2, Kind.TRUNCATE))
    assert timeline.take_rest() == []
