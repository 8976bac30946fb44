"""The offline checker as a whole."""

from __future__ import annotations

from egress.pacing.pacer import LEAD_MS
from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.evidence.leftovers import LEAST_FRAMES
from proofs.prove.chaos.evidence.shapes import OtherSound
from proofs.prove.chaos.evidence.verdict import judge
from proofs.prove.listening.spans import Span
from tests.proofs.prove.chaos.evidence import made


def test_a_healthy_row_breaks_nothing_and_says_every_figure() -> None:
    """All invariants stand in it."""
    frames = [0.0, *[-LEAD_MS] * LEAST_FRAMES]
    other = made.healthy(is_hit=False, number=2, call_sid="CA" + "2" * 32)
    other.lateness_ms.extend([*frames, *frames])
    found = judge(made.row(made.healthy(), other), Bounds(silence_ms=0))

    assert [each.text for each in found if each.is_broken] == []
    assert {each.promise for each in found} == {"I1", "I2", "I3", "I4", "I5", "I6", "I7", "turns"}


def test_a_sound_that_nobody_made_is_found() -> None:
    """One frame of a call that was hit may lack its head: an owner began off the grid."""

    def broken(ms: float) -> list[str]:
        call = made.healthy()
        call.other.append(OtherSound("unknown", Span(9_100.0, 9_100.0 + ms)))
        return [each.what for each in judge(made.row(call), Bounds(silence_ms=0)) if each.is_broken]

    assert broken(15.0) == []
    assert broken(100.0) == ["sounds that nobody made"]
