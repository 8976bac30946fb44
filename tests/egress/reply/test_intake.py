"""The reply as it comes in: what counts, what is dropped, gaps, repetitions, the bound on what is held."""

from __future__ import annotations

import pytest

from egress.heard.ledger import Ledger
from egress.reply.backlog import Backlog, Base
from egress.reply.intake import (
    DEAD_AFTER_MS,
    HELD_LESS_BYTES,
    HELD_MOST_BYTES,
    QUIET_AFTER_MS,
    Intake,
    Judgement,
)
from shared.contract.streams.reply import ReplyEntry, ReplyKind

NEW = Base(cut=0, item_id="", frame=0, n=0)


class Reply:
    """An intake, and a brain that writes into it."""

    def __init__(self, base: Base | None = None) -> None:
        self.backlog, self.ledger = Backlog(1), Ledger(leg=1, cut=0)
        self.intake = Intake(self.backlog, self.ledger, base, 0.0)
        self.entries = 0

    def entry(
        self,
        kind: ReplyKind = ReplyKind.AUDIO,
        item: str = "a",
        offset: int = 0,
        size: int = 0,
        *,
        epoch: int = 1,
        cut: int = 0,
    ) -> tuple[str, ReplyEntry]:
        self.entries += 1
        return f"{self.entries}-0", ReplyEntry(kind, epoch, cut, "r", item, offset, 0.0, b"x" * size)

    def give(self, entry: tuple[str, ReplyEntry], now_ms: float = 0.0) -> Judgement:
        """Judges an entry, and receives it if it is to be taken."""
        judgement = self.intake.judge(*entry, now_ms)
        if judgement is Judgement.TAKE:
            self.intake.receive(*entry, now_ms)
        return judgement

    def audio(self, item: str = "a", offset: int = 0, size: int = 1600, *, epoch: int = 1) -> Judgement:
        return self.give(self.entry(ReplyKind.AUDIO, item, offset, size, epoch=epoch))


def test_the_reply_that_is_good_is_taken() -> None:
    """Of this cut; a higher one is a flush, a lower one void."""
    reply = Reply()
    reply.ledger.cut = 3

    worth = [reply.intake.judge(*reply.entry(cut=cut), 0.0) for cut in (3, 4, 2)]

    assert worth == [Judgement.TAKE, Judgement.FLUSH, Judgement.DROP]
    assert reply.intake.counters.entries_old_cut == 1


def test_a_brain_that_has_lost_the_call_is_not_heard() -> None:
    """Not even if it cuts."""
    reply = Reply()
    reply.audio(epoch=2)

    assert reply.audio(epoch=1) is Judgement.DROP
    assert reply.intake.judge(*reply.entry(epoch=1, cut=9), 0.0) is Judgement.DROP
    assert reply.intake.counters.entries_old_epoch == 2


def test_a_new_brain_ends_what_the_old_one_left_open() -> None:
    """What is there is all there will be, of the item and of its response."""
    reply = Reply()
    reply.audio("a", epoch=1)

    reply.audio("b", epoch=2)

    (first, second) = reply.backlog.stretches
    assert (first.ends_item, second.ends_item) == (True, False)
    assert first.item.response.ended


def test_a_gap_is_counted_and_what_follows_stands_apart() -> None:
    """Missing bytes are not invented."""
    reply = Reply()
    reply.audio(offset=0, size=1600)
    reply.audio(offset=3200, size=1600)
    reply.give(reply.entry(ReplyKind.ITEM_END, offset=6400))

    assert [stretch.framer.start_bytes for stretch in reply.backlog.stretches] == [0, 3200]
    assert [stretch.ends_item for stretch in reply.backlog.stretches] == [False, True]
    assert reply.intake.counters.bytes_missing == 1600 + 1600


def test_an_item_whose_head_is_missing_is_counted() -> None:
    """After a flush; a new owner finds a trimmed reply, and nothing is missing of it."""
    flushed, trimmed = Reply(base=None), Reply(base=NEW)
    for reply in (flushed, trimmed):
        reply.audio(offset=800)

    assert flushed.intake.counters.bytes_missing == 800
    assert trimmed.intake.counters.bytes_missing == 0


def test_what_comes_twice_is_taken_once() -> None:
    """Wholly or in part, while the item is open, closed, or finished."""
    reply = Reply()
    reply.audio(offset=0, size=1600)
    reply.audio(offset=800, size=1600)
    reply.give(reply.entry(ReplyKind.ITEM_END, offset=2400))
    reply.audio(offset=0, size=1600)
    reply.backlog.finished.append("z")
    reply.audio("z", offset=0, size=160)

    assert reply.intake.counters.bytes_duplicated == 800 + 1600 + 160
    assert reply.backlog.unsent == 15


def test_audio_behind_the_end_of_its_item_is_counted_and_not_said() -> None:
    """Only what lies behind it; the rest came twice."""
    reply = Reply()
    reply.audio(size=1600)
    reply.give(reply.entry(ReplyKind.ITEM_END, offset=1600))

    reply.audio(offset=800, size=1000)

    assert reply.intake.counters.bytes_behind_end == 200
    assert reply.intake.counters.bytes_duplicated == 800
    assert reply.backlog.unsent == 10


