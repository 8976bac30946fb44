"""What a conversation is at, for people who look at it from outside. Pure.

Why it exists: who reads the journal can work it out, a list of fifty calls cannot. Owns: which phase a
moment is, and when the card says it again. Must not know: how a moment comes about (the sequencer), how the
card is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contract.card import BrainPhase, TalkPhase


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How a call stands, as far as a phase needs it."""

    is_here: bool
    """The caller has a media stream."""
    is_caller_speaking: bool
    is_audible: bool
    """The caller hears the model."""
    tools_run: bool
    is_held: bool
    """The caller has asked for a moment."""
    is_owed: bool
    """An answer is owed, asked for, or being made."""


def phase_of(moment: Moment) -> TalkPhase:
    """What is told of it: of several things at once, the one that the caller notices most."""
    if not moment.is_here:
        return TalkPhase.MOVING
    if moment.is_caller_speaking:
        return TalkPhase.LISTENING
    if moment.is_audible:
        return TalkPhase.SPEAKING
    if moment.tools_run:
        return TalkPhase.TOOL
    if moment.is_owed:
        return TalkPhase.THINKING
    return TalkPhase.HOLD if moment.is_held else TalkPhase.LISTENING


@dataclass(slots=True)
class PhaseWords:
    """What the card of one call says."""

    _told: BrainPhase | None = None

    def changed(self, phase: TalkPhase, response_ms: int | None, now_wall_ms: int) -> BrainPhase | None:
        """What the card is to say; None: what it says already. It counts as told from now on."""
        told = self._told
        if told is not None and told.phase is phase and told.response_ms == response_ms:
            return None
        since_ms = now_wall_ms if told is None or told.phase is not phase else told.phase_at_ms
        self._told = BrainPhase(phase=phase, phase_at_ms=since_ms, response_ms=response_ms)
        return self._told
