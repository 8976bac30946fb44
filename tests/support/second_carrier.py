"""The wire of a carrier that is not Twilio: what stands for "any carrier" in tests of the seam.

Why it exists: that ingress is written against a wire, and not against Twilio's, shows only with a second one.
Owns: its words. It has no first message without a stream, calls audio `sound`, sent by us `play`
(hexadecimal, not base64), a mark `cue`, a clear `hush`, counts from 0, and says `goodbye`.
"""

from __future__ import annotations

import json

from ingress.errors import Fault, WireError
from ingress.media.wire import (
    MULAW_8K_MONO,
    KeyPress,
    MarkEcho,
    Media,
    Message,
    StreamStart,
    StreamStop,
    Unknown,
)


def parse(text: str | bytes) -> Message:
    """Reads one text message. Raises WireError."""
    try:
        match json.loads(text):
            case {"is": "hello", "line": str(line), "call": str(call), "with": dict(given)}:
                return StreamStart("", call, line, MULAW_8K_MONO, given)
            case {"is": "sound", "line": str(line), "count": int(count), "hex": str(found)}:
                return Media(line, count + 1, True, bytes.fromhex(found))
            case {"is": "cue", "line": str(line), "label": str(label)}:
                return MarkEcho(line, label)
            case {"is": "key", "line": str(line), "key": str(key)}:
                return KeyPress(line, key)
            case {"is": "goodbye", "line": str(line)}:
                return StreamStop(line)
            case {"is": str(other)}:
                return Unknown(other)
    except ValueError:
        raise WireError(Fault.NOT_JSON, "expected JSON") from None
    raise WireError(Fault.NOT_OBJECT, "expected an object that says what it is")


def build_media(stream_sid: bytes, audio: bytes) -> bytes:
    """Audio for the caller."""
    return _built("play", stream_sid, hex=audio.hex())


def build_mark(stream_sid: bytes, name: str) -> bytes:
    """A mark behind the audio sent so far."""
    return _built("cue", stream_sid, label=name)


def build_clear(stream_sid: bytes) -> bytes:
    """Drops what the carrier buffers."""
    return _built("hush", stream_sid)


# What the carrier itself would send.


def hello(call_sid: str, stream_sid: str) -> bytes:
    """Its first message."""
    return json.dumps({"is": "hello", "line": stream_sid, "call": call_sid, "with": {}}).encode()


def sound(stream_sid: str, count: int, audio: bytes) -> bytes:
    """20 ms of the caller; `count` from 0."""
    return json.dumps({"is": "sound", "line": stream_sid, "count": count, "hex": audio.hex()}).encode()


def key(stream_sid: str, pressed: str) -> bytes:
    """A key was pressed."""
    return json.dumps({"is": "key", "line": stream_sid, "key": pressed}).encode()


def goodbye(stream_sid: str) -> bytes:
    """The end."""
    return json.dumps({"is": "goodbye", "line": stream_sid}).encode()


# Private.


def _built(kind: str, stream_sid: bytes, **more: str) -> bytes:
    return json.dumps({"is": kind, "line": stream_sid.decode(), **more}).encode()
