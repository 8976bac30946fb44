"""What of our own sound the carrier has: when an answer takes its place."""

from __future__ import annotations

from ingress.sound.ours import OurSound
from shared.audio import FRAME_BYTES, SILENCE_FRAME

VOICE = b"\x10" * FRAME_BYTES


def test_an_answer_ends_what_still_plays_and_nothing_else() -> None:
    """Once; what has played is not thrown away again."""
    ours = OurSound()
    assert not ours.ends(VOICE, 0.0)

    ours.given(600.0, is_clip=False)
    assert ours.ends(VOICE, 599.0)
    assert not ours.ends(VOICE, 599.0)

    ours.given(1_200.0, is_clip=False)
    assert not ours.ends(VOICE, 1_200.0)


def test_silence_of_an_answer_waits_behind_it_and_goes_with_it() -> None:
    """The caller would hear nothing; but what stands behind must not delay the voice."""
    ours = OurSound()
    ours.given(600.0, is_clip=True)

    assert not ours.ends(SILENCE_FRAME, 500.0)
    assert ours.ends(VOICE, 700.0)


def test_only_the_clip_is_told_apart() -> None:
    """A call is quiet while music plays: it may be moved then."""
    ours = OurSound()
    ours.given(600.0, is_clip=False)
    assert (ours.until_ms, ours.clip_until_ms) == (600.0, 0.0)

    ours.given(1_600.0, is_clip=True)
    assert (ours.until_ms, ours.clip_until_ms) == (1_600.0, 1_600.0)

    ours.gone(1_000.0)
    assert (ours.until_ms, ours.clip_until_ms) == (0.0, 1_000.0)
