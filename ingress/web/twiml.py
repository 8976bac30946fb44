"""The TwiML documents that ingress answers with.

Why it exists: what a caller meets when nothing of ours is on the line (a resume, an apology, a transfer) is
decided by these few documents. Owns: their words and bounds; built with the vendor's own classes. Pure. Must
not know: why a document is chosen.

Sources: Twilio, TwiML `<Connect>`, `<Stream>`, `<Say>`, `<Dial>` with `<Number>` and `<Sip>`, `<Play>`,
`<Reject>`; "webhook connection overrides" for the URL fragment, which is neither sent to us nor signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from twilio.twiml.voice_response import Connect, Dial, VoiceResponse

from ingress.calls.ending import DIAL_TIMEOUT_S
from ingress.web.resume import Trail
from shared.contract.card import TONES_MOST
from shared.tongue import Tongue

RESUME_FRAGMENT = "#ct=1000&rt=4000&rc=5&rp=all"
"""Connect within 1 s, five retries, on any failure: a process that just died must not end a call. An answer
comes within 3 s (ingress/web/store_turns.py): who says nothing for four stands still, and a sibling is
asked."""

PARAMETER_MAX_CHARACTERS = 499
"""Twilio: name and value together stay below 500."""

SAY_MAX_CHARACTERS = 4000

PLAY_DIGITS = re.compile(rf"[0-9*#ABCDwW]{{1,{TONES_MOST}}}")

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, escaped or not: control characters, surrogates, two non-characters."""


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses that stand in our documents, all below the configured public origin."""

    public_url: str
    stream_url: str

    def resume(self, trail: Trail) -> str:
        """`trail`: what is carried there."""
        return f"{self.public_url}/voice/resume{trail.query()}{RESUME_FRAGMENT}"

    @property
    def stream_status(self) -> str:
        """Where Twilio tells what it thinks of a stream."""
        return f"{self.public_url}/stream-status"


def connect(urls: Urls, parameters: Mapping[str, str], trail: Trail, *, digits: str = "") -> str:
    """Opens a media stream; when it ends, Twilio asks /voice/resume how to go on.

    `parameters` reach us as strings in `start.customParameters`; one that is empty is left out, one too long
    is shortened. `digits` are played first, as tones; raises ValueError if they are no digits.
    """
    response = VoiceResponse()
    if digits:
        if PLAY_DIGITS.fullmatch(digits) is None:
            raise ValueError(f"expected 1 to {TONES_MOST} of 0-9 * # A-D w W as digits to play")
        response.play(digits=digits)
    verb = Connect()
    stream = verb.stream(url=urls.stream_url, status_callback=urls.stream_status)
    for name, value in parameters.items():
        if value:
            kept = clean(value)[: PARAMETER_MAX_CHARACTERS - len(name)]
            stream.parameter(name=name, value=kept)
    response.append(verb)
    response.redirect(urls.resume(trail), method="POST")
    return str(response)


def dial(urls: Urls, number: str, trail: Trail, *, caller_id: str) -> str:
    """Connects the caller with `number`; Twilio reports the outcome to /voice/resume. `caller_id`: what is
    shown there; empty: the caller's own number."""
    response = VoiceResponse()
    verb = Dial(action=urls.resume(trail), method="POST", timeout=DIAL_TIMEOUT_S, caller_id=caller_id or None)
    response.append(_whom(verb, number))
    return str(response)


def apologise(text: str, tongue: Tongue, *, number: str = "", caller_id: str = "") -> str:
    """What a caller gets when we cannot serve: `text`, then the fallback number or the end of the call.

    Without an action: when that call ends, so does this one, and nothing of ours is asked.
    """
    response = VoiceResponse()
    spoken = clean(text)[:SAY_MAX_CHARACTERS]
    if spoken.strip():
        response.say(spoken, voice=tongue.voice or None, language=tongue.language or None)
    if number:
        response.append(_whom(Dial(caller_id=caller_id or None), number))
    response.hangup()
    return str(response)


def hang_up() -> str:
    """Ends the call without a word."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def reject() -> str:
    """Refuses a call that is not answered yet: whoever dialled it is told that we are busy."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def clean(text: str) -> str:
    """`text` without the characters that would make the document unreadable for Twilio (12100)."""
    return _NOT_XML.sub("", text)


# Private.


def _whom(verb: Dial, number: str) -> Dial:
    """A SIP address in the text of `<Dial>` would be taken for a number, and fail."""
    if number.startswith("sip:"):
        verb.sip(clean(number))
    else:
        verb.number(clean(number))
    return verb
