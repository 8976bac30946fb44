"""What a number carries into a call: the query of its URL, custom parameters, the carrier's SIP headers.

Why it exists: a shop, a campaign, an order that a call is about stands there already, and an agent may be
told of it. Owns: what of a request is the user's own, its bounds. Pure. Must not know: what becomes of it.
Source: Twilio, "request parameters" of Voice, `<Application><Parameter>`, "Receiving SIP headers".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ingress.media.parameters import AGENT

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


def read_carried(form: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """From the first webhook of a call. A SIP header is called as it is, in lower case; what stands in the
    URL comes first, since nobody but the number's owner writes there."""
    found = {name: value for name, value in query.items() if name != AGENT}
    for name, value in form.items():
        if name.startswith(SIP_HEADER):
            found.setdefault(name.removeprefix(SIP_HEADER).lower(), value)
        elif _OF_TWILIO.fullmatch(name) is None:
            found.setdefault(name, value)
    kept = [(name, value) for name, value in found.items() if name and len(name) + len(value) <= MOST_CHARS]
    return dict(kept[:MOST])
