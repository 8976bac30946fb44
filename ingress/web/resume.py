"""What `/voice/resume` does: the card's plan, as one pure decision.

Why it exists: Twilio asks this webhook whenever a media stream ended, for whatever reason, and again when a
dialled number is done. The answer must be right after a crash, a move, a transfer and a farewell, and must
never loop. Owns: that decision. Pure. Must not know: TwiML, HTTP, Redis.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from shared.contract.card import CallState, Next, ResumeView
from shared.forms import is_destination

_ANSWERED = frozenset({"completed", "answered"})


class Verb(enum.StrEnum):
    """What is answered."""

    STREAM = "stream"
    SAY = "say"
    APOLOGISE = "apologise"
    DIAL = "dial"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Decision:
    """`argument`: the text, the number, or the digits before a stream. `outcome`: ends the call with it."""

    verb: Verb
    argument: str = ""
    outcome: str = ""


def decide(card: ResumeView | None, form: Mapping[str, str], *, tries: int, max_resumes: int) -> Decision:
    """`card` is None where Redis knows no such call; `tries` counts this call's resumes, as our own URL
    carries it.

    Both bounds hold: the card's, and the URL's, which stands when Redis forgot or no start ever passed.
    """
    planned, argument = (Next.NOTHING, "") if card is None else (card.next, card.next_arg)
    if card is not None and card.state is CallState.ENDED:
        return Decision(Verb.SAY, argument) if planned is Next.APOLOGY else Decision(Verb.HANG_UP)
    dialled = form.get("DialCallStatus", "")
    if dialled in _ANSWERED:
        return Decision(Verb.HANG_UP, outcome="transferred")
    if not dialled:
        match planned:
            case Next.APOLOGY:
                return Decision(Verb.APOLOGISE, argument, outcome="apology")
            case Next.HANG_UP:
                return Decision(Verb.HANG_UP, outcome="hangup")
            case Next.DIAL if is_destination(argument):
                return Decision(Verb.DIAL, argument)
    if tries > max_resumes or (card is not None and card.resumes >= max_resumes):
        return Decision(Verb.APOLOGISE, outcome="too_many_resumes")
    return Decision(Verb.STREAM, argument if planned is Next.DIGITS and not dialled else "")
