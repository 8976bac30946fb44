"""The hold clip is µ-law that begins and ends in silence."""

from __future__ import annotations

import pytest

from ingress.calls.hold_clip import CLIP_MS, encode_mulaw, hold_clip
from shared.audio import BYTES_PER_MS, SILENCE_BYTE


@pytest.mark.parametrize(
    ("sample", "byte"),
    [(0, 0xFF), (1, 0xFF), (-1, 0xFF), (-4, 0x7E), (32767, 0x80), (-32768, 0x00), (4, 0xFE), (8, 0xFE)],
)
def test_mulaw_values(sample: int, byte: int) -> None:
    """Silence, the ends of the scale, and the first steps beside zero."""
    assert encode_mulaw(sample) & 0x7F == byte & 0x7F
    if abs(sample) > 3:
        assert encode_mulaw(sample) == byte


def test_clip() -> None:
    """A second long, sounds, and leaves silence behind."""
    clip = hold_clip()
    assert len(clip) == CLIP_MS * BYTES_PER_MS
    assert len(set(clip)) > 50
    assert clip[0] == SILENCE_BYTE
    assert set(clip[-2000:]) == {SILENCE_BYTE}
    assert not set(clip) & {0x00, 0x80}
