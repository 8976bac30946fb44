"""The session begins and ends: what that does to the state.

Owns: the phase. A lost session takes its ids with it: nothing it was generating can come any more, but
what is in `reply` is still good and will be heard; wishes wait for the next session until they expire.
"""

from __future__ import annotations

from brain.sequencer import barge_in, door, responses
from brain.sequencer.inputs import SessionConfirmed, SessionLost
from brain.sequencer.state import CallerSpeech, Phase, State


def confirmed(s: State, i: SessionConfirmed, now_ms: float) -> None:
    """The gate opens; later echoes of `session.updated` are not a new beginning."""
    s.phase = Phase.OPEN
    s.journal("session_ready")


def lost(s: State, i: SessionLost, now_ms: float) -> None:
    """Close what was open, keep what is wished."""
    s.journal("error", what="session_lost", cause=i.cause)
    barge_in.resolve_cut(s, {})
    s.batches.clear()
    if s.active is not None:
        responses.over(s, s.active, now_ms)
    s.caller = CallerSpeech()
    s.phase = Phase.CLOSED
    create = s.outstanding
    s.outstanding = None
    if create is not None and create.wish is not None:
        door.defer(s, create.wish, door.Gate.SESSION, "session_lost")
