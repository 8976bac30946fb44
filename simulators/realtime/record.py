"""What a session saw and did.

Why it exists: tests, demo and proofs judge a client by it afterwards. Owns: plain data; the session writes
it, and nobody reads it inside the simulator. Must not know: what is right. Times are the driver's monotonic
milliseconds. No audio is kept unless asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from simulators.realtime.knobs import Knobs
from simulators.realtime.protocol.errors import ErrorBody

MAX_EVENTS = 20_000
"""Events kept for each direction and session; the oldest go first, `*_count` goes on counting."""


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """One event, as it was on the wire, and when."""

    at_ms: float
    event: dict[str, object]

    @property
    def type(self) -> str:
        """Its `type`, as text."""
        return str(self.event.get("type"))


@dataclass(slots=True)
class ItemRecord:
    """One item of the conversation, or of an out-of-band response."""

    item_id: str
    role: str
    """`user`, `assistant`, `system`, or the item's type when it has no role."""
    response_id: str | None
    generated_ms: float = 0.0
    text: str = ""
    status: str = "in_progress"
    truncated_ms: int | None = None
    deleted: bool = False


@dataclass(slots=True)
class ResponseRecord:
    """One response, whoever asked for it."""

    response_id: str
    number: int
    reason: Literal["client", "turn", "idle"]
    metadata: dict[str, str] | None
    out_of_band: bool
    created_at_ms: float
    first_audio_at_ms: float | None = None
    done_at_ms: float | None = None
    status: str = "in_progress"
    status_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Truncation:
    """One `conversation.item.truncate`; `error` is empty when it was accepted."""

    at_ms: float
    item_id: str
    audio_end_ms: int
    generated_ms: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A client event that a correct client would not have sent."""

    at_ms: float
    kind: str
    """An error code, `before_session_updated`, or `binary_frame`."""
    detail: str


@dataclass(slots=True)
class SessionRecord:
    """One connection, from upgrade to close."""

    number: int
    """Counted from 1 in the order of connecting."""
    session_id: str
    model: str
    knobs: Knobs
    opened_at_ms: float
    headers: dict[str, str]
    keep_audio: bool = False
    received: deque[TimedEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    """Client events without `input_audio_buffer.append`."""
    received_count: int = 0
    appends: int = 0
    appended_bytes: int = 0
    appended_audio: bytearray = field(default_factory=bytearray)
    """All appended audio when `keep_audio`, else empty."""
    appended_at: list[tuple[float, int]] = field(default_factory=list, repr=False)
    """Of each append when `keep_audio`: when, and how many bytes there were with it."""
    sent: deque[TimedEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    sent_count: int = 0
    items: dict[str, ItemRecord] = field(default_factory=dict)
    asked_responses: int = 0
    """Responses that client or server asked for, refused and unanswered ones included: the number of the
    last one (`Knobs.by_response`)."""
    responses: dict[str, ResponseRecord] = field(default_factory=dict)
    truncations: list[Truncation] = field(default_factory=list)
    errors: list[ErrorBody] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    closed_at_ms: float | None = None
    close_code: int | None = None
    """What this side sent or, if the client closed, what it sent; 1006 for a connection that was dropped."""

    def sent_of(self, event_type: str) -> list[dict[str, object]]:
        """Server events of one type, in order."""
        return [timed.event for timed in self.sent if timed.type == event_type]

    def received_of(self, event_type: str) -> list[dict[str, object]]:
        """Client events of one type, in order."""
        return [timed.event for timed in self.received if timed.type == event_type]
