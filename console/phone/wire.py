"""What passes between the page of the telephone and us. Pure.

Why it exists: the page's socket is an open door of its own, and whatever comes in goes on to ingress. Owns:
which messages there are, their bounds. Must not know: sockets, what a message does.

From the page: Twilio's `media`, `mark` and `dtmf`, with what only the page knows of them; the rest of each
message is written here. To the page: Twilio's `media`, `mark` and `clear`, as ingress wrote them; and
messages of our own (`phone`), which say what the call is at.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

import orjson

MESSAGE_MOST_CHARS = 4_000
NAME_MOST_CHARS = 200

DIGITS = frozenset("0123456789*#ABCD")

_PAYLOAD = re.compile(r"[A-Za-z0-9+/]{4,3600}={0,2}")


class BadMessage(ValueError):
    """What came is no message of the page's; the text says what was expected, and not what came."""


class How(enum.StrEnum):
    """Ways to break a call on purpose."""

    STALL = "stall"
    """Nothing passes for two seconds, then all of it at once."""
    DROP = "drop"
    """For five seconds every third frame of the caller's is lost."""
    CUT = "cut"
    """The media socket is gone without a word."""


class State(enum.StrEnum):
    """What the call is at."""

    RINGING = "ringing"
    OPEN = "open"
    """A media stream is open."""
    AWAY = "away"
    """Between two streams, or put through to somebody."""
    SAYS = "says"
    """The carrier's own voice would say something now."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Sound:
    """20 ms of the caller, base64 of 8 kHz µ-law."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Echo:
    """All up to this mark was heard, or was cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key was pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class Bye:
    """The caller hangs up."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something is to go wrong on the stream."""

    how: How


@dataclass(frozen=True, slots=True)
class Kill:
    """The brain of the call is to die."""


KILL = "kill"

FromPage = Sound | Echo | Key | Bye | Break | Kill


def read_page(text: str) -> FromPage:
    """A message of the page. Raises BadMessage."""
    if len(text) > MESSAGE_MOST_CHARS:
        raise BadMessage(f"expected at most {MESSAGE_MOST_CHARS} characters")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadMessage("expected JSON") from None
    match found:
        case {"event": "media", "media": {"payload": str(payload)}} if _PAYLOAD.fullmatch(payload):
            return Sound(payload.encode())
        case {"event": "mark", "mark": {"name": str(name)}} if len(name) <= NAME_MOST_CHARS:
            return Echo(name)
        case {"event": "dtmf", "dtmf": {"digit": str(digit)}} if digit in DIGITS:
            return Key(digit)
        case {"event": "hangup"}:
            return Bye()
        case {"event": "break", "how": str(how)} if how in set(How):
            return Break(How(how))
        case {"event": "break", "how": "kill"}:
            return Kill()
        case _:
            raise BadMessage("expected media, mark, dtmf, hangup or break, as the page writes them")


def told(state: State, **more: str) -> bytes:
    """A message of ours to the page."""
    return orjson.dumps({"event": "phone", "now": state.value, **more})
