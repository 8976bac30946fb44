"""Whether what was said was heard in its order."""

from __future__ import annotations

import pytest

from proofs.simulate.order import jumps
from simulators import clips
from simulators.twilio.media.playout import Playback

NAME = "en_model_long"
CLIP = clips.load(NAME)
MS = 8


def _heard(*parts: bytes) -> list[Playback]:
    found, at_ms = [], 0.0
    for part in parts:
        ended_ms = at_ms + len(part) / MS
        found.append(Playback(at_ms, ended_ms, "dry", len(part), bytearray(part)))
        at_ms = ended_ms + 100
    return found


def _jumps_ms(*parts: bytes) -> list[float]:
    return [jump.ms for jump in jumps(_heard(*parts), {NAME: CLIP}) if jump.ms]


def test_a_pause_is_what_the_clip_has_not() -> None:
    """Between two stretches; nothing within one, however quiet it is in places."""
    assert jumps(_heard(CLIP), {NAME: CLIP}) == []
    found = jumps(_heard(CLIP[: 2_000 * MS], CLIP[2_000 * MS :]), {NAME: CLIP})
    assert [(jump.ms, round(jump.paused_ms)) for jump in found] == [(0.0, 100)]


@pytest.mark.parametrize("at_ms", [1_000, 2_000, 3_000])
def test_what_goes_on_where_it_ceased(at_ms: int) -> None:
    """In one stretch or in two, whole or cut."""
    at = at_ms * MS
    assert _jumps_ms(CLIP) == []
    assert _jumps_ms(CLIP[:at], CLIP[at:]) == []
    assert _jumps_ms(CLIP[:at]) == []


def test_what_begins_again_is_said_again() -> None:
    """From its start: that is another answer."""
    assert _jumps_ms(CLIP[:16_000], CLIP) == []


def test_what_is_heard_again_and_what_is_left_out() -> None:
    """In the middle of a word, in one stretch as in two."""
    at, moved = 2_000 * MS, 200 * MS
    for parts in ((CLIP[:at], CLIP[at - moved :]), (CLIP[:at] + CLIP[at - moved :],)):
        (again,) = _jumps_ms(*parts)
        assert -200 <= again < -100
    for parts in ((CLIP[:at], CLIP[at + moved :]), (CLIP[:at] + CLIP[at + moved :],)):
        (left_out,) = _jumps_ms(*parts)
        assert 100 < left_out <= 200
