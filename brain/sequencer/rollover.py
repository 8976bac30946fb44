"""The session must be replaced before its limit: finds a moment that nobody notices.

Owns: what a quiet moment is, and the wait for one. Must not know: how a session is replaced. That is the
driver's: it answers with SessionLost, and the next session is confirmed like any other.
"""

from __future__ import annotations

from brain.sequencer import owing
from brain.sequencer.actions import RollOver
from brain.sequencer.inputs import RolloverDue
from brain.sequencer.state import State
from shared.contract.streams.journal import Kind


def due(s: State, i: RolloverDue, now_ms: float) -> None:
    """From now on the first quiet moment is taken."""
    if s.roll_over_by_ms is None:
        s.journal(Kind.ROLLOVER_DUE, force_in_ms=max(0.0, i.force_at_ms - now_ms))
    s.roll_over_by_ms = i.force_at_ms
    s.roll_over_settle_ms = i.settle_at_ms


def due_ms(s: State) -> float | None:
    """From when on the session is replaced if nothing happens before: a quiet moment, or the last one. None
    also while a call ends, since it is over sooner, and for a session that is given up anyway."""
    if s.roll_over_by_ms is None or s.hang_up is not None or s.asking.replacing:
        return None
    quiet_at_ms = _quiet_at_ms(s)
    return s.roll_over_by_ms if quiet_at_ms is None else min(quiet_at_ms, s.roll_over_by_ms)


def roll_over(s: State, now_ms: float) -> None:
    """Replaces the session: this is a quiet moment, or the last one."""
    s.roll_over_by_ms = None
    s.actions.append(RollOver())


def is_quiet(s: State, now_ms: float, *, may_play: bool) -> bool:
    """Whether the call may change hands without anybody's notice; with `may_play` while audio plays."""
    quiet_at_ms = _quiet_at_ms(s)
    if quiet_at_ms is None or s.hang_up is not None or (s.is_playing() and not may_play):
        return False
    caller = s.caller
    settled_ms = 0.0 if caller.stopped_at_ms is None else caller.stopped_at_ms + s.config.quiet_ms
    return now_ms >= settled_ms


# Private.


def _quiet_at_ms(s: State) -> float | None:
    """From when on the present moment counts as quiet; None while something is going on that must not be
    cut. What is generated in full and still played goes on over the change, and is left alone for as long
    as there is time: should it be interrupted, its truncation is only a rewrite (cut)."""
    caller = s.caller
    if s.is_working() or caller.unanswered or owing.is_unanswered(s):
        return None
    quiet_at_ms = 0.0 if caller.stopped_at_ms is None else caller.stopped_at_ms + s.config.quiet_ms
    return max(quiet_at_ms, s.roll_over_settle_ms) if s.is_playing() else quiet_at_ms
