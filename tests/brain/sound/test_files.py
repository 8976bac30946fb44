"""Files of sounds: what becomes of a good one, what is said of a bad one."""

from __future__ import annotations

import math
import struct
import wave
from array import array
from pathlib import Path

import pytest

from brain.sound import files
from brain.sound.files import SoundFiles
from brain.sound.levels import loudness_db
from shared import mulaw


def write_wav(path: Path, peak: int = 8_000, ms: int = 1_000, rate_hz: int = 16_000) -> None:
    samples = [round(peak * math.sin(2 * math.pi * 440 * n / rate_hz)) for n in range(rate_hz * ms // 1000)]
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate_hz)
        file.setnchannels(1)
        file.setsampwidth(2)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def test_a_notice_is_said_as_it_was_recorded(tmp_path: Path) -> None:
    """At its own loudness, on the line of a telephone."""
    write_wav(tmp_path / "notice.wav")

    audio = SoundFiles(tmp_path).notice("notice.wav")

    assert len(audio) == 8_000
    assert loudness_db(mulaw.decode(audio)) == pytest.approx(-15.3, abs=0.5)


def test_a_loop_is_softer_than_a_voice(tmp_path: Path) -> None:
    """By as much as is wanted, however loud the file is."""
    for peak in (1_000, 20_000):
        write_wav(tmp_path / f"{peak}.wav", peak)
        audio = SoundFiles(tmp_path).loop(f"{peak}.wav", -20.0)
        assert loudness_db(mulaw.decode(audio)) == pytest.approx(-40.0, abs=0.5)


def test_bare_mulaw_is_taken_as_it_is(tmp_path: Path) -> None:
    """Sample for sample: µ-law has two codes for zero, and one of them is written."""
    said = mulaw.encode(round(8_000 * math.sin(n / 3)) for n in range(4_000))
    (tmp_path / "notice.ulaw").write_bytes(said)

    assert mulaw.decode(SoundFiles(tmp_path).notice("notice.ulaw")) == mulaw.decode(said)


def test_a_file_is_read_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten agents may have the same music."""
    read: list[str] = []
    real = files._read

    def noted(name: str, data: bytes) -> array[int]:
        read.append(name)
        return real(name, data)

    monkeypatch.setattr(files, "_read", noted)
    sounds = SoundFiles(tmp_path)
    write_wav(tmp_path / "a.wav")
    first = sounds.loop("a.wav", -20.0)
    sounds.loop("a.wav", -10.0)
    assert read == ["a.wav"]

    write_wav(tmp_path / "a.wav", ms=2_000)

    assert len(sounds.loop("a.wav", -20.0)) == 2 * len(first)
    assert read == ["a.wav"] * 2


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("gone.wav", {}, "gone.wav: cannot be read (No such file or directory)"),
        ("short.wav", {"ms": 100}, "short.wav: expected 0.2 to 60 s, got 0.1 s"),
        ("soft.wav", {"peak": 20}, "soft.wav: expected words that can be heard"),
        ("loud.wav", {"peak": 400_000}, "loud.wav: is distorted"),
    ],
)
def test_a_notice_that_callers_would_not_hear_is_told(
    tmp_path: Path, name: str, given: dict[str, int], said: str
) -> None:
    """What was expected, and what came."""
    if given.get("peak", 0) > 32_767:
        square = [32_767 if n % 20 < 10 else -32_768 for n in range(8_000)]
        (tmp_path / name).write_bytes(_wav(square))
    elif given:
        write_wav(tmp_path / name, **given)

    with pytest.raises(ValueError, match=r"^" + name) as caught:
        SoundFiles(tmp_path).notice(name)

    assert str(caught.value).startswith(said)


def test_a_loop_must_sound(tmp_path: Path) -> None:
    """And be long enough to be one."""
    write_wav(tmp_path / "silent.wav", peak=0)
    write_wav(tmp_path / "short.wav", ms=300)

    with pytest.raises(ValueError, match="expected a sound, got silence"):
        SoundFiles(tmp_path).loop("silent.wav", -20.0)
    with pytest.raises(ValueError, match=r"expected 0\.5 to 60 s"):
        SoundFiles(tmp_path).loop("short.wav", -20.0)


def test_what_is_no_sound_is_told_by_its_name(tmp_path: Path) -> None:
    """Another form, or far too much of it."""
    (tmp_path / "a.mp3").write_bytes(b"ID3\x03 something")
    with pytest.raises(ValueError, match=r"^a\.mp3: expected a WAV file"):
        SoundFiles(tmp_path).notice("a.mp3")


def test_a_huge_file_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size."""
    monkeypatch.setattr(files, "FILE_MOST_BYTES", 1_000)
    write_wav(tmp_path / "a.wav")

    with pytest.raises(ValueError, match="MiB at most"):
        SoundFiles(tmp_path).notice("a.wav")


def _wav(samples: list[int]) -> bytes:
    body = struct.pack(f"<{len(samples)}h", *samples)
    form = struct.pack("<HHIIHH", 1, 1, 8_000, 16_000, 2, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", len(body)) + body
    )  # fmt: skip
