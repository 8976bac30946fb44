"""What a conversation is at: of several things at once, the one that the caller notices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.telling.phase import Moment, PhaseWords, phase_of
from shared.contract.card import BrainPhase, TalkPhase

QUIET = Moment(
    is_here=True, is_caller_speaking=False, is_audible=False, tools_run=False, is_held=False, is_owed=False
)


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({}, TalkPhase.LISTENING),
        ({"is_held": True}, TalkPhase.HOLD),
        ({"is_owed": True, "is_held": True}, TalkPhase.THINKING),
        ({"is_owed": True, "tools_run": True}, TalkPhase.TOOL),
        ({"is_audible": True, "tools_run": True, "is_owed": True}, TalkPhase.SPEAKING),
        ({"is_caller_speaking": True, "is_audible": True}, TalkPhase.LISTENING),
        ({"is_here": False, "is_caller_speaking": True}, TalkPhase.MOVING),
    ],
)
def test_a_moment_has_one_phase(changes: dict[str, bool], phase: TalkPhase) -> None:
    """Whoever speaks goes before who thinks."""
    assert phase_of(replace(QUIET, **changes)) is phase


def test_the_card_says_it_once_and_since_when() -> None:
    """A response time that has changed is said without a new beginning of the phase."""
    words = PhaseWords()
    assert words.changed(TalkPhase.LISTENING, None, 1_000) == BrainPhase(
        phase=TalkPhase.LISTENING, phase_at_ms=1_000, response_ms=None
    )
    assert words.changed(TalkPhase.LISTENING, None, 1_500) is None
    assert words.changed(TalkPhase.LISTENING, 640, 2_000) == BrainPhase(
        phase=TalkPhase.LISTENING, phase_at_ms=1_000, response_ms=640
    )
    again = words.changed(TalkPhase.SPEAKING, 640, 2_500)
    assert again is not None
    assert again.phase_at_ms == 2_500
