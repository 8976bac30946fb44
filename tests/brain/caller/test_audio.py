"""Caller frames become appends: order, gaps, legs, batches, silence by the clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.caller.audio import SLIP_MS, CallerAudio
from brain.caller.hole import ASK_AFTER_MS, HOLE_MS, Hole
from brain.counters import BrainCounters
from shared.audio import SILENCE_FRAME
from shared.contract.streams.caller import CallerFrame, caller_fields
from shared.store.inbox import Entry

NOW = 1_000.0


def entry(chunk: int, *, leg: int = 1, fill: int | None = None) -> Entry:
    audio = bytes([chunk if fill is None else fill]) * 160
    return b"%d-0" % chunk, caller_fields(CallerFrame(leg, chunk, 0.0, audio))


def feed(leg: int = 1, hole: Hole | None = None) -> CallerAudio:
    return CallerAudio(BrainCounters(), leg=leg, hole=hole or Hole())


def audio_in(batch: bytes | None) -> bytes:
    assert batch is not None
    return batch


def test_a_batch_is_one_append() -> None:
    """All frames read together travel together."""
    caller = feed()
    caller.receive([entry(1), entry(2), entry(3)], NOW)

    assert audio_in(caller.batch()) == b"".join(bytes([n]) * 160 for n in (1, 2, 3))
    assert caller.last_id == b"3-0"


def test_a_single_frame_is_an_append() -> None:
    """A brain that keeps its time makes nobody wait for a second frame."""
    caller = feed()
    caller.receive([entry(1)], NOW)

    assert len(audio_in(caller.batch())) == 160


def test_a_single_frame_waits_for_the_next_where_two_are_asked_for() -> None:
    """And goes with it; or alone, when all that there is is asked for."""
    caller = feed()
    caller.receive([entry(1)], NOW)
    assert caller.batch(2) is None
    caller.receive([entry(2)], NOW)
    assert audio_in(caller.batch(2)) == bytes([1]) * 160 + bytes([2]) * 160

    caller.receive([entry(3)], NOW)
    assert caller.batch(2) is None
    assert audio_in(caller.batch()) == bytes([3]) * 160


def test_a_voice_is_known_until_it_is_in_a_batch() -> None:
    """It is not made to wait for a neighbour; a line that hums may be."""
    caller = feed()
    assert not caller.is_voiced
    caller.receive([entry(1, fill=0xFF)], NOW)
    assert not caller.is_voiced
    caller.receive([entry(2, fill=0x20), entry(3, fill=0xFF)], NOW)
    assert caller.is_voiced

    caller.batch()
    caller.receive([entry(4, fill=0xFE)], NOW)
    assert not caller.is_voiced
    caller.receive([entry(5, fill=0x20)], NOW)
    caller.restart()
    assert not caller.is_voiced


def test_frames_of_an_older_leg_are_dropped() -> None:
    """They come from a socket that is gone."""
    caller = feed(leg=2)
    caller.receive([entry(5, leg=1), entry(1, leg=2), entry(2, leg=2)], NOW)

    assert audio_in(caller.batch()) == bytes([1]) * 160 + bytes([2]) * 160
    assert caller.counters.frames_old_leg == 1


def test_a_new_leg_begins_its_own_count() -> None:
    """Twilio's chunks start again with each stream; that is no gap."""
    caller = feed()
    caller.receive([entry(200), entry(1, leg=2)], NOW)

    assert caller.leg == 2
    assert caller.counters.caller_gaps == 0


def test_repeated_frames_are_dropped() -> None:
    """An unknown write was sent twice."""
    caller = feed()
    caller.receive([entry(1), entry(2), entry(1), entry(2), entry(3)], NOW)

    assert len(audio_in(caller.batch())) == 3 * 160
    assert caller.counters.frames_repeated == 2


def test_a_gap_is_silence_to_the_model() -> None:
    """VAD only sees audio: missing frames are heard as a pause."""
    caller = feed()
    caller.receive([entry(1), entry(4)], NOW)

    audio = audio_in(caller.batch())

    assert audio == bytes([1]) * 160 + SILENCE_FRAME * 2 + bytes([4]) * 160
    assert caller.counters.caller_gaps == 1


