"""What the callers heard and what the model said, as the two processes write it down.

Why it exists: neither process knows the other's side, and whoever judges knows neither side's inside. Owns:
the two records and their JSON. Pure. Must not know: what is right. Times are ms on the host's monotonic
clock, which all processes of one host share, unless a name says that it is a length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

ItemKey = tuple[int, int, int]
"""Number of the session, of the response in it, of the item in that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeard:
    """One call at the caller's end."""

    call_sid: str
    began_ms: float
    """When it was answered."""
    ended_ms: float
    turn_ends_ms: list[float] = field(default_factory=list)
    """End of each thing that the caller said to its end."""
    responses_ms: list[float] = field(default_factory=list)
    """End of the caller's voice to the first sound of the answer: lengths, of the turns that had one."""
    unanswered: int = 0
    """Turns without an answer before the next one; the last of a call is not counted."""
    barge_ins_ms: list[float] = field(default_factory=list)
    """First loud frame of an interruption to the arrival of the `clear`: lengths."""
    uncleared: int = 0
    """Interruptions that no `clear` followed."""
    holes_ms: list[float] = field(default_factory=list)
    """Silences inside the bridge's speech: lengths."""
    behind_ms: list[float] = field(default_factory=list)
    """Of each media message that a pacer held back: arrival after its schedule. Empty where none does."""
    clears_ms: list[float] = field(default_factory=list)
    frames: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Frames of the model that were heard: session, response, item, frame."""
    heard_bytes: int = 0
    unknown_bytes: int = 0
    """Bytes heard that are no frame of the model, silence apart: audio that was coded anew."""
    failures: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """What Twilio would have complained about."""
    worst_tick_late_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSpoken:
    """One item that the model spoke."""

    session: int
    response: int
    item: int
    length_bytes: int
    """µ-law bytes, whatever it was sent as."""
    began_ms: float
    interrupted: bool
    """Truncated, deleted, or of a response that did not complete."""

    @property
    def key(self) -> ItemKey:
        """What its frames say of themselves."""
        return (self.session, self.response, self.item)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpoken:
    """One session at the model's end."""

    number: int
    turns_heard: int
    items: list[ItemSpoken] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    """What a correct client would not have sent."""


def dump(records: Sequence[CallHeard] | Sequence[SessionSpoken]) -> bytes:
    """Their JSON."""
    return orjson.dumps([asdict(record) for record in records])


def load_calls(data: bytes) -> list[CallHeard]:
    """Of what `dump` wrote."""
    read: list[dict[str, Any]] = orjson.loads(data)
    return [CallHeard(**{**one, "frames": [tuple(frame) for frame in one["frames"]]}) for one in read]


def load_sessions(data: bytes) -> list[SessionSpoken]:
    """Of what `dump` wrote."""
    read: list[dict[str, Any]] = orjson.loads(data)
    return [SessionSpoken(**{**one, "items": [ItemSpoken(**item) for item in one["items"]]}) for one in read]
