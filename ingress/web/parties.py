"""Who is on a call by Twilio's form: the person, our own number, who forwarded it, and whom a callee is
shown.

Why it exists: of a call that comes in the person is `From`, of one that we placed `To`; and both may be a
number in some spelling, a SIP address, a name, or a word for "withheld". Owns: reading that. Pure. Must not
know: what is answered, agents. Source: Twilio, "request parameters"; error 13214 and the change of 2022 for
withheld numbers: a caller id must be the caller's own number, the called one or one that is verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.forms import is_number, is_persons, number_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """The two ends of a call."""

    person: str
    """Whoever talks with us, as Twilio writes it."""
    line: str
    """Our own number, in E.164 where it is one, else as it came. It chooses the agent."""
    forwarded_by: str
    """The number that passed the call on to us; empty: none, or the carrier does not say."""
    is_outbound: bool
    """Whether we placed the call."""

    @property
    def is_loop(self) -> bool:
        """Whether our own number calls itself: a transfer or a fallback that was forwarded back to us.

        `ForwardedFrom` says nothing of it: carriers send the called number there on ordinary calls too.
        """
        return not self.is_outbound and is_number(self.line) and self.line == number_in(self.person)

    def comes_back(self, destination: str) -> bool:
        """Whether what is dialled there would come back to us: it is where this call came from, or we."""
        number = number_in(destination)
        return bool(number) and number in (self.forwarded_by, self.line)

    def caller_id(self, own_number: str) -> str:
        """What a dialled number is shown instead of the caller's own number; empty: that one.

        `own_number` is one of ours, for a call whose called number is none. From a SIP or Client leg, and
        with a withheld number, a dial without it fails.
        """
        if is_persons(self.person) and not self.is_outbound:
            return ""
        return self.line if is_number(self.line) else own_number


def read_parties(form: Mapping[str, str]) -> Parties:
    """From the form of any voice webhook."""
    caller, called = form.get("From", ""), form.get("To", "")
    is_outbound = form.get("Direction", "").startswith("outbound")
    person, line = (called, caller) if is_outbound else (caller, called)
    return Parties(
        person=person,
        line=number_in(line) or line,
        forwarded_by=number_in(form.get("ForwardedFrom", "")),
        is_outbound=is_outbound,
    )
