"""What a call was: everything that happened, when, and both sides of the sound.

Why it exists: a test or a proof judges a bridge by what the caller heard and when, and by what Twilio would
have logged. Owns: plain data, written by the call's driver and read by `measures`. Pure. Must not know: what
is right. All `*_at_ms` are milliseconds since the call began (`zero_ms` on the host's monotonic clock).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Final, Literal

from simulators.mulaw import BYTES_PER_MS, SILENCE
from simulators.twilio.media.playout import Playback, Playout

_SILENCE: Final = bytes([SILENCE])

StreamEndCause = Literal[
    "open",  # still running
    "never_opened",  # refused, timed out: see what was logged
    "bridge_closed",
    "bridge_lost",  # the connection broke without a close frame
    "caller_hung_up",
    "call_updated",  # by REST: `stop`, then the new document
    "torn_down",  # by Twilio: 31924
    "killed",  # by a fault of the plan
    "simulator_closed",
]


class PlanFailed(Exception):
    """A step of the caller's plan did not come true; `record` says what happened instead."""

    def __init__(self, record: CallRecord) -> None:
        super().__init__("; ".join(record.failures))
        self.record = record


@dataclass(slots=True)
class Webhook:
    """One HTTP request of ours and its answer. `status` 0: there was no answer, `error` says why."""

    purpose: str
    """voice, redirect, action, dial_action, fallback, stream_status, call_status."""
    url: str
    attempt: int
    asked_at_ms: float
    answered_at_ms: float = 0.0
    status: int = 0
    error: str = ""
    params: dict[str, str] = field(default_factory=dict, repr=False)
    content_type: str = ""
    body: str = field(default="", repr=False)


@dataclass(slots=True)
class VerbRun:
    """One verb carried out; `detail` is its number, text or digits."""

    name: str
    detail: str
    started_at_ms: float
    ended_at_ms: float = 0.0


@dataclass(slots=True)
class Logged:
    """One line that Twilio's debugger would show."""

    code: int
    text: str
    at_ms: float


@dataclass(slots=True)
class MarkSeen:
    """A mark of the bridge. `echoed_at_ms` None: it never went back."""

    name: str
    received_at_ms: float
    echoed_at_ms: float | None = None
    cleared: bool = False
    """Returned by a clear, not by playback."""


@dataclass(slots=True)
class ClearSeen:
    """A clear of the bridge and what it threw away."""

    at_ms: float
    dropped_ms: float
    marks_returned: int


@dataclass(slots=True)
class MediaStream:
    """One media stream (one WebSocket) of the call."""

    number: int
    stream_sid: str
    url: str
    parameters: dict[str, str] = field(repr=False)
    asked_at_ms: float
    open_at_ms: float | None = None
    started_at_ms: float | None = None
    """When `start` was sent."""
    first_media_at_ms: float | None = None
    """When our first `media` was sent."""
    ended_at_ms: float | None = None
    end: StreamEndCause = "open"
    close_code: int | None = None
    """The bridge's close code; None when it sent no close frame."""
    frames_sent: int = 0
    frames_dropped: int = 0
    """Caller frames thrown away because the bridge did not read (31930)."""
    received_at_ms: array[float] = field(default_factory=lambda: array("d"), repr=False)
    """Arrival of each `media` message."""
    received_bytes: array[int] = field(default_factory=lambda: array("L"), repr=False)
    """Audio bytes of each `media` message; same index."""
    received_audio: bytearray = field(default_factory=bytearray, repr=False)
    """The audio itself, played or not; empty when the playout was told not to keep audio."""
    texts: list[tuple[float, str]] = field(default_factory=list, repr=False)
    """Arrival and text of every other message, the first 4,096 characters."""
    violations: list[Logged] = field(default_factory=list)
    marks: list[MarkSeen] = field(default_factory=list, repr=False)
    clears: list[ClearSeen] = field(default_factory=list)


