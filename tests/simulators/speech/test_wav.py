"""WAV files of all usual forms."""

from __future__ import annotations

import struct
from array import array

import pytest

from simulators import mulaw
from simulators.speech.wav import EXTENSIBLE, FLOAT, MULAW, PCM, samples_of

RAMP = [0, 256, -256, 1024, -1024, 20_000, -20_000]


def wav(body: bytes, *, tag: int = PCM, channels: int = 1, rate_hz: int = 8000, bits: int = 16,
        says: int | None = None, before: bytes = b"", sub: int | None = None) -> bytes:  # fmt: skip
    """A file; `says`: the length that its header claims, `sub`: the true form of an extensible one."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    if sub is not None:
        form += struct.pack("<HHIH14x", 22, bits, 0, sub)
    head = b"fmt " + struct.pack("<I", len(form)) + form + before
    data = b"data" + struct.pack("<I", len(body) if says is None else says) + body
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(data)) + b"WAVE" + head + data


def words(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def test_sixteen_bits() -> None:
    """As they are."""
    assert samples_of(wav(words(RAMP))) == array("h", RAMP)


def test_eight_bits_are_without_a_sign() -> None:
    """128 is silence."""
    assert list(samples_of(wav(bytes([128, 129, 127]), bits=8))) == [0, 256, -256]


@pytest.mark.parametrize("width", [3, 4])
def test_more_bits_are_cut(width: int) -> None:
    """The upper sixteen are kept."""
    body = b"".join((each << (8 * (width - 2))).to_bytes(width, "little", signed=True) for each in RAMP)
    assert list(samples_of(wav(body, bits=8 * width))) == RAMP


def test_floats() -> None:
    """Full scale is 1; what is above it is held there."""
    body = struct.pack("<4f", 0.0, 0.5, -1.0, 7.0)
    assert list(samples_of(wav(body, tag=FLOAT, bits=32))) == [0, 16384, -32767, 32767]


def test_mulaw() -> None:
    """What a telephone system records."""
    assert samples_of(wav(b"\x10\xff", tag=MULAW, bits=8)) == mulaw.decode(b"\x10\xff")


def test_two_channels_are_mixed() -> None:
    """Their mean."""
    assert list(samples_of(wav(words([100, 200, -100, -300]), channels=2))) == [150, -200]


def test_another_rate_is_brought_to_eight_kilohertz() -> None:
    """Half as many samples of twice the rate."""
    assert len(samples_of(wav(words([0] * 320), rate_hz=16_000))) == 160


def test_an_extensible_header_says_later_what_it_is() -> None:
    """As editors write it."""
    assert list(samples_of(wav(words(RAMP), tag=EXTENSIBLE, sub=PCM))) == RAMP


@pytest.mark.parametrize("says", [0xFFFFFFFF, 0x7FFFF000])
def test_a_file_out_of_a_pipe_is_read_to_its_end(says: int) -> None:
    """Its writer did not know how long it would be."""
    assert list(samples_of(wav(words(RAMP), says=says))) == RAMP


def test_other_chunks_are_passed_over() -> None:
    """Of odd length too, with the byte that fills them up."""
    before = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert list(samples_of(wav(words(RAMP), before=before))) == RAMP


@pytest.mark.parametrize(
    ("data", "words_of_it"),
    [
        (b"ID3 and so on", "expected a WAV file"),
        (wav(b"", tag=85), "got format 85 with 16 bits"),
        (wav(words(RAMP), channels=0), "and 0 channels"),
        (b"RIFF\0\0\0\0WAVE", "expected a data chunk"),
        (b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\x01\0", "expected 16 bytes or more in the fmt chunk"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "expected a fmt chunk before"),
        (wav(words(RAMP), rate_hz=1), "expected a sampling rate"),
    ],
    ids=["mp3", "a codec", "no channel", "no data", "short", "no form", "rate"],
)
def test_what_is_no_sound_is_named(data: bytes, words_of_it: str) -> None:
    """What was expected, what the file holds."""
    with pytest.raises(ValueError, match=words_of_it):
        samples_of(data)
