"""Twilio's wire, both ways: its JSON to messages, messages to its JSON. A Wire (wire.py).

Why it exists: every oddity of the wire (string counters, missing fields, unknown events, hostile JSON) is
settled here once, so that the rest of ingress sees typed messages only. Owns: Twilio's words and shapes.
Pure. Must not know: sockets, calls, Redis.

Source: Twilio, "Media Streams - WebSocket messages".
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable

import orjson

from ingress.errors import Fault, WireError
from ingress.media.wire import (
    Connected,
    KeyPress,
    MarkEcho,
    Media,
    MediaFormat,
    Message,
    StreamStart,
    StreamStop,
    Unknown,
)
from shared.contract.keys import CALL_SID, STREAM_SID

MARK_NAME_MAX_CHARACTERS = 200
"""Ours are below 100; an echo longer than this was never sent by us."""

COUNTER_MAX_DIGITS = 16
"""A call of 24 h has 4.3 million chunks; more digits than this are an attack on `int()`."""

_DIGITS = frozenset("0123456789*#ABCD")

# Twilio to us.


def parse(text: str | bytes) -> Message:
    """Reads one text message of Twilio's. Raises WireError and nothing else."""
    try:
        found = orjson.loads(text)
    except (ValueError, RecursionError):
        # orjson refuses NaN, lone surrogates, bad UTF-8 and depth as ValueError; RecursionError is
        # here so that the promise above does not rest on the JSON library in use.
        raise WireError(Fault.NOT_JSON, f"expected JSON, got {len(text)} units of something else") from None
    if type(found) is not dict:
        raise WireError(Fault.NOT_OBJECT, f"expected a JSON object, got {type(found).__name__}")
    event = found.get("event")
    if event == "media":
        return _read_media(found)
    if type(event) is not str:
        raise _bad_field("Twilio", "event", "a string")
    reader = _READERS.get(event)
    return Unknown(event[:40]) if reader is None else reader(found)


# Us to Twilio.


def build_media(stream_sid: bytes, audio: bytes) -> bytes:
    """A `media` message. `audio` is raw µ-law, never empty: Twilio kills a stream for that."""
    return b'{"event":"media","streamSid":"%b","media":{"payload":"%b"}}' % (
        stream_sid,
        b2a_base64(audio, newline=False),
    )


def build_mark(stream_sid: bytes, name: str) -> bytes:
    """A `mark` message; Twilio echoes `name` once all audio before it has played or was cleared."""
    return b'{"event":"mark","streamSid":"%b","mark":{"name":%b}}' % (stream_sid, orjson.dumps(name))


def build_clear(stream_sid: bytes) -> bytes:
    """A `clear` message: Twilio drops what it buffers and echoes the pending marks."""
    return b'{"event":"clear","streamSid":"%b"}' % stream_sid


# Private.


