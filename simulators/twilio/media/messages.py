"""Twilio's messages to the bridge, as bytes.

Why it exists: fifty of them a second and call leave the simulator, so `media` is one formatting of bytes, not
a JSON encoding. Owns: the shapes and the counters of one media stream (`sequenceNumber` counts all but
`connected`; `chunk` counts media; both are strings and start at 1). Pure. Must not know: sockets or clocks.
Source: Twilio, Media Streams WebSocket messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypedDict

import orjson


class MediaFormat(TypedDict):
    """The shape of the caller's audio, as `start.mediaFormat` names it."""

    encoding: str
    sampleRate: int
    channels: int


MULAW_8K: Final[MediaFormat] = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}

CONNECTED: Final = b'{"event":"connected","protocol":"Call","version":"1.0.0"}'


@dataclass(slots=True)
class MessageWriter:
    """Builds the messages of one media stream, in the order in which they are to be sent."""

    account_sid: str
    call_sid: str
    stream_sid: str
    omit: frozenset[str] = frozenset()
    """Keys of `media` to leave out (a fault): chunk, timestamp, track, payload."""
    sequence: int = 0
    chunk: int = 0
    _media: bytes = field(init=False, default=b"")

    def __post_init__(self) -> None:
        sid = self.stream_sid.encode()
        self._media = (
            b'{"event":"media","sequenceNumber":"%d","streamSid":"' + sid + b'","media":'
            b'{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%b"}}'
        )

    def start(self, parameters: dict[str, str], media_format: MediaFormat | None) -> bytes:
        """`start`; `media_format` None leaves the key out (a fault)."""
        body: dict[str, object] = {
            "accountSid": self.account_sid,
            "streamSid": self.stream_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": parameters,
        }
        if media_format is not None:
            body["mediaFormat"] = media_format
        return self._message("start", body)

    def media(self, payload: bytes, timestamp_ms: int) -> bytes:
        """`media` for base64 text `payload`; `timestamp_ms` is the stream's own time."""
        self.sequence += 1
        self.chunk += 1
        if self.omit:
            return self._faulty_media(payload, timestamp_ms)
        return self._media % (self.sequence, self.chunk, timestamp_ms, payload)

    def dtmf(self, digit: str) -> bytes:
        """`dtmf`: its track reads `inbound_track`, unlike that of media."""
        return self._message("dtmf", {"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> bytes:
        """The echo of a mark."""
        return self._message("mark", {"name": name})

    def stop(self) -> bytes:
        """`stop`."""
        return self._message("stop", {"accountSid": self.account_sid, "callSid": self.call_sid})

    # Private.

    def _message(self, event: str, body: dict[str, object] | dict[str, str]) -> bytes:
        self.sequence += 1
        return orjson.dumps(
            {
                "event": event,
                "sequenceNumber": str(self.sequence),
                "streamSid": self.stream_sid,
                event: body,
            }
        )

    def _faulty_media(self, payload: bytes, timestamp_ms: int) -> bytes:
        body = {
            "track": "inbound",
            "chunk": str(self.chunk),
            "timestamp": str(timestamp_ms),
            "payload": payload.decode(),
        }
        self.sequence -= 1  # _message counts it again
        return self._message("media", {k: v for k, v in body.items() if k not in self.omit})
