"""Caller frames become appends: order, gaps, legs, batches."""

from __future__ import annotations

from base64 import b64decode

import orjson

from brain.caller_audio import CallerAudio
from brain.counters import BrainCounters
from shared.audio import SILENCE_FRAME
from shared.entries import caller_fields
from shared.inbox import Entry


def entry(chunk: int, *, leg: int = 1, fill: int | None = None) -> Entry:
    audio = bytes([chunk if fill is None else fill]) * 160
    return b"%d-0" % chunk, caller_fields(leg, chunk, 0.0, audio)


def feed(leg: int = 1) -> CallerAudio:
    return CallerAudio(BrainCounters(), leg=leg)


def audio_in(message: str | None) -> bytes:
    assert message is not None
    return b64decode(orjson.loads(message)["audio"])


def test_a_batch_is_one_append() -> None:
    """All frames read together travel together."""
    caller = feed()
    caller.take([entry(1), entry(2), entry(3)])

    assert audio_in(caller.append_text()) == b"".join(bytes([n]) * 160 for n in (1, 2, 3))
    assert caller.last_id == b"3-0"


def test_a_single_frame_waits_for_the_next() -> None:
    """Or until it is asked for."""
    caller = feed()
    caller.take([entry(1)])

    assert caller.append_text() is None
    assert len(audio_in(caller.append_text(all_of_it=True))) == 160


def test_frames_of_an_older_leg_are_dropped() -> None:
    """They come from a socket that is gone."""
    caller = feed(leg=2)
    caller.take([entry(5, leg=1), entry(1, leg=2), entry(2, leg=2)])

    assert audio_in(caller.append_text()) == bytes([1]) * 160 + bytes([2]) * 160
    assert caller.counters.frames_old_leg == 1


def test_a_new_leg_begins_its_own_count() -> None:
    """Twilio's chunks start again with each stream; that is no gap."""
    caller = feed()
    caller.take([entry(200), entry(1, leg=2)])

    assert caller.leg == 2
    assert caller.counters.caller_gaps == 0


def test_repeated_frames_are_dropped() -> None:
    """An unknown write was sent twice."""
    caller = feed()
    caller.take([entry(1), entry(2), entry(1), entry(2), entry(3)])

    assert len(audio_in(caller.append_text())) == 3 * 160
    assert caller.counters.frames_repeated == 2


def test_a_gap_is_silence_to_the_model() -> None:
    """VAD only sees audio: missing frames are heard as a pause."""
    caller = feed()
    caller.take([entry(1), entry(4)])

    audio = audio_in(caller.append_text())

    assert audio == bytes([1]) * 160 + SILENCE_FRAME * 2 + bytes([4]) * 160
    assert caller.gap_frames == 2


def test_a_long_gap_is_padded_to_a_bound() -> None:
    """A second of silence ends any turn; minutes would only delay what comes."""
    caller = feed()
    caller.take([entry(1), (b"9-0", caller_fields(1, 5_000, 0.0, b"\x01" * 160))])

    assert len(audio_in(caller.append_text())) == (1 + 50 + 1) * 160


def test_a_broken_entry_is_counted_and_skipped() -> None:
    """Another version, or no audio."""
    caller = feed()
    caller.take([(b"1-0", [b"v", b"2"]), (b"2-0", [b"v", b"1"]), entry(3)])

    assert caller.counters.caller_entries_bad == 2
    assert caller.last_id == b"3-0"
