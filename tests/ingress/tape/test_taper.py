"""What goes to Redis of both sides of a call: only while somebody wants it, and for whom."""

from __future__ import annotations

import pytest

from shared.contract.card import TapeState
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.tape import TapeEntry, TapeWish, read_tape
from tests.ingress.fakes import CALL, Desk

AUDIO = b"a" * 160


def written(desk: Desk) -> list[TapeEntry]:
    """Entries of the tape, in their order."""
    key = Keys(4).tape(CALL).encode()
    words = [words for words in desk.outbox.packed if words[0] == b"XADD" and words[1] == key]
    found = []
    for each in words:
        fields = list(each[list(each).index(b"*") + 1 :])
        found.append(read_tape(dict(zip(fields[::2], fields[1::2], strict=True))))
    return found


def told(desk: Desk) -> int:
    key = Keys(4).tapes(Keys(4).lane(CALL)).encode()
    return sum(1 for words in desk.outbox.sent if words[0] == b"XADD" and words[1] == key)


def wish(desk: Desk, recording: TapeState, listen_ms: int = 0) -> None:
    desk.call.taper.wish(TapeWish(recording=recording, listen_ms=listen_ms), desk.clock())


def passes(desk: Desk, ms: int) -> None:
    """The caller speaks, and the process looks, for so long."""
    for _ in range(ms // 20):
        desk.clock.now_ms += 20
        desk.call.hear(1, round(desk.clock.now_ms / 20), desk.clock(), AUDIO)
        if desk.clock.now_ms % 240 == 0:
            desk.call.look_at_tape(desk.clock())


def test_nobody_wants_it_and_nothing_is_kept() -> None:
    desk = Desk()
    passes(desk, 3_000)
    assert desk.call.taper.tracks is None
    assert written(desk) == []


async def test_an_announcement_is_not_recorded_and_what_follows_it_is() -> None:
    """What the carrier holds when the announcement has been heard belongs to the recording."""
    desk = Desk()
    wish(desk, TapeState.ANNOUNCING)
    passes(desk, 1_000)
    desk.receive("frame", n=3, value=b"b" * 480)
    desk.clock.now_ms += 20
    wish(desk, TapeState.ON)
    assert written(desk) == []
    passes(desk, 1_000)
    first = written(desk)[0]
    assert first.uses == "r"
    assert sum(len(piece.audio) for entry in written(desk) for piece in entry.heard) == 320
    assert first.caller[0].at == first.from_ms * 8 + 160
    assert told(desk) == 1


def test_a_pause_ends_an_entry_and_hides_what_is_said_in_it() -> None:
    desk = Desk()
    wish(desk, TapeState.ON)
    passes(desk, 1_000)
    wish(desk, TapeState.PAUSED)
    paused_at, count = written(desk)[-1].to_ms, len(written(desk))
    assert written(desk)[-1].pauses
    passes(desk, 2_000)
    assert len(written(desk)) == count
    wish(desk, TapeState.ON)
    passes(desk, 1_000)
    after = written(desk)[count]
    assert after.from_ms - paused_at == 2_000
    assert after.number == written(desk)[count - 1].number + 1


def test_a_pause_is_one_for_listeners_too() -> None:
    desk = Desk()
    wish(desk, TapeState.PAUSED, listen_ms=60_000)
    passes(desk, 2_000)
    assert written(desk) == []


def test_a_listener_who_is_not_there_any_more_costs_nothing() -> None:
    """The wish is renewed, or it ends by itself."""
    desk = Desk()
    wish(desk, TapeState.NO, listen_ms=2_000)
    passes(desk, 1_900)
    assert {entry.uses for entry in written(desk)} == {"l"}
    passes(desk, 1_000)
    assert desk.call.taper.tracks is None
    assert told(desk) == 0


async def test_a_stream_that_ends_is_written_to_its_end() -> None:
    """What had not played by then never will."""
    desk = Desk()
    wish(desk, TapeState.ON)
    desk.receive("frame", n=3, value=b"b" * 480)
    desk.clock.now_ms += 30
    desk.call.taper.stream_gone(desk.clock())
    (entry,) = written(desk)
    assert [len(piece.audio) for piece in entry.heard] == [240]
    desk.clock.now_ms += 1_000
    desk.call.look_at_tape(desk.clock())
    assert len(written(desk)) == 1


def test_a_new_stream_is_a_new_run_and_makes_the_stream_of_redis_anew() -> None:
    desk = Desk()
    wish(desk, TapeState.ON)
    passes(desk, 1_000)
    desk.call.taper.stream_opened(2, desk.clock())
    passes(desk, 1_000)
    first, last = written(desk)[0], written(desk)[-1]
    assert first.run != last.run
    assert last.leg == 2
    assert last.wall_ms - first.wall_ms == 1_000
    key = Keys(4).tape(CALL).encode()
    adds = [words for words in desk.outbox.packed if words[:2] == [b"XADD", key]]
    assert [b"NOMKSTREAM" not in words for words in adds].count(True) == 2
    assert told(desk) == 2


async def test_our_own_sounds_are_heard_too() -> None:
    """The clip that is played into a silence that was owed sound is cut by the answer."""
    desk = Desk()
    wish(desk, TapeState.ON)
    desk.clock.now_ms += 4_600
    desk.call.fill_silence(desk.clock(), store_away=False)
    desk.clock.now_ms += 100
    desk.receive("frame", n=1, value=b"b" * 160)
    desk.clock.now_ms += 100
    desk.call.look_at_tape(desk.clock())
    (entry,) = written(desk)
    pieces = b"".join(piece.audio for piece in entry.heard)
    assert len(pieces) == 800 + 160
    assert pieces[800:] == b"b" * 160


async def test_the_brains_word_comes_by_out_and_is_fenced() -> None:
    """A brain that has lost the call records nothing of it; words that cannot be read change nothing."""
    desk = Desk()
    desk.receive("tape", epoch=5, value=b"on 0", worker="brain-0@h#a")
    passes(desk, 1_000)
    assert len(written(desk)) > 0
    desk.receive("tape", epoch=4, value=b"paused 0", worker="brain-1@h#a")
    with pytest.raises(EntryError):
        desk.receive("tape", epoch=5, value=b"sometimes", worker="brain-0@h#a")
    count = len(written(desk))
    passes(desk, 1_000)
    assert len(written(desk)) > count


async def test_a_redis_that_lost_the_call_gets_a_new_stream() -> None:
    """The entries before are gone, and what follows is numbered anew."""
    desk = Desk()
    wish(desk, TapeState.ON)
    passes(desk, 1_000)
    desk.call.taper.again(desk.clock())
    passes(desk, 1_000)
    runs = [entry.run for entry in written(desk)]
    assert len(set(runs)) == 2
    assert written(desk)[runs.index(runs[-1])].number == 1
