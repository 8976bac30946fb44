"""The framer: bytes of any split give the same frames; nothing is lost, nothing is said twice."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.reply.framer import Framer, frame_at_ms
from shared.audio import FRAME_BYTES

SILENT = b"\xff"


def speech(length: int) -> bytes:
    """Bytes that differ from frame to frame and are never silence."""
    return bytes((index * 7 + index // 160) % 251 for index in range(length))


def frames_of(framer: Framer) -> list[bytes]:
    return [framer.frames(index) for index in range(framer.held_from, framer.end_frame)]


@given(st.binary(max_size=2000), st.data())
def test_any_split_gives_the_same_frames(audio: bytes, data: st.DataObject) -> None:
    """However the bytes are cut into pieces, and even if pieces come twice, the frames are the same."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(audio)), max_size=8)))
    bounds = [0, *cuts, len(audio)]
    framer = Framer()

    for begin, end in pairwise(bounds):
        framer.feed(begin, audio[begin:end])
        if data.draw(st.booleans()):
            framer.feed(begin, audio[begin:end])
    framer.close()

    padded = audio + SILENT * (-len(audio) % FRAME_BYTES)
    assert b"".join(frames_of(framer)) == padded
    assert framer.end_frame == len(padded) // FRAME_BYTES
    assert framer.received_bytes == len(audio)


def test_the_remainder_waits_for_the_next_piece() -> None:
    """Half a frame is not sent; it goes with the bytes that follow."""
    audio = speech(320)
    framer = Framer()

    framer.feed(0, audio[:200])
    before = framer.end_frame
    framer.feed(200, audio[200:])

    assert before == 1
    assert frames_of(framer) == [audio[:160], audio[160:]]


def test_the_tail_is_padded_with_silence() -> None:
    """The last bytes of an item leave as a whole frame, filled with 0xFF, and count as their real length."""
    audio = speech(200)
    framer = Framer()
    framer.feed(0, audio)

    framer.close()
    framer.close()

    assert framer.frames(1) == audio[160:] + SILENT * 120
    assert framer.end_frame == 2
    assert framer.end_ms == 25


def test_bytes_that_are_here_already_are_dropped() -> None:
    """An entry that was written twice adds only what is new in it."""
    audio = speech(480)
    framer = Framer()
    framer.feed(0, audio[:200])

    new = framer.feed(40, audio[40:480])

    assert new == 280
    assert b"".join(frames_of(framer)) == audio


def test_a_gap_is_refused_and_measured() -> None:
    """A piece behind a gap says how many bytes are missing and changes nothing."""
    framer = Framer()
    framer.feed(0, speech(160))

    missing = framer.missing_before(500)

    assert missing == 340
    with pytest.raises(ValueError, match="a gap"):
        framer.feed(500, b"x")
    assert framer.received_bytes == 160


def test_a_stretch_in_the_middle_keeps_the_grid_of_the_item() -> None:
    """A stretch that begins off the grid is padded in front, so that its frames keep their places."""
    audio = speech(480)
    framer = Framer(start_bytes=200)

    framer.feed(200, audio[200:])

    assert framer.first_frame == 1
    assert framer.frames(1) == SILENT * 40 + audio[200:320]
    assert framer.frames(2) == audio[320:]


def test_released_frames_are_gone_and_the_rest_stays() -> None:
    """Releasing frees what was heard; a later frame is still the same, an earlier one is an error."""
    audio = speech(800)
    framer = Framer()
    framer.feed(0, audio)

    framer.release(3)
    framer.release(1)

    assert framer.held_bytes == 320
    assert framer.frames(3) == audio[480:640]
    with pytest.raises(IndexError):
        framer.frames(2)


def test_audio_behind_the_end_is_refused() -> None:
    """A closed stretch takes no bytes: its padding would stand in the middle of a word."""
    framer = Framer()
    framer.feed(0, b"a")
    framer.close()

    with pytest.raises(ValueError, match="behind the end"):
        framer.feed(1, b"b")


@pytest.mark.parametrize(("position_ms", "frame"), [(0, 0), (0.1, 1), (20, 1), (20.5, 2), (160, 8)])
def test_what_was_partly_heard_is_not_said_again(position_ms: float, frame: int) -> None:
    """Going on from a position begins with the first frame that was not heard at all."""
    assert frame_at_ms(position_ms) == frame
