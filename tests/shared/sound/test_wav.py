"""WAV files of every usual form, and what is said of others."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from shared import mulaw
from shared.sound.wav import EXTENSIBLE, FLOAT, MULAW, PCM, read_wav
from tests.support.wav_files import wav, words

SAMPLES = (0, 1_000, -1_000, 32_767, -32_768, 12_345)
TRUE_FORM = b"\x16\0\x10\0\4\0\0\0\1\0" + b"\0" * 14
"""What follows the header of an extensible form: it is PCM."""


def riff(tag: int, bits: int, body: bytes, *, channels: int = 1, more: bytes = b"") -> bytes:
    """A file as programs write it, with a chunk that nobody knows in front."""
    form = struct.pack("<HHIIHH", tag, channels, 8_000, 1_000 * bits, bits // 8, bits) + more
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def test_a_file_of_the_standard_library_is_read() -> None:
    """16 bits, one channel, at its own rate."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setframerate(16_000)
        written.setnchannels(1)
        written.setsampwidth(2)
        written.writeframes(struct.pack(f"<{len(SAMPLES)}h", *SAMPLES))

    found = read_wav(file.getvalue())

    assert (tuple(found.samples), found.rate_hz) == (SAMPLES, 16_000)


@pytest.mark.parametrize(
    ("data", "nearly"),
    [
        (riff(PCM, 8, bytes([128, 132, 124, 255, 0, 176])), 256),
        (riff(PCM, 24, b"".join(struct.pack("<i", each << 8)[:3] for each in SAMPLES)), 0),
        (riff(PCM, 32, b"".join(struct.pack("<i", each << 16) for each in SAMPLES)), 0),
        (riff(FLOAT, 32, struct.pack("<6f", *(each / 32_767 for each in SAMPLES))), 1),
        (riff(MULAW, 8, mulaw.encode(SAMPLES)), 700),
        (riff(EXTENSIBLE, 16, struct.pack("<6h", *SAMPLES), more=TRUE_FORM), 0),
    ],
    ids=["8 bits", "24 bits", "32 bits", "float", "mulaw", "extensible"],
)
def test_other_forms_hold_the_same_sound(data: bytes, nearly: int) -> None:
    """As near as their bits go."""
    found = list(read_wav(data).samples)
    expected = [0, 1_024, -1_024, 32_512, -32_768, 12_288] if nearly == 256 else SAMPLES

    assert all(abs(got - want) <= nearly for got, want in zip(found, expected, strict=True))


def test_channels_are_mixed() -> None:
    """Left and right."""
    stereo = riff(PCM, 16, struct.pack("<6h", 100, 300, -100, -300, 7, 7), channels=2)

    assert list(read_wav(stereo).samples) == [200, -200, 7]


def test_a_file_that_breaks_off_is_read_to_its_end() -> None:
    """A program that writes into a pipe knows no length; half a sample is none."""
    whole = riff(PCM, 16, struct.pack("<6h", *SAMPLES))

    assert list(read_wav(whole[:-3]).samples) == list(SAMPLES[:4])


@pytest.mark.parametrize("says", [0xFFFFFFFF, 0x7FFFF000])
def test_a_file_out_of_a_pipe_says_too_much(says: int) -> None:
    """Its writer did not know how long it would be."""
    assert list(read_wav(wav(words(list(SAMPLES)), says=says)).samples) == list(SAMPLES)


def test_it_is_brought_to_the_rate_of_a_telephone() -> None:
    """One that cannot be meant is refused."""
    assert len(read_wav(wav(words([5] * 160), rate_hz=16_000)).at_telephone_rate()) == 80
    with pytest.raises(ValueError, match="expected a sampling rate"):
        read_wav(wav(words([5]), rate_hz=1)).at_telephone_rate()


def test_a_float_that_is_no_number_is_silence() -> None:
    """And what is too loud is as loud as can be."""
    odd = riff(FLOAT, 32, struct.pack("<3f", float("nan"), 7.0, -7.0))

    assert list(read_wav(odd).samples) == [0, 32_767, -32_767]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ID3\x03rest", "begins with b'ID3"),
        (b"", "begins with b''"),
        (b"RIFF\0\0\0\0WAVE", "without"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "without"),
        (riff(2, 4, b"abc"), "form 2 with 4 bits"),
        (riff(PCM, 16, b"", channels=0), "form 1 with 16 bits"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0\1\0\1\0", "4 bytes of it"),
    ],
)
def test_what_is_no_such_file_is_told_with_what_to_do(data: bytes, said: str) -> None:
    """What was expected, what came, a command."""
    with pytest.raises(ValueError, match="ffmpeg") as caught:
        read_wav(data)

    assert said in str(caught.value)
