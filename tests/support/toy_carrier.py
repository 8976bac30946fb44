"""The wire of a second carrier: what would be said on a media socket if it were not Twilio's.

Why it exists: that something is free of any one carrier is only known when another carrier fits. Owns: the
shapes, both ways. Pure. Must not know: sockets, calls, pacing.

It resembles Plivo's audio streaming (bidirectional, µ-law at 8 kHz). As at Twilio, messages are JSON text and
audio is base64. Other names for the same things:

    Twilio                        here
    `connected`, then `start`     `start` alone; parameters are one text, `name=value;name=value`
    `streamSid`, `callSid`        `streamId`, `callId`
    `media` to the caller         `playAudio`, which names its format, and no stream
    `clear`                       `clearAudio`, which is answered by `clearedAudio`
    `mark`, echoed as `mark`      `checkpoint`, answered by `playedStream`
    `timestamp` of the stream     Unix milliseconds
    `sequenceNumber`, a text      a number

And two things that are not the same: `playedStream` means played, so a checkpoint that was cleared does not
come back; and no `stop` is promised: the end of the socket is the end.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The media stream begins."""

    stream_id: str
    call_id: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerAudio:
    """20 ms of the caller."""

    audio: bytes
    at_unix_ms: int


@dataclass(frozen=True, slots=True)
class Digit:
    """A key that the caller pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """Everything before the checkpoint of this name was heard."""

    name: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was queued is gone, its checkpoints too."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The carrier says the end before the socket does."""


Message = Started | CallerAudio | Digit | Played | Cleared | Stopped


def parse(text: str | bytes) -> Message | None:
    """One message of the carrier; None for an event of another name. Raises ValueError for a broken one."""
    try:
        match orjson.loads(text):
            case {"event": "start", "start": {"streamId": str(stream), "callId": str(call)}, **rest}:
                pairs = (
                    pair.partition("=") for pair in str(rest.get("extra_headers", "")).split(";") if pair
                )
                return Started(
                    stream_id=stream, call_id=call, parameters={name: value for name, _, value in pairs}
                )
            case {"event": "media", "media": {"payload": str(payload), "timestamp": str() | int() as at}}:
                return CallerAudio(audio=base64.b64decode(payload, validate=True), at_unix_ms=int(at))
            case {"event": "dtmf", "dtmf": {"digit": str(digit)}}:
                return Digit(digit)
            case {"event": "playedStream", "name": str(name)}:
                return Played(name)
            case {"event": "clearedAudio"}:
                return Cleared()
            case {"event": "stop"}:
                return Stopped()
            case {"event": str(event)} if event not in ("start", "media", "dtmf", "playedStream"):
                return None
            case other:
                raise ValueError(f"expected a message of the carrier, got {other!r:.80}")
    except (orjson.JSONDecodeError, binascii.Error) as error:
        raise ValueError(f"expected a message of the carrier, got {error}") from error


def media(audio: bytes) -> bytes:
    """Audio for the caller, of any length."""
    payload = base64.b64encode(audio).decode()
    shape = {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": payload}
    return orjson.dumps({"event": "playAudio", "media": shape})


def clear(stream_id: str) -> bytes:
    """Drops what is queued."""
    return orjson.dumps({"event": "clearAudio", "streamId": stream_id})


def mark(stream_id: str, name: str) -> bytes:
    """A point after the audio sent so far."""
    return orjson.dumps({"event": "checkpoint", "streamId": stream_id, "name": name})
