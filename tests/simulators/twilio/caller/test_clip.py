"""Clips: whole frames, bounds of the voice, files."""

from __future__ import annotations

import base64
import wave
from array import array
from pathlib import Path

import pytest

from simulators.twilio.caller.clip import Clip, read_clip

LOUD = bytes([0x10])
QUIET = bytes([0xFF])


def test_a_clip_is_padded_with_silence_to_whole_frames() -> None:
    """0xFF, never zeros; the payloads are the frames in base64."""
    clip = Clip(LOUD * 170)

    assert clip.frames == (LOUD * 160, LOUD * 10 + QUIET * 150)
    assert [base64.b64decode(payload) for payload in clip.payloads] == list(clip.frames)
    assert clip.duration_ms == 40


def test_silence_around_the_voice_is_not_speech() -> None:
    """Response times count from the voice, not from the end of the file."""
    clip = Clip(QUIET * 320 + LOUD * 160 + QUIET * 800)

    assert (clip.voice_from_ms, clip.voice_to_ms) == (40, 60)


def test_a_silent_clip_counts_whole() -> None:
    """There is nothing better to count."""
    clip = Clip(QUIET * 320)

    assert (clip.voice_from_ms, clip.voice_to_ms) == (0, 40)


def test_an_empty_clip_is_refused() -> None:
    """It could never be spoken."""
    with pytest.raises(ValueError, match="expected audio"):
        Clip(b"", "nothing")


def test_raw_and_wav_files_are_read(tmp_path: Path) -> None:
    """µ-law as it is, WAV through the encoder."""
    (tmp_path / "a.ulaw").write_bytes(LOUD * 160)
    with wave.open(str(tmp_path / "b.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(array("h", [0] * 160).tobytes())

    assert read_clip(tmp_path / "a.ulaw").audio == LOUD * 160
    assert read_clip(tmp_path / "b.wav").audio == QUIET * 160


def test_a_wav_of_another_shape_says_what_it_is(tmp_path: Path) -> None:
    """And how to convert it."""
    with wave.open(str(tmp_path / "c.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(8))

    with pytest.raises(ValueError, match=r"got 44100 Hz, 2 channels, 16 bit.*sox"):
        read_clip(tmp_path / "c.wav")
