"""Entries of a call as the console reads them, for what is made of them."""

from __future__ import annotations

from console.calls.watching import HISTORY, JOURNAL, Entry
from shared.contract.streams.control import Flushed, FlushedItem
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    ToolEntry,
    ToolState,
)
from shared.contract.streams.journal import JournalEntry, Kind

BEGAN_MS = 1_767_607_200_000
BRAIN, EGRESS, INGRESS = "brain-0@h#1", "egress-0@h#1", "ingress-0@h#1"
SIX_WORDS = "one two three four five six"
HOSTILE = "</text><script>alert(1)</script>\u202e\x1b[2J"


def line(at_ms: int, kind: Kind, writer: str = BRAIN, **fields: str) -> Entry:
    """A line of the journal, so many ms after the call began."""
    record = JournalEntry(at_ms=BEGAN_MS + at_ms, kind=kind, writer=writer, fields=fields)
    return Entry(stream=JOURNAL, at_ms=BEGAN_MS + at_ms, record=record, fields={"kind": kind, **fields})


def said(at_ms: int, record: HistoryEntry) -> Entry:
    """An entry of the history."""
    return Entry(stream=HISTORY, at_ms=BEGAN_MS + at_ms, record=record, fields={})


def voice(from_ms: int, to_ms: int, item: str = "u1") -> list[Entry]:
    """The caller speaks: the news of it comes late, the line of the whole with its end."""
    span = {"from_ms": str(BEGAN_MS + from_ms), "to_ms": str(BEGAN_MS + to_ms)}
    return [
        line(from_ms + 200, Kind.SPEECH_STARTED, item=item),
        line(to_ms + 500, Kind.VOICE, item=item, **span),
        line(to_ms + 501, Kind.SPEECH_STOPPED, item=item),
    ]


def reply(number: int, created_ms: int, done_ms: int, heard_ms: int, silent_ms: int) -> list[Entry]:
    """A response that is made and heard to its end."""
    response, item = f"r{number}", f"i{number}"
    return [
        line(created_ms, Kind.RESPONSE_CREATED, response=response, by="server"),
        line(created_ms + 300, Kind.FIRST_AUDIO, response=response),
        line(heard_ms, Kind.AUDIBLE, EGRESS, response=response, item=item, cut="0", heard_ms="0"),
        line(heard_ms + 5, Kind.AUDIBLE, BRAIN, response=response, item=item, cut="0"),
        line(done_ms, Kind.RESPONSE_DONE, response=response, status="completed"),
        said(done_ms, ItemLength(item_id=item, ms=silent_ms - heard_ms)),
        line(silent_ms, Kind.SILENT, EGRESS, response=response, item=item, cause="played", heard_ms="1"),
    ]


def cut_reply(number: int, created_ms: int, heard_ms: int, cut_ms: int) -> list[Entry]:
    """One that the caller interrupts after so much of ten seconds."""
    response, item = f"r{number}", f"i{number}"
    ended = {"heard_ms": "2600"}
    heard = FlushedItem(
        item_id=item, response_id=response, received_ms=10_100, sent_ms=2_900, heard_ms=cut_ms - heard_ms
    )
    return [
        line(created_ms, Kind.RESPONSE_CREATED, response=response, by="server"),
        line(created_ms + 300, Kind.FIRST_AUDIO, response=response),
        line(heard_ms, Kind.AUDIBLE, EGRESS, response=response, item=item, cut="0", heard_ms="0"),
        said(cut_ms, ItemLength(item_id=item, ms=10_100)),
        line(cut_ms, Kind.FLUSH, response=response, item=item, cut="1", cause="speech"),
        line(cut_ms + 10, Kind.FLUSHED, EGRESS, cut="1", items=Flushed.of(1, [heard]).items),
        line(cut_ms + 11, Kind.SILENT, EGRESS, response=response, item=item, cause="flushed", **ended),
        line(cut_ms + 20, Kind.RESPONSE_DONE, response=response, status="cancelled"),
        said(cut_ms + 30, ItemHeard(item_id=item, ms=cut_ms - heard_ms, of_ms=10_100, complete=True)),
    ]


def whole_call() -> list[Entry]:
    """A greeting, a question whose answer is interrupted, a tool, an egress that dies, the end: 30 s."""
    entries = [
        line(0, Kind.ATTACHED, INGRESS),
        line(5, Kind.CLAIMED, BRAIN),
        line(6, Kind.CLAIMED, EGRESS),
        line(100, Kind.SESSION_READY, session="1"),
        *reply(1, 200, 900, 550, 3_500),
        *voice(4_000, 6_000),
        said(6_400, ItemEntry(item_id="u1", role="user", text="Where is my order?", final=True)),
        *cut_reply(2, 6_600, 7_000, 9_600),
        said(7_100, ItemEntry(item_id="i2", role="assistant", text=SIX_WORDS, final=True)),
        *voice(9_550, 11_000, "u2"),
        line(11_600, Kind.TOOL_STARTED, call_id="c1", tool="check_order", response="r3"),
        said(11_600, ToolEntry(call_id="c1", name="check_order", state=ToolState.STARTED, value="{}")),
        line(12_000, Kind.TOOL_FINISHED, call_id="c1", tool="check_order", outcome="posted"),
        said(12_000, ToolEntry(call_id="c1", name="check_order", state=ToolState.RESULT, value="{}")),
        said(12_100, KeysPressed(item_id="k1", text="4242")),
        line(12_500, Kind.VERDICT, EGRESS, verdict="model_slow", why="quiet for 1,600 ms"),
        line(14_000, Kind.OWNER_LOST, EGRESS, owner="egress-0@h#1"),
        line(14_100, Kind.CLAIMED, "egress-1@h#1"),
        line(15_000, Kind.VERDICT_OVER, EGRESS, verdict="model_slow"),
        line(16_000, Kind.HOLD_CLIP, INGRESS, cause="turn", owed_ms="4000"),
        line(30_000, Kind.ENDED, INGRESS, outcome="completed"),
    ]
    return sorted(entries, key=lambda entry: entry.at_ms)
