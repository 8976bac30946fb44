"""What `/voice/resume` does: the card's plan, as one pure decision.

Why it exists: Twilio asks this webhook whenever a media stream ended, for whatever reason, and
again when a dialled number is done. The answer must be right after a crash, a move, a transfer and
a farewell, and must never loop. Pure. Must not know TwiML, HTTP or Redis.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

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
class Plan:
    """`argument`: the text, the number, or the digits before a stream. `outcome`: ends the call
    with it.
    """

    verb: Verb
    argument: str = ""
    outcome: str = ""


def decide(card: Mapping[str, str], form: Mapping[str, str], *, tries: int, max_resumes: int) -> Plan:
    """`card` is empty if there is none; `tries` counts this call's resumes, as our own URL carries
    it.

    Both bounds hold: the card's, and the URL's, which stands when Redis forgot or no start ever
    passed.
    """
    planned, argument = card.get("next", ""), card.get("next_arg", "")
    if card.get("state") == "ended":
        return Plan(Verb.SAY, argument) if planned in ("say", "apology") else Plan(Verb.HANG_UP)
    dialled = form.get("DialCallStatus", "")
    if dialled in _ANSWERED:
        return Plan(Verb.HANG_UP, outcome="transferred")
    if not dialled:
        match planned:
            case "say":
                return Plan(Verb.SAY, argument, outcome="said")
            case "apology":
                return Plan(Verb.APOLOGISE, argument, outcome="apology")
            case "hangup":
                return Plan(Verb.HANG_UP, outcome="hangup")
            case "dial" if is_destination(argument):
                return Plan(Verb.DIAL, argument)
    if tries > max_resumes or _number(card.get("resumes", "")) >= max_resumes:
        return Plan(Verb.APOLOGISE, outcome="too_many_resumes")
    return Plan(Verb.STREAM, argument if planned == "digits" and not dialled else "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