def test_a_long_gap_is_padded_to_a_bound() -> None:
    """A second of silence ends any turn; minutes would only delay what comes."""
    caller = feed()
    caller.receive([entry(1), (b"9-0", caller_fields(CallerFrame(1, 5_000, 0.0, b"\x01" * 160)))], NOW)

    assert len(audio_in(caller.batch())) == (1 + 50 + 1) * 160


def test_one_wild_number_deafens_nobody() -> None:
    """What follows it is heard: so far back is no repeat but another count."""
    caller = feed()
    caller.receive([entry(1), (b"9-0", caller_fields(CallerFrame(1, 1_000_001, 0.0, b"\x09" * 160)))], NOW)
    caller.batch()
    caller.receive([entry(3), entry(4), entry(4)], NOW)

    assert audio_in(caller.batch()) == bytes([3]) * 160 + bytes([4]) * 160
    assert caller.counters.frames_repeated == 1


def test_a_broken_entry_is_counted_and_skipped() -> None:
    """Another version, or no audio."""
    caller = feed()
    caller.receive([(b"1-0", [b"v", b"2"]), (b"2-0", [b"v", b"1"]), entry(3)], NOW)

    assert caller.counters.caller_entries_bad == 2
    assert caller.last_id == b"3-0"


def test_late_frames_are_silence_by_the_clock_up_to_a_second() -> None:
    """Inside a turn the server must hear the pause, though nothing comes."""
    caller = feed()
    caller.receive([entry(1), entry(2)], NOW)
    caller.batch()

    caller.pad_by_clock(NOW + 499)
    assert caller.batch() is None
    caller.pad_by_clock(NOW + 500)
    assert audio_in(caller.batch()) == SILENCE_FRAME * 25
    caller.pad_by_clock(NOW + 60_000)
    assert audio_in(caller.batch()) == SILENCE_FRAME * 25
    caller.pad_by_clock(NOW + 90_000)
    assert caller.batch() is None


def test_what_the_clock_filled_is_not_filled_again_by_position() -> None:
    """The gap is 30 frames; 25 of them were silence already."""
    caller = feed()
    caller.receive([entry(1)], NOW)
    caller.pad_by_clock(NOW + 500)
    caller.batch()

    caller.receive([entry(32)], NOW + 600)

    assert audio_in(caller.batch()) == SILENCE_FRAME * 5 + bytes([32]) * 160


def test_a_late_frame_is_never_dropped_for_time() -> None:
    """Words are worth more than an exact timeline."""
    caller = feed()
    caller.receive([entry(1)], NOW)
    caller.pad_by_clock(NOW + 800)
    caller.batch()

    caller.receive([entry(2), entry(3)], NOW + 900)

    assert audio_in(caller.batch()) == bytes([2]) * 160 + bytes([3]) * 160


def test_a_new_session_hears_again_what_is_read_again() -> None:
    """It has heard nothing."""
    caller = feed()
    caller.receive([entry(1), entry(2)], NOW)
    caller.batch()

    caller.restart()
    caller.receive([entry(1), entry(2), entry(3)], NOW)

    assert len(audio_in(caller.batch())) == 3 * 160


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 700)), max_size=30),
)
def test_frames_that_came_are_sent_in_order_and_once(arrivals: list[tuple[int, int]]) -> None:
    """Whatever is lost, late or repeated; and silence never exceeds what is missing or late."""
    caller = feed()
    now, sent, expected, highest = NOW, b"", [], 0
    for chunk, after_ms in arrivals:
        now += after_ms
        caller.pad_by_clock(now)
        caller.receive([entry(chunk)], now)
        sent += caller.batch() or b""
        if chunk > highest:
            highest = chunk
            expected.append(chunk)

    frames = [sent[at : at + 160] for at in range(0, len(sent), 160)]
    assert [frame[0] for frame in frames if frame != SILENCE_FRAME] == expected
    silence = sum(frame == SILENCE_FRAME for frame in frames)
    missing = (highest - len(expected)) if expected else 0
    assert silence <= missing + (now - NOW) / 20