def _read_media(found: dict[str, object]) -> Media:
    media = found.get("media")
    if type(media) is not dict:
        raise _bad_field("media", "media", "an object")
    payload = media.get("payload")
    if type(payload) is not str:
        raise _bad_field("media", "media.payload", "a string")
    try:
        audio = a2b_base64(payload, strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is what a non-ASCII string raises
        raise WireError(Fault.BAD_BASE64, "expected base64 as media.payload") from None
    if payload.endswith("==="):  # which CPython 3.11 lets pass after a whole group
        raise WireError(Fault.BAD_BASE64, "expected at most two = at the end of media.payload")
    if not audio:
        raise WireError(Fault.EMPTY_PAYLOAD, "expected audio in media.payload, got nothing")
    track = media.get("track")
    return Media(
        _stream_sid("media", found),
        _counter("media", "media.chunk", media.get("chunk")),
        track == "inbound" or type(track) is not str,
        audio,
        _time_ms(media.get("timestamp")),
    )


def _read_connected(_found: dict[str, object]) -> Connected:
    return Connected()


def _read_start(found: dict[str, object]) -> StreamStart:
    start = found.get("start")
    if type(start) is not dict:
        raise _bad_field("start", "start", "an object")
    inner, outer = start.get("streamSid"), found.get("streamSid")
    stream_sid = inner if inner is not None else outer
    if outer is not None and outer != stream_sid:
        raise WireError(Fault.WRONG_STREAM, "expected one streamSid in a start message, got two")
    call_sid = start.get("callSid")
    if type(call_sid) is not str or CALL_SID.fullmatch(call_sid) is None:
        raise WireError(Fault.BAD_SID, "expected CA and 32 hexadecimal digits as start.callSid")
    if type(stream_sid) is not str or STREAM_SID.fullmatch(stream_sid) is None:
        raise WireError(Fault.BAD_SID, "expected MZ and 32 hexadecimal digits as streamSid")
    # Carriers that imitate Twilio put them beside `start`.
    given = start.get("customParameters", found.get("customParameters"))
    parameters = given if type(given) is dict else {}
    return StreamStart(
        account_sid=_text(start.get("accountSid")),
        call_sid=call_sid,
        stream_sid=stream_sid,
        media_format=_media_format(start.get("mediaFormat")),
        parameters={k: v for k, v in parameters.items() if type(v) is str},
    )


def _media_format(found: object) -> MediaFormat | None:
    """None where Twilio left it out, which is tolerated."""
    if found is None:
        return None
    if type(found) is not dict:
        raise _bad_field("start", "start.mediaFormat", "an object")
    rate = _counter("start", "mediaFormat.sampleRate", found.get("sampleRate"))
    channels = _counter("start", "mediaFormat.channels", found.get("channels"))
    return MediaFormat(_text(found.get("encoding")), rate or 0, channels or 0)


def _read_dtmf(found: dict[str, object]) -> KeyPress:
    dtmf = found.get("dtmf")
    digit = dtmf.get("digit") if type(dtmf) is dict else None
    if type(digit) is not str or digit not in _DIGITS:
        raise WireError(Fault.BAD_DIGIT, "expected one of 0-9 * # A-D as dtmf.digit")
    return KeyPress(_stream_sid("dtmf", found), digit)


def _read_mark(found: dict[str, object]) -> MarkEcho:
    mark = found.get("mark")
    name = mark.get("name") if type(mark) is dict else None
    if type(name) is not str or not name or len(name) > MARK_NAME_MAX_CHARACTERS:
        raise _bad_field("mark", "mark.name", f"1 to {MARK_NAME_MAX_CHARACTERS} characters")
    return MarkEcho(_stream_sid("mark", found), name)


def _read_stop(found: dict[str, object]) -> StreamStop:
    return StreamStop(_stream_sid("stop", found))


_READERS: dict[str, Callable[[dict[str, object]], Message]] = {
    "connected": _read_connected,
    "start": _read_start,
    "dtmf": _read_dtmf,
    "mark": _read_mark,
    "stop": _read_stop,
}


def _text(found: object) -> str:
    return found if type(found) is str else ""


def _stream_sid(event: str, found: dict[str, object]) -> str:
    stream_sid = found.get("streamSid")
    if type(stream_sid) is not str:
        raise _bad_field(event, "streamSid", "a string")
    return stream_sid


def _counter(event: str, field: str, found: object) -> int | None:
    """Twilio's counters are strings of digits; numbers are tolerated, and so is their absence."""
    if found is None:
        return None
    if type(found) is str and len(found) <= COUNTER_MAX_DIGITS and found.isascii():
        if found.isdecimal():
            return int(found)
    elif type(found) is int and 0 <= found < 10**COUNTER_MAX_DIGITS:
        return found
    raise _bad_field(event, field, "a whole number of at most 16 digits, as a string")


def _time_ms(found: object) -> int | None:
    """A time of Twilio's, as a string of digits or a number. Audio is worth more than its time: one that
    cannot be read is none."""
    if type(found) is str and len(found) <= COUNTER_MAX_DIGITS and found.isascii() and found.isdecimal():
        return int(found)
    return found if type(found) is int and 0 <= found < 10**COUNTER_MAX_DIGITS else None


def _bad_field(event: str, field: str, expected: str) -> WireError:
    return WireError(Fault.BAD_FIELD, f"expected {expected} as {field} of a {event} message")
