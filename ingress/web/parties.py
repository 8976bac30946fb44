"""Who is on a call by Twilio's form: person, our own number, who forwarded it, whom a callee is shown.

What the number carries stands there too.

Why it exists: of a call that comes in the person is `From`, of one that we placed `To`; and both may be a
number in some spelling, a SIP address, a name, or a word for "withheld". And what the call is about (a shop,
a campaign, an order) may stand in the number's URL, in custom parameters and in the carrier's SIP headers.
Owns: reading that, its bounds. Pure. Must not know: what is answered, agents.

Source: Twilio, "request parameters" of Voice, `<Application><Parameter>`, "Receiving SIP headers"; error
13214 and the change of 2022 for withheld numbers: a caller id must be the caller's own number, the called one
or one that is verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingress.media.parameters import AGENT
from shared.forms import is_number, is_persons, number_in

MOST, MOST_CHARS = 32, 2_000
"""Parameters of a call, and the characters of one with its name; what is above is left out."""

SIP_HEADER = "SipHeader_"

_OF_TWILIO: Final = re.compile(
    r"(Account|Application|Call|Parent|Bridged|Queue|Message|Trunk)\w*Sid"
    r"|(From|To|Called|Caller)(City|State|Zip|Country)?"
    r"|CallerName|CallStatus|CallToken|CallbackSource|CallDuration|CalledVia|ApiVersion|Direction|Duration"
    r"|AddOns|AnsweredBy|Confidence|Digits|FinishedOnKey|Language|SequenceNumber|SpeechResult|Timestamp|msg"
    r"|(Carrier|Dial|Error|Forwarded|Machine|Recording|Sip|Stir|Stream)\w*",
    re.ASCII,
)


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


def read_carried(form: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """From the first webhook of a call. A SIP header is called as it is, in lower case; what stands in the
    URL comes first, since nobody but the number's owner writes there. Of a webhook by GET the form is the
    query: what Twilio says by itself stands there too, with the caller's number in full, and is left out."""
    found: dict[str, str] = {}
    headers: dict[str, str] = {}
    told = {name: value for name, value in form.items() if name not in query}
    for name, value in (*query.items(), *told.items()):
        if name.startswith(SIP_HEADER):
            headers.setdefault(name.removeprefix(SIP_HEADER).lower(), value)
        elif _OF_TWILIO.fullmatch(name) is None and not (name == AGENT and name in query):
            found.setdefault(name, value)
    for name, value in headers.items():
        found.setdefault(name, value)
    kept = [(name, value) for name, value in found.items() if name and len(name) + len(value) <= MOST_CHARS]
    return dict(kept[:MOST])