def test_the_end_of_a_response_ends_its_last_item() -> None:
    """If its own end was lost; of another response it ends nothing."""
    reply = Reply()
    reply.audio()
    reply.give(("7-0", ReplyEntry(ReplyKind.RESPONSE_END, 1, 0, "other", "", 0, 0.0, b"")))
    last = reply.backlog.last
    assert last is not None
    before = last.ends_item

    reply.give(reply.entry(ReplyKind.RESPONSE_END))

    assert (before, last.ends_item, last.item.response.ended) == (False, True, True)


# A new owner.


def test_a_new_owner_begins_where_the_card_says() -> None:
    """What stands before was heard, over as many entries as it takes."""
    reply = Reply(base=Base(cut=0, item_id="a", frame=12, n=40))
    reply.audio(offset=0, size=1600)
    assert reply.backlog.unsent == 0

    reply.audio(offset=1600, size=1600)
    reply.audio("b")

    assert [stretch.next_frame for stretch in reply.backlog.stretches] == [12, 0]
    assert reply.backlog.unsent == 8 + 10


def test_a_base_of_an_item_that_is_gone_skips_nothing() -> None:
    """It was trimmed: the reply begins with another one."""
    reply = Reply(base=Base(cut=0, item_id="a", frame=12, n=40))

    reply.audio("b")

    assert reply.backlog.unsent == 10


# The bound.


def full() -> Reply:
    """A reply of which more than enough is held, and one entry is left in Redis."""
    reply = Reply()
    reply.audio(size=HELD_MOST_BYTES + 160)
    assert reply.audio(offset=HELD_MOST_BYTES + 160) is Judgement.LATER
    return reply


def room(reply: Reply) -> None:
    """All but half of the bound was heard."""
    (stretch,) = reply.backlog.stretches
    stretch.framer.release((HELD_MOST_BYTES + 160 - HELD_LESS_BYTES) // 160)


def test_what_is_beyond_the_bound_is_read_again_when_there_is_room() -> None:
    """From behind the last entry that was taken, once."""
    reply = full()
    early = reply.intake.refill_after()
    room(reply)

    asked = [reply.intake.refill_after(), reply.intake.refill_after()]

    assert (early, asked) == (None, ["1-0", None])
    assert reply.intake.waits_for_room
    assert reply.intake.counters.fillings == 1
    assert reply.intake.is_wanted("1-0")
    assert not reply.intake.is_wanted("2-0")


def test_what_was_read_again_is_taken_and_the_rest_comes_in_order() -> None:
    """Then nothing waits any more."""
    reply = full()
    room(reply)
    reply.intake.refill_after()
    entry = ("2-0", ReplyEntry(ReplyKind.AUDIO, 1, 0, "r", "a", HELD_MOST_BYTES + 160, 0.0, b"x" * 160))

    assert reply.intake.judge_again(*entry) is Judgement.TAKE
    reply.intake.receive(*entry, 0.0)
    reply.intake.end_refill(was_empty=False)

    assert not reply.intake.waits_for_room
    assert reply.audio(offset=HELD_MOST_BYTES + 320) is Judgement.TAKE


@pytest.mark.parametrize("was_empty", [True, False])
def test_a_refill_that_found_nothing_ends_the_wait(was_empty: bool) -> None:
    """Whatever was left in Redis is gone; a part of it, and the next check reads on."""
    reply = full()
    room(reply)
    reply.intake.refill_after()

    reply.intake.end_refill(was_empty=was_empty)

    assert reply.intake.waits_for_room is not was_empty


def test_a_refill_that_failed_is_asked_for_again() -> None:
    """By the next check."""
    reply = full()
    room(reply)
    reply.intake.refill_after()

    reply.intake.fail_refill()

    assert not reply.intake.is_wanted("1-0")
    assert reply.intake.refill_after() == "1-0"


def test_a_flush_is_seen_beyond_the_bound() -> None:
    """It makes room; what was to be read again is void."""
    reply = full()

    judgement = reply.intake.judge(*reply.entry(ReplyKind.FLUSH, cut=1), 0.0)

    assert judgement is Judgement.FLUSH
    assert not reply.intake.waits_for_room


# When the reply need not be watched.


@pytest.mark.parametrize("ends", [True, False])
def test_a_reply_is_quiet_some_time_after_its_last_entry(ends: bool) -> None:
    """After the end of a response soon; inside one only when its brain must be dead."""
    reply = Reply()
    reply.audio()
    if ends:
        reply.give(reply.entry(ReplyKind.RESPONSE_END))
    limit_ms = QUIET_AFTER_MS if ends else DEAD_AFTER_MS

    assert [reply.intake.is_quiet(now_ms) for now_ms in (limit_ms, limit_ms + 1)] == [False, True]
    reply.intake.watch(limit_ms)
    assert not reply.intake.is_quiet(limit_ms + 1)


def test_a_reply_that_waits_for_room_is_not_quiet() -> None:
    """There is more of it in Redis."""
    assert not full().intake.is_quiet(10 * DEAD_AFTER_MS)