def test_the_oldest_frame_of_a_batch_is_known_until_it_is_sent() -> None:
    """By entry id and stamp, for the time of the hop; silence of ours has neither."""
    caller = feed()
    caller.receive(
        [
            (b"7-0", caller_fields(CallerFrame(1, 1, 70.0, b"a"))),
            (b"9-0", caller_fields(CallerFrame(1, 2, 90.0, b"b"))),
        ],
        NOW,
    )
    assert caller.oldest == (b"7-0", 70.0)

    caller.batch()
    caller.pad_by_clock(NOW + 600)
    assert caller.oldest is None

    caller.receive([(b"11-0", caller_fields(CallerFrame(1, 3, 110.0, b"c")))], NOW)
    caller.restart()
    assert caller.oldest is None


def test_a_new_leg_after_a_while_is_a_hole() -> None:
    """By the ids of the frames, so that it does not matter when they are read."""
    hole = Hole()
    caller = feed(hole=hole)
    caller.receive([entry(1), entry(2)], NOW)
    caller.receive([(b"3102-0", entry(1, leg=2)[1])], NOW)

    assert hole.length_ms == 3_100
    assert hole.due(NOW + ASK_AFTER_MS, busy=False)


def spoken(chunk: int, at_ms: int, *, leg: int = 1) -> Entry:
    """A frame that was written then."""
    return b"%d-0" % at_ms, entry(chunk, leg=leg, fill=7)[1]


def test_the_last_frames_of_a_leg_may_come_late() -> None:
    """An ingress stood still for three seconds; the leg was moved, and then it wrote what it still had. What
    was said in between it never read."""
    hole = Hole()
    caller = feed(hole=hole)
    for chunk in range(1, 51):
        caller.receive([spoken(chunk, 1_000 + 20 * chunk)], NOW)
    caller.receive([spoken(51, 5_020), spoken(52, 5_020)], NOW)
    assert hole.length_ms == 0
    caller.receive([spoken(1, 5_060, leg=2)], NOW)

    assert hole.length_ms == pytest.approx(5_060 - (1_000 + 20 * 52), abs=2 * SLIP_MS)
    assert hole.due(NOW + ASK_AFTER_MS, busy=False)


def test_what_came_late_and_whole_is_no_hole() -> None:
    """The same, but all was read in the end."""
    hole = Hole()
    caller = feed(hole=hole)
    for chunk in range(1, 51):
        caller.receive([spoken(chunk, 1_000 + 20 * chunk)], NOW)
    caller.receive([spoken(chunk, 5_020) for chunk in range(51, 202)], NOW)
    caller.receive([spoken(1, 5_060, leg=2)], NOW)

    assert hole.length_ms == 0


@pytest.mark.parametrize("reads", [1, 2_000])
def test_a_pause_without_frames_is_forgotten(reads: int) -> None:
    """A caller on hold is sent silence by nobody, and nobody counts it: what is known of the leg's beginning
    is wrong by that, until some frames have come."""
    hole = Hole()
    caller = feed(hole=hole)
    caller.receive([spoken(1, 1_020)], NOW)
    for number in range(reads):
        caller.receive([spoken(2 + number, 5_040 + 20 * number)], NOW)
    caller.receive([spoken(1, 5_040 + 20 * reads, leg=2)], NOW)

    assert (hole.length_ms > HOLE_MS) == (reads == 1)


def test_another_count_has_another_beginning() -> None:
    """Whoever numbers the frames began anew."""
    hole = Hole()
    caller = feed(hole=hole)
    caller.receive([spoken(2_000, 41_000)], NOW)
    caller.receive([spoken(1, 41_020)], NOW)
    caller.receive([spoken(1, 41_040, leg=2)], NOW)

    assert hole.length_ms == 0


def test_a_hole_is_found_by_a_session_that_heard_neither_side() -> None:
    hole = Hole()
    caller = feed(hole=hole)
    caller.receive([entry(1)], NOW)
    caller.restart()
    caller.receive([(b"2001-0", entry(1, leg=2)[1])], NOW)

    assert hole.length_ms == 2_000


def test_the_first_leg_that_is_heard_is_no_hole() -> None:
    """Before it the caller could say nothing, or another brain heard them."""
    hole = Hole()
    feed(leg=0, hole=hole).receive([(b"9000-0", entry(1)[1])], NOW)

    assert hole.length_ms == 0


def test_many_lost_frames_are_a_hole() -> None:
    hole = Hole()
    caller = feed(hole=hole)
    frames = int(HOLE_MS / 20)
    caller.receive([entry(1), entry(2 + frames)], NOW)

    assert hole.length_ms == HOLE_MS
