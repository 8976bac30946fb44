"""What `/voice/resume` does: the card's plan, as one pure decision.

Why it exists: Twilio asks this webhook whenever a media stream ended, for whatever reason, and again when a
dialled number is done. The answer must be right after a crash, a move, a transfer and a farewell, and must
never loop. Owns: that decision, what our own URL carries from one resume to the next. Pure. Must not know:
TwiML, HTTP, Redis.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ingress.calls.ending import APOLOGY
from ingress.media.parameters import AGENT
from ingress.web.parties import Parties
from shared.contract.card import CallState, Next
from shared.contract.views import ResumeView
from shared.forms import is_destination

_ANSWERED = frozenset({"completed", "answered"})

UNATTACHED_MOST = 3
"""Streams in a row that were opened and never attached: a fourth would be refused as they were."""

LEGS_UNKNOWN = -1
AGENT_MAX_CHARACTERS = 64

NO_STREAM, TOO_MANY_RESUMES = "no_stream", "too_many_resumes"
_APOLOGISED = frozenset({APOLOGY, NO_STREAM, TOO_MANY_RESUMES, "no_new_stream"})
"""Outcomes of a call that ended although its caller wanted to go on: who is still there is told so."""


class Verb(enum.StrEnum):
    """What is answered."""

    STREAM = "stream"
    APOLOGISE = "apologise"
    DIAL = "dial"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Decision:
    """`argument`: the text, the number, or the digits before a stream. `outcome`: ends the call with it.
    `dialled`: what the brain is told of a dialled number. `language`: of the text, if not the agent's."""

    verb: Verb
    argument: str = ""
    outcome: str = ""
    dialled: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What our own URL carries: it bounds a loop where Redis forgot the call, or no stream was attached."""

    tries: int = 1
    """How often the call will have come to `/voice/resume`."""
    legs: int = 0
    """Streams that had been attached when the last one was asked for."""
    unattached: int = 0
    """Streams in a row, before the last one, that were not."""
    agent: str = ""
    """The agent that the first webhook's URL asked for: it is not forgotten with Redis."""

    def query(self) -> str:
        """For the URL; empty at the first time."""
        said: dict[str, str | int] = {}
        if self.tries > 1:
            said["n"] = self.tries
            if self.legs != LEGS_UNKNOWN:
                said["l"] = self.legs
        if self.unattached:
            said["s"] = self.unattached
        if self.agent:
            said[AGENT] = self.agent
        return f"?{urlencode(said)}" if said else ""

    def streams(self, card: ResumeView | None) -> Trail:
        """Of the next stream, by what the card says of the last one."""
        legs = _legs(card)
        unattached = self.unattached + 1 if legs == self.legs else 0
        return Trail(tries=self.tries + 1, legs=legs, unattached=unattached, agent=self.agent)

    def dials(self) -> Trail:
        """Of a number that is dialled: what comes back from it says nothing of streams."""
        return Trail(tries=self.tries + 1, legs=LEGS_UNKNOWN, agent=self.agent)


def read_trail(query: Mapping[str, str]) -> Trail:
    """What a request's URL carries; what is missing or no number is as at the first time."""
    tries = _number(query.get("n", ""), 1)
    return Trail(
        tries=tries,
        legs=_number(query.get("l", ""), 0 if tries == 1 else LEGS_UNKNOWN),
        unattached=_number(query.get("s", ""), 0),
        agent=query.get(AGENT, "")[:AGENT_MAX_CHARACTERS],
    )


def decide(
    card: ResumeView | None, parties: Parties, dialled: str, *, trail: Trail, max_resumes: int
) -> Decision:
    """`card` is None where Redis knows no such call; `dialled`: what became of a dialled number, in Twilio's
    word; empty where none was.

    All bounds hold: the card's, and the URL's, which stand when Redis forgot or no start ever passed.
    """
    planned, argument = (Next.NOTHING, "") if card is None else (card.next, card.next_arg)
    if card is not None and card.state is CallState.ENDED:
        return _of_ended(card)
    if dialled in _ANSWERED:
        return Decision(Verb.HANG_UP, outcome="transferred")
    if not dialled:
        match planned:
            case Next.APOLOGY:
                return Decision(Verb.APOLOGISE, argument, outcome=APOLOGY, language=_language(card))
            case Next.HANG_UP:
                return Decision(Verb.HANG_UP, outcome="hangup")
            case Next.DIAL if parties.comes_back(argument):
                # It would ring at whoever sent the call to us, and from there again at us.
                dialled = "busy"
            case Next.DIAL if is_destination(argument):
                return Decision(Verb.DIAL, argument)
    if trail.tries > max_resumes or (card is not None and card.resumes >= max_resumes):
        return Decision(Verb.APOLOGISE, outcome=TOO_MANY_RESUMES)
    if trail.streams(card).unattached >= UNATTACHED_MOST:
        return Decision(Verb.APOLOGISE, outcome=NO_STREAM)
    digits = argument if planned is Next.DIGITS and not dialled else ""
    return Decision(Verb.STREAM, digits, dialled=dialled)


# Private.


def _of_ended(card: ResumeView) -> Decision:
    """A webhook that is asked again, since its first answer was lost, answers the same."""
    if card.next is Next.APOLOGY:
        return Decision(Verb.APOLOGISE, card.next_arg, language=_language(card))
    return Decision(Verb.APOLOGISE if card.outcome in _APOLOGISED else Verb.HANG_UP)


def _language(card: ResumeView | None) -> str:
    """Of the card's words. Without any there are the agent's own, whatever an older plan has left there."""
    return "" if card is None or not card.next_arg else card.next_language or ""


def _legs(card: ResumeView | None) -> int:
    return 0 if card is None else card.resumes + 1


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else default
