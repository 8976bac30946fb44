"""What Twilio accepts from the bridge: three messages, exactly shaped.

Why it exists: a real Twilio only logs a warning for a wrong message and goes on, so a bridge can be wrong for
months. Owns: the schema of `media`, `mark` and `clear` and the code of each violation. Pure. Must not know:
what a valid message does (`playout`) or how often a warning is logged (`stream`).
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

import orjson

from simulators.twilio import codes


@dataclass(frozen=True, slots=True)
class Media:
    """Audio to play: raw µ-law of any length, never empty."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """A named point after the audio sent so far."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """The audio still queued is to be dropped."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A message that Twilio would not accept: the code it logs, and what was wrong."""

    code: int
    text: str


FromBridge = Media | Mark | Clear | Violation

_SHAPES: Final[dict[str, tuple[str, str] | None]] = {
    # event → (name of its object, the one key of that object); None: the event has no object
    "media": ("media", "payload"),
    "mark": ("mark", "name"),
    "clear": None,
}


def check_text(text: bytes, stream_sid: str) -> FromBridge:
    """Judges one text message of the bridge against the schema of `stream_sid`'s stream."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _invalid(f"expected JSON, got {_clip(text)} ({error})")
    if not isinstance(message, dict):
        return _invalid(f"expected a JSON object, got {type(message).__name__}")
    event = message.get("event")
    if not isinstance(event, str) or event not in _SHAPES:
        return _invalid(f"expected event media, mark or clear, got {event!r}")
    if message.get("streamSid") != stream_sid:
        got = message.get("streamSid", "no streamSid")
        return _invalid(f"{event}: expected streamSid {stream_sid}, got {got!r}")
    return _check_shape(event, message)


def check_binary(data: bytes) -> Violation:
    """A binary frame is never right."""
    return Violation(
        codes.MALFORMED_MESSAGE, f"expected a text message, got a binary one of {len(data)} bytes"
    )


# Private.


def _check_shape(event: str, message: dict[str, object]) -> FromBridge:
    shape = _SHAPES[event]
    if shape is None:
        if len(message) != 2:
            return _invalid(f"clear: expected the keys event, streamSid, got {sorted(message)}")
        return Clear()
    outer, inner = shape
    body = message.get(outer)
    if len(message) != 3 or not isinstance(body, dict):
        return _invalid(
            f"{event}: expected the keys event, streamSid, {outer} (an object), got {sorted(message)}"
        )
    value = body.get(inner)
    if len(body) != 1 or not isinstance(value, str):
        return _invalid(f"{event}: expected {outer}.{inner} (text) alone, got {sorted(body)}")
    if event == "mark":
        return Mark(value) if value else _invalid("mark: expected a name, got an empty one")
    try:
        payload = binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        return _invalid(f"media: expected base64 in media.payload, got {_clip(value)} ({error})")
    if not payload:
        return _invalid("media: expected audio in media.payload, got an empty payload")
    return Media(payload)


def _invalid(text: str) -> Violation:
    return Violation(codes.INVALID_MESSAGE, text)


def _clip(value: bytes | str) -> str:
    """Length and the first characters: enough to recognise, never a whole payload."""
    return f"{len(value)} characters beginning {value[:20]!r}"