@dataclass(slots=True)
class Utterance:
    """The caller said something."""

    name: str
    started_at_ms: float
    voice_from_ms: int
    voice_to_ms: int
    """Bounds of the voice inside the clip."""
    barge_in: bool
    """The bridge was audible when it began."""
    ended_at_ms: float | None = None
    frames_lost: int = 0
    """Frames spoken while no media stream ran: nobody got them."""

    @property
    def voice_started_at_ms(self) -> float:
        """Onset of the voice itself."""
        return self.started_at_ms + self.voice_from_ms

    @property
    def voice_ended_at_ms(self) -> float:
        """End of the voice itself."""
        return self.started_at_ms + self.voice_to_ms


@dataclass(slots=True)
class KeyPress:
    """A digit; `delivered` False when no media stream ran."""

    digit: str
    at_ms: float
    delivered: bool


@dataclass(slots=True)
class CallRecord:
    """The whole call. Times are milliseconds since `zero_ms`."""

    call_sid: str
    from_number: str = field(repr=False)
    to_number: str = field(repr=False)
    zero_ms: float
    answered_at_ms: float | None = None
    ended_at_ms: float | None = None
    end_reason: str = ""
    """caller_hung_up, bridge_hung_up, no_more_verbs, rejected, application_error, …"""
    webhooks: list[Webhook] = field(default_factory=list)
    verbs: list[VerbRun] = field(default_factory=list)
    streams: list[MediaStream] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    key_presses: list[KeyPress] = field(default_factory=list)
    logged: list[Logged] = field(default_factory=list)
    """Errors and warnings as Twilio logs them: some only once for each stream."""
    failures: list[str] = field(default_factory=list)
    """Steps that did not come true: what was expected, and what happened instead."""
    worst_tick_late_ms: float = 0.0
    """The simulator's own worst delay of a frame: large means that its figures are not to be trusted."""
    playout: Playout = field(default_factory=Playout, repr=False)
    speech: bytearray = field(default_factory=bytearray, repr=False)
    """The caller's frames from `speech_from_ms` on, one after another."""
    speech_from_ms: float = 0.0

    @property
    def codes(self) -> list[int]:
        """Twilio's codes in the order logged."""
        return [entry.code for entry in self.logged]

    @property
    def playbacks(self) -> list[Playback]:
        """Unbroken stretches of sound that the caller heard."""
        return self.playout.playbacks

    @property
    def marks(self) -> list[MarkSeen]:
        """Marks of all streams."""
        return [mark for stream in self.streams for mark in stream.marks]

    @property
    def clears(self) -> list[ClearSeen]:
        """Clears of all streams."""
        return [clear for stream in self.streams for clear in stream.clears]

    @property
    def violations(self) -> list[Logged]:
        """Every message that broke the schema, of all streams."""
        return [violation for stream in self.streams for violation in stream.violations]

    @property
    def media_messages(self) -> int:
        """`media` messages received from the bridge."""
        return sum(len(stream.received_at_ms) for stream in self.streams)

    @property
    def heard_bytes(self) -> bytes:
        """All that was played, one stretch after another, without the silences between."""
        return b"".join(bytes(playback.audio) for playback in self.playbacks)

    @property
    def caller_audio(self) -> bytes:
        """The caller's µ-law from ms 0, silence where nothing was said."""
        return _SILENCE * _position(self.speech_from_ms) + bytes(self.speech)

    @property
    def heard_audio(self) -> bytes:
        """What the caller heard, µ-law from ms 0, as long as `caller_audio` or longer."""
        track = bytearray(_SILENCE * (_position(self.speech_from_ms) + len(self.speech)))
        for playback in self.playbacks:
            at = _position(playback.started_at_ms)
            track += _SILENCE * (at - len(track))
            track[at : at + len(playback.audio)] = playback.audio
        return bytes(track)


def _position(at_ms: float) -> int:
    """Byte offset on the common timeline."""
    return max(0, round(at_ms * BYTES_PER_MS))
