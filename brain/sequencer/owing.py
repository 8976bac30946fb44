"""What the caller is owed, as the state has it: who raises a debt, what pays it, what is on its way.

Why it exists: many rules let a caller wait, one kind of report ends that, and two decisions take it back;
each of the three is one function here.

Owns: whether there is anybody to owe something to, and whether an answer is in `reply` already. Must not
know: what is done about a debt that nothing answers (ask_again).
"""

from __future__ import annotations

from brain.sequencer.state import Phase, Response, State
from shared.contract.owed import DebtCause


def owe(s: State, cause: DebtCause, now_ms: float) -> int:
    """Raises a debt; returns its number. 0: the caller is elsewhere, or the call has ended, and nobody
    waits."""
    if s.phase is Phase.ENDED or (s.move is not None and s.move.gone):
        return 0
    return s.debts.owe(cause, now_ms)


def sounded(s: State, response: Response | None, now_ms: float) -> None:
    """The caller hears this response: what it answers is paid."""
    if response is not None and response.sounded:
        s.debts.settle(response.debt, now_ms)


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
