"""The hold clip is µ-law that begins and ends in silence."""

from __future__ import annotations

from ingress.sound.hold_clip import CLIP_MS, hold_clip
from shared.audio import BYTES_PER_MS, SILENCE_BYTE


def test_clip() -> None:
    """A second long, sounds, and leaves silence behind."""
    clip = hold_clip()
    assert len(clip) == CLIP_MS * BYTES_PER_MS
    assert len(set(clip)) > 50
    assert clip[0] == SILENCE_BYTE
    assert set(clip[-2000:]) == {SILENCE_BYTE}
    assert not set(clip) & {0x00, 0x80}
