"""What the caller is owed, as the state has it: who raises a debt, what pays it, what is on its way.

Why it exists: many rules let a caller wait, one kind of report ends that, and two decisions take it back;
each of the three is one function here.

Owns: whether there is anybody to owe something to, and whether an answer is in `reply` already. Must not
know: what is done about a debt that nothing answers (ask_again).
"""

from __future__ import annotations

from brain.sequencer.state import Phase, Response, State
from brain.sequencer.wishes import Reason
from shared.contract.owed import DebtCause

CAUSES = {
    Reason.FAREWELL: DebtCause.FAREWELL,
    Reason.GREETING: DebtCause.GREETING,
    Reason.OPERATOR: DebtCause.OPERATOR,
    Reason.TOOL_OUTPUTS: DebtCause.TOOL,
    Reason.TURN: DebtCause.TURN,
}
"""What is owed for a wish. Nobody waits for an idle prompt."""


def owe(s: State, cause: DebtCause, now_ms: float) -> int:
    """Raises a debt; returns its number. 0: the caller is elsewhere, or the call has ended, and nobody
    waits."""
    if s.phase is Phase.ENDED or (s.move is not None and s.move.gone):
        return 0
    return s.debts.owe(cause, now_ms)


def sounded(s: State, response: Response | None, now_ms: float) -> None:
    """The caller hears this response: what it answers is paid. What it does not answer is owed from now on: a
    wish that still waits, a tool that still runs."""
    if response is None or not response.sounded or not s.debts.settle(response.debt, now_ms):
        return
    for batch in s.batches.values():
        if batch.debt <= response.debt:
            batch.debt = owe(s, DebtCause.TOOL, now_ms)
    in_flight = None if s.outstanding is None else s.outstanding.wish
    for wish in (*s.deferred.values(), in_flight):
        if wish is not None and wish.reason in CAUSES and not s.debts.standing:
            owe(s, CAUSES[wish.reason], now_ms)


def waive(s: State, number: int, now_ms: float) -> None:
    """It was decided that debts up to this one need no answer; what is in `reply` is still owed."""
    in_reply = max((r.debt for r in s.responses.values() if s.has_unheard(r.response_id)), default=0)
    s.debts.waive(number, now_ms, above=in_reply)


def is_answer_in_reply(s: State) -> bool:
    """Whether audio that answers all that is owed waits to be heard."""
    owed = s.debts.owed
    return owed is not None and any(
        response.debt >= owed.number and response.sounded and s.has_unheard(response.response_id)
        for response in s.responses.values()
    )


def is_unanswered(s: State) -> bool:
    """Whether sound is owed that nothing in `reply` pays for."""
    return s.debts.owed is not None and not is_answer_in_reply(s)
