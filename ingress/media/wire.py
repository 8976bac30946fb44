"""What the rest of ingress needs of a carrier's wire: typed messages in, built messages out.

Why it exists: how a carrier spells its messages is known in one module for each carrier (twilio.py); all else
is written against these. Owns: what a media stream can be told, the shape of a wire. Pure. Must not know: how
any carrier spells it.

Audio is µ-law at 8 kHz, both ways. Each message but the first names its media stream. A mark comes back once
all audio before it was played or cleared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

# The carrier to us.


@dataclass(slots=True, frozen=True)
class Connected:
    """A socket is there, and says nothing of a media stream yet. A carrier may leave it out."""


@dataclass(slots=True, frozen=True)
class MediaFormat:
    """How the caller's audio is coded."""

    encoding: str
    sample_rate_hz: int
    channels: int


MULAW_8K_MONO = MediaFormat("audio/x-mulaw", 8000, 1)
"""The only one that we take."""


@dataclass(slots=True, frozen=True)
class StreamStart:
    """The media stream of a call begins. `media_format` is None where the carrier left it out."""

    account_sid: str
    call_sid: str
    stream_sid: str
    media_format: MediaFormat | None
    parameters: Mapping[str, str]
    """What our answer to the webhook gave the stream along: see parameters.py."""


@dataclass(slots=True)
class Media:
    """Audio: raw µ-law, usually 160 bytes (20 ms). `chunk` counts the messages; None where it was missing.

    Not frozen: fifty of these a second a call are built, and a frozen one costs twice as much.
    """

    stream_sid: str
    chunk: int | None
    is_callers: bool
    """Else it is our own, sent back."""
    audio: bytes
    time_ms: int | None = None
    """When it begins, by the carrier, since the media stream began; None where it was missing."""


@dataclass(slots=True, frozen=True)
class KeyPress:
    """A key the caller pressed: one of 0-9 * # A-D."""

    stream_sid: str
    digit: str


@dataclass(slots=True, frozen=True)
class MarkEcho:
    """The echo of one of our marks: played, or cleared."""

    stream_sid: str
    name: str


@dataclass(slots=True, frozen=True)
class StreamStop:
    """The media stream ends: hang-up, redirect or REST. It does not say which."""

    stream_sid: str


@dataclass(slots=True, frozen=True)
class Unknown:
    """An event that this version does not know; counted, else ignored."""

    event: str


Message = Connected | StreamStart | Media | KeyPress | MarkEcho | StreamStop | Unknown


# Both ways.


class Wire(Protocol):
    """One carrier's wire; a module of functions is one. A media stream keeps what it calls for each frame."""

    def parse(self, text: str | bytes) -> Message:
        """Reads one text message. Raises WireError and nothing else, whatever comes."""

    def build_media(self, stream_sid: bytes, audio: bytes) -> bytes:
        """A message with audio for the caller: raw µ-law of any length, never empty."""

    def build_mark(self, stream_sid: bytes, name: str) -> bytes:
        """A mark behind the audio sent so far."""

    def build_clear(self, stream_sid: bytes) -> bytes:
        """Drops what the carrier buffers; the pending marks come back."""
