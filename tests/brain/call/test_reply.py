"""When egress's doorbell rings."""

from __future__ import annotations

from collections.abc import Callable

from brain.call.reply import ReplyWriter
from brain.sequencer.actions import AudioVerdict, EndItem, Flush, PauseReply, PlayNotice, ResumeReply
from shared.contract.keys import Keys
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.ownership.owner import Owner
from shared.store.writing.outbox import Outbox
from tests.support.ways import way_to

KEYS = Keys(1)


class Notebook(Owner):
    """An owner's pen that keeps what it wrote, and whether it rang."""

    def __init__(self) -> None:
        outbox = Outbox(way_to("redis://127.0.0.1:1/0"), name="brain-0@h#1", commit_ms=0)
        super().__init__(outbox, KEYS, "CA" + "0" * 32, "brain", 3, lambda _answer: None, "brain-0@h#1")
        self.written: list[tuple[ReplyEntry, bool]] = []

    def reply(self, entry: ReplyEntry, *, wake: bool, then: Callable[[], None] | None = None) -> None:
        self.written.append((entry, wake))


def verdict(*, first: bool = False) -> AudioVerdict:
    return AudioVerdict(skip=None, response_id="r", item_id="i", cut=2, offset_bytes=160, first=first)


async def test_the_first_audio_rings_then_once_a_second() -> None:
    """Egress reads on by itself while there is more."""
    book = Notebook()
    writer = ReplyWriter(book)
    for at_ms, first in ((5_000, True), (5_300, False), (5_900, False), (6_000, False)):
        writer.audio(verdict(first=first), b"\xff" * 160, at_ms)

    assert [rang for _, rang in book.written] == [True, False, False, True]


async def test_a_flush_always_rings() -> None:
    """The caller hears it."""
    book = Notebook()
    writer = ReplyWriter(book)
    writer.audio(verdict(first=True), b"\xff", 0)
    writer.flush(Flush(cut=3, response_id="r", item_id="i"), 10)

    entry, rang = book.written[-1]
    assert rang
    assert (entry.kind, entry.cut, entry.epoch) == (ReplyKind.FLUSH, 3, 3)


async def test_an_items_end_says_its_length() -> None:
    """Egress pads the tail once it has them all."""
    book = Notebook()
    ReplyWriter(book).end_item(EndItem(cut=2, response_id="r", item_id="i", total_bytes=801), 0)

    entry, _ = book.written[-1]
    assert (entry.kind, entry.offset_bytes, entry.audio) == (ReplyKind.ITEM_END, 801, b"")


async def test_a_pause_and_its_end_ring_always() -> None:
    """The caller hears both; a pause says for how long it may last."""
    book = Notebook()
    writer = ReplyWriter(book)
    writer.audio(verdict(first=True), b"\xff", 0)
    writer.pause(PauseReply(cut=2, most_ms=2_500.0), 10)
    writer.resume(ResumeReply(cut=2), 20)

    (_, _), (pause, pause_rang), (resume, resume_rang) = book.written
    assert (pause_rang, resume_rang) == (True, True)
    assert (pause.kind, pause.cut, pause.pause_ms) == (ReplyKind.PAUSE, 2, 2_500)
    assert (resume.kind, resume.cut, resume.pause_ms) == (ReplyKind.RESUME, 2, 0)


async def test_a_recording_is_written_whole_as_a_response_of_one_item() -> None:
    """In pieces, so that no entry is large; its first one rings."""
    book = Notebook()
    audio = bytes(range(250)) * 80

    ReplyWriter(book).notice(PlayNotice(cut=2, item_id="notice-free-1", debt=7), audio, 0)

    *pieces, item_end, response_end = [entry for entry, _ in book.written]
    assert b"".join(entry.audio for entry in pieces) == audio
    assert [entry.offset_bytes for entry in pieces] == [0, 8_000, 16_000]
    assert {(entry.kind, entry.response_id, entry.item_id, entry.cut, entry.debt) for entry in pieces} == {
        (ReplyKind.AUDIO, "notice-free-1", "notice-free-1", 2, 7)
    }
    assert (item_end.kind, item_end.item_id, item_end.offset_bytes) == (
        ReplyKind.ITEM_END, "notice-free-1", 20_000,
    )  # fmt: skip
    assert (response_end.kind, response_end.debt) == (ReplyKind.RESPONSE_END, 7)
    assert [rang for _, rang in book.written] == [True, False, False, False, False]
