"""Everything that can be made to go differently on Twilio's side of one call.

Why it exists: the good path is half of a bridge; the rest is what Twilio, its network and its operators do to
a call. Owns: the choices as declared fields with their normal values, and ready-made messages that Twilio
would never send. Pure. Must not know: how a choice is carried out; the driver of each obeys. Times of faults
count from a stream's first media unless the field says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from simulators.twilio.media.messages import MULAW_8K, MediaFormat
from simulators.twilio.webhooks.signing import HandshakeSignature


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a stream's life."""

    at_ms: float
    ms: float


@dataclass(frozen=True, slots=True)
class Injection:
    """A message that Twilio would not send: text or binary, `times` in a row. `{stream_sid}` inside it is
    replaced by the stream's own."""

    at_ms: float
    payload: str | bytes = field(repr=False)
    times: int = 1


@dataclass(frozen=True, slots=True)
class CallUpdate:
    """A REST update of the call: `stop`, socket closed, then the new document."""

    at_ms: float
    twiml: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How long Twilio takes, as (least, most) ms; the call's seed picks."""

    answer_to_socket_ms: tuple[float, float] = (250.0, 400.0)
    seam_ms: tuple[float, float] = (400.0, 900.0)
    """From the end of one stream to the socket of the next."""
    first_timestamp_ms: tuple[int, int] = (50, 170)
    """The first media's timestamp, and so its delay after `start`."""
    say_ms_per_character: float = 60.0
    play_ms: float = 1000.0
    """How long `<Play>` of a file lasts."""
    retry_pause_ms: float = 100.0
    """Between attempts at a webhook (unconfirmed at Twilio)."""


FAST = Pace(
    answer_to_socket_ms=(0.0, 5.0),
    seam_ms=(20.0, 40.0),
    first_timestamp_ms=(50, 52),
    say_ms_per_character=1.0,
    play_ms=20.0,
    retry_pause_ms=10.0,
)
"""For tests that do not measure Twilio's own delays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The faults of one call; the defaults are a healthy one."""

    pace: Pace = Pace()
    seed: int | None = None
    """Of wobble, jitter, delays; None takes the call's own."""
    faults_on_stream: int = 1
    """Which stream of the call gets the stream faults below; 0 for all."""

    # Webhooks.
    repeat_webhook: Literal["no", "in_turn", "at_once"] = "no"
    """The voice webhook is sent twice with one CallSid; the later answer counts."""
    status_delay_ms: float = 0.0
    """Status callbacks (stream's and call's) are sent this late."""
    duplicate_status: bool = False
    """Each status callback is sent twice."""
    closed_event: Literal["stream-error", "stream-stopped"] = "stream-stopped"
    """What the status callback says when the bridge closed the socket."""

    # Handshake.
    signature: HandshakeSignature = "good"
    refused_handshakes: int = 0
    """The first n handshakes of the call fail with 31920 before they reach the bridge."""

    # Opening.
    send_connected: bool = True
    send_start: bool = True
    second_start: bool = False
    media_format: MediaFormat | None = field(default_factory=lambda: MULAW_8K)
    """None: `start` without the key."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Overrides of customParameters: a wrong token."""
    drop_parameters: tuple[str, ...] = ()
    """Parameters left out: a missing token."""
    reuse_first_parameters: bool = False
    """Later streams of the call bring the first one's parameters: a spent token."""
    media_before_start: int = 0
    """Frames sent between `connected` and `start`."""

    # Media.
    omit_media_keys: frozenset[str] = frozenset()
    """Keys missing in every media: chunk, timestamp."""
    jitter_ms: float = 0.0
    """Each message to the bridge is late by up to this; order is kept."""
    bursts: tuple[Window, ...] = ()
    """The network stalls, then all that waited comes at once."""
    gaps: tuple[Window, ...] = ()
    """Caller audio lost before Twilio: the timestamp jumps, `chunk` goes on."""
    injections: tuple[Injection, ...] = ()

    # Reading.
    stalls: tuple[Window, ...] = ()
    """Twilio stops reading the socket."""
    receive_buffer_bytes: int | None = None
    """SO_RCVBUF of the socket: small, so that a stall is felt soon."""
    send_limit_bytes: int = 64 * 1024
    """Unsent bytes towards the bridge beyond which caller audio is dropped (31930)."""
    send_buffer_bytes: int | None = None
    """SO_SNDBUF of the socket: small, so that a bridge that does not read is felt soon."""

    # Marks.
    echo_marks: bool = True
    duplicate_marks: bool = False
    mark_delay_ms: float = 0.0

    # Endings.
    strict: bool = False
    """The first violation tears the stream down (31924), instead of a warning."""
    end_without_stop: bool = False
    abrupt_end: bool = False
    """No close frame: the connection just goes."""
    half_open: Window | None = None
    """For this window nothing is read or written, with the socket open; then it goes. The call moves on at
    once (31924), as reports from the field have it."""
    vanish_at_ms: float | None = None
    """The bridge's host vanishes without a word: nothing is read or written from then on, and Twilio notices
    nothing. The call hangs there until the caller hangs up, or REST has it go on elsewhere."""
    kill_at_ms: float | None = None
    """The socket goes without a word, 31903; the call moves on."""
    kill_after_burst_bytes: int | None = None
    """31924 once more audio than this was received within one second."""
    update: CallUpdate | None = None
    hang_up_at_ms: float | None = None
    """The caller hangs up at this time of the stream, whatever the plan says."""


# Messages that Twilio would never send, ready to inject.


def binary_frame(at_ms: float, times: int = 1) -> Injection:
    """A binary WebSocket message."""
    return Injection(at_ms, b"\x00\xff" * 80, times)


def oversize_frame(at_ms: float, times: int = 1) -> Injection:
    """A text message of more than 64 KiB that is valid JSON."""
    return Injection(at_ms, '{"event":"media","filler":"' + "x" * (70 * 1024) + '"}', times)


def not_json(at_ms: float, times: int = 1) -> Injection:
    """Text that no JSON parser accepts."""
    return Injection(at_ms, '{"event": media', times)


def unknown_event(at_ms: float, times: int = 1) -> Injection:
    """An event that Twilio has not invented yet."""
    return Injection(at_ms, '{"event":"weather","streamSid":"{stream_sid}"}', times)


def wrong_stream_sid(at_ms: float, times: int = 1) -> Injection:
    """Media of another stream."""
    return Injection(at_ms, _media("MZ" + "f" * 32, "/" * 216), times)


def empty_payload(at_ms: float, times: int = 1) -> Injection:
    """Media without audio."""
    return Injection(at_ms, _media("{stream_sid}", ""), times)


def not_base64(at_ms: float, times: int = 1) -> Injection:
    """Media whose payload is not base64."""
    return Injection(at_ms, _media("{stream_sid}", "***"), times)


def _media(stream_sid: str, payload: str) -> str:
    return (
        '{"event":"media","sequenceNumber":"7","streamSid":"' + stream_sid + '","media":'
        '{"track":"inbound","chunk":"6","timestamp":"99","payload":"' + payload + '"}}'
    )
