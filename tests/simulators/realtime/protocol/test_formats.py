"""The three audio formats."""

from __future__ import annotations

import pytest

from simulators import clips
from simulators.realtime.protocol.formats import FORMATS, PCM, PCMA, PCMU


@pytest.mark.parametrize(("name", "factor"), [(PCMU, 1), (PCMA, 1), (PCM, 6)])
def test_conversion_keeps_the_duration(name: str, factor: int) -> None:
    """Bytes a millisecond are those of the format."""
    audio = clips.load("en_model_idle")
    converted = FORMATS[name].from_mulaw(audio)
    assert len(converted) == factor * len(audio)
    assert FORMATS[name].bytes_per_ms == factor * 8


@pytest.mark.parametrize("name", [PCMA, PCM])
def test_loudness_is_the_same_in_every_format(name: str) -> None:
    """Energy is comparable, so one threshold serves all."""
    audio = clips.load("en_model_idle")
    expected = FORMATS[PCMU].energy(audio)
    assert FORMATS[name].energy(FORMATS[name].from_mulaw(audio)) == pytest.approx(expected, rel=0.05)
    assert FORMATS[name].energy(b"") == 0.0


def test_known_alaw_codes() -> None:
    """Silence and full scale of ITU-T G.711: 0xD5, 0xAA positive, 0x2A negative."""
    assert FORMATS[PCMA].from_mulaw(b"\xff\x80\x00") == b"\xd5\xaa\x2a"
