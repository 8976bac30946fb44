"""The session is replaced when it does not do its work any more: what counts against it, and what for it.

Why it exists: a half-open socket and a server that fails at everything look alike from outside, a session
that answers nothing. Asking it again and again would be silence; a new one costs a second.

Owns: the counts, and when they are enough. Must not know: how a session is replaced. That is the driver's: it
answers with SessionLost, as for one that was lost.
"""

from __future__ import annotations

from brain.sequencer import owing
from brain.sequencer.actions import ReplaceSession
from brain.sequencer.state import Phase, Response, State
from shared.contract.streams.journal import Kind

ACTIVE_RESPONSE = "conversation_already_has_active_response"

REFUSED_IN_A_ROW = 4
"""Creates, with doubling pauses between them: nearly two seconds. A race is over by the second."""

UNANSWERED_IN_A_ROW = 2
"""Creates. One may be lost between two healthy ends."""


def heard_from(s: State) -> None:
    """Any word of the server's is a sign of life."""
    s.asking.unanswered = 0


def turn_unanswered(s: State) -> None:
    """The server made no response of its own: as good as a create that it did not answer."""
    s.asking.unanswered = 1


def create_unanswered(s: State) -> None:
    """A create was given up on."""
    s.asking.unanswered += 1
    if s.asking.unanswered >= UNANSWERED_IN_A_ROW:
        ask(s, "create_unanswered")


def create_refused(s: State, code: str) -> None:
    """A create met a response that we know to be over: the server's slot is stuck."""
    if code != ACTIVE_RESPONSE or s.active is not None:
        return
    s.asking.refused += 1
    if s.asking.refused >= REFUSED_IN_A_ROW and owing.is_unanswered(s):
        ask(s, "slot_stuck")


def done_missing(s: State, response: Response) -> None:
    """A response was cancelled, and its `done` did not come. A server that says that nothing was active
    lives; its `done` alone was lost."""
    if owing.is_unanswered(s) and not response.cancel_refused:
        ask(s, "done_missing")


def silent_end(s: State, cause: str) -> None:
    """A response failed, or ended without a sound, while sound was owed."""
    s.asking.silent_ends += 1
    if s.asking.silent_ends >= s.config.silent_ends_in_a_row:
        ask(s, cause)


def worked(s: State) -> None:
    """A response spoke, or called a tool."""
    s.asking.silent_ends = s.asking.refused = 0


def sounded(s: State, response: Response) -> None:
    """Audio of it came that is no silence."""
    response.sounded = True
    worked(s)


def lost(s: State) -> None:
    """The session is gone: nothing counts against the next one."""
    s.asking.replacing = False
    s.asking.unanswered = 0


def ask(s: State, cause: str) -> None:
    """Asks for a new session, once; nothing is asked of this one any more."""
    if s.phase is not Phase.OPEN or s.asking.replacing:
        return
    s.asking.replacing = True
    s.asking.silent_ends = s.asking.unanswered = s.asking.refused = 0
    s.journal(Kind.ERROR, what="session_replaced", cause=cause)
    s.actions.append(ReplaceSession(cause=cause))
