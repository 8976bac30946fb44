"""Frames that say whose they are."""

from __future__ import annotations

from random import Random

from egress.reply.framer import Framer
from proofs.prove.chaos.evidence.coding import CALLER, FRAME_BYTES, MODEL, Code, Voice, is_beginning, pieces
from simulators import mulaw

VOICE = Voice(speaker=MODEL, call=7, session=300, response=2, item=1, clip=9)
SILENCE = bytes([mulaw.SILENCE])


def test_each_frame_says_whose_it_is() -> None:
    """All numbers come back, and audio is made of whole frames."""
    audio = VOICE.audio(1_000)

    assert len(audio) == 7 * FRAME_BYTES
    assert [(piece.start, piece.length, piece.code) for piece in pieces(audio)] == [
        (160 * number, 160, Code(voice=VOICE, frame=number)) for number in range(7)
    ]


def test_frames_survive_pieces_of_any_length_cut_again_on_the_grid() -> None:
    """The bridge's own framer returns the frames that were made."""
    audio, framer, chance, at = VOICE.audio(8_000), Framer(), Random(3), 0
    while at < len(audio):
        piece = audio[at : at + chance.randrange(1, 700)]
        framer.feed(at, piece)
        at += len(piece)

    found = [framer.frames(number) for number in range(framer.end_frame)]
    assert found == [VOICE.frame(number) for number in range(len(audio) // FRAME_BYTES)]


def test_a_frame_without_its_head_is_a_sound_that_nobody_knows() -> None:
    """As an owner makes it that begins off the grid; the next one is known."""
    audio = SILENCE * 60 + VOICE.frame(0)[60:] + VOICE.frame(1)

    unknown, known = pieces(audio)
    assert unknown.code is None
    assert known.code == Code(voice=VOICE, frame=1)


def test_a_frame_that_was_cut_is_known_and_shorter() -> None:
    """Unless the cut left less than its head."""
    (piece,) = pieces(VOICE.frame(4)[:80])
    assert (piece.code, piece.length) == (Code(voice=VOICE, frame=4), 80)
    (piece,) = pieces(VOICE.frame(4)[:12])
    assert piece.code is None
    assert all(is_beginning(VOICE.frame(4)[:length]) for length in (1, 6, 12, 18))
    assert not is_beginning(VOICE.frame(4)[6:18])
    assert not is_beginning(VOICE.frame(4)[:100])


def test_a_changed_byte_of_the_head_is_found() -> None:
    """The frame is not taken for another one."""
    frame = bytearray(VOICE.frame(4))
    frame[9] ^= 1
    assert [piece.code for piece in pieces(bytes(frame))] == [None]


def test_silence_is_passed_over() -> None:
    """Before, between and behind frames."""
    audio = SILENCE * 320 + VOICE.frame(0) + SILENCE * 7 + VOICE.frame(1) + SILENCE * 90

    assert [piece.start for piece in pieces(audio)] == [320, 487]


def test_a_frame_is_speech_to_a_detector() -> None:
    """Far louder than the level of the simulator's, and than what nobody hears."""
    frame = Voice(speaker=CALLER, call=1).frame(0)
    assert mulaw.energy(frame) > 0.05
