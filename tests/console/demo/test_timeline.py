"""The live timeline: which lines, in which order, when."""

from __future__ import annotations

from console.demo.timeline import HOLD_MS, Line, Timeline, Who, heard_items
from console.demo.watch import Seen


def seen(at_ms: float, stream: str, kind: str, **fields: str) -> Seen:
    return Seen(at_ms=at_ms, stream=stream, kind=kind, fields=fields)


def texts(lines: list[Line]) -> list[str]:
    return [line.text or line.said for line in lines]


def test_speech_is_told_once_both_time_and_text_are_known() -> None:
    """In either order; growing texts are passed over."""
    timeline = Timeline()
    timeline.feed(seen(100, "journal", "audible", item="i1"))
    timeline.feed(seen(150, "history", "item", id="i1", role="assistant", text="Hel", final="0"))
    assert timeline.take(1000) == []
    timeline.feed(seen(200, "history", "item", id="i1", role="assistant", text="Hello.", final="1"))
    assert timeline.take(1000) == [Line(at_ms=100, who=Who.AGENT, text="", said="Hello.")]
    assert timeline.take(2000) == []


def test_a_line_waits_for_the_text_of_an_earlier_one() -> None:
    """So that question and answer stand in order although transcripts come late."""
    timeline = Timeline()
    timeline.feed(seen(1000, "journal", "speech_stopped", item="u1"))
    timeline.feed(seen(1200, "history", "tool", name="check_order", state="started", value='{"n":"7"}'))
    assert timeline.take(1800) == []
    timeline.feed(seen(1900, "history", "item", id="u1", role="user", text="מה?", final="1"))
    assert texts(timeline.take(2000)) == ["מה?", 'check_order(n="7")']


def test_no_line_waits_for_ever() -> None:
    """A transcript that never comes holds nothing up, and is missed at the end."""
    timeline = Timeline()
    timeline.feed(seen(1000, "journal", "speech_stopped", item="u1"))
    timeline.feed(seen(1200, "journal", "session_ready"))
    assert len(timeline.take(1000 + HOLD_MS)) == 1
    assert texts(timeline.take_rest()) == ["(no transcript)"]


def test_an_interruption_in_full() -> None:
    """Flush, what was heard, what the model is told."""
    timeline = Timeline()
    items = '[{"item":"i","response":"r","received_ms":10065,"sent_ms":2700,"heard_ms":2560}]'
    timeline.feed(seen(1, "journal", "flush", cut="1"))
    timeline.feed(seen(2, "control", "flushed", cut="1", items=items))
    timeline.feed(seen(3, "journal", "truncate", audio_end_ms="2560"))
    assert texts(timeline.take_rest()) == [
        "the caller interrupts: reply flushed, model cancelled",
        "of 10.1 s the caller heard 2.6 s",
        "the model is told: cut after 2.6 s",
    ]


def test_workers_are_named_without_host_and_boot() -> None:
    """The instance is what a reader knows."""
    timeline = Timeline()
    timeline.feed(seen(1, "journal", "claimed", **{"from": "brain-1@host#1a2b3c", "role": "brain"}))
    assert texts(timeline.take_rest()) == ["brain-1 takes the call"]


def test_most_entries_give_no_line() -> None:
    """The journal has many more kinds than a reader wants."""
    timeline = Timeline()
    timeline.feed(seen(1, "journal", "response_created", response="r"))
    timeline.feed(seen(2, "control", "heard", heard_ms="20"))
    assert timeline.take_rest() == []


def test_a_message_that_cannot_be_read_gives_nothing() -> None:
    """People may type into `control`."""
    assert [heard_items(text) for text in ("", "[1]", '[{"heard_ms": "x"}]', "{}")] == [[], [], [], []]
