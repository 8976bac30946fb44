"""The way out of a session: what all its parts share.

Owns the list of actions for the driver, the ids, the timers, the seeded random source and the
record. It must not know why an event is sent. It also watches for the moments at which a knob
closes the connection or stops reading, because every event passes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from simulators.realtime.record import SessionRecord, TimedEvent
from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.timers import Timers

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Send:
    """Send this event as one text frame."""

    event: Json


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; 1006 means cut it without a close frame."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class StopReading:
    """Leave the socket unread for this long."""

    duration_ms: float


Action = Send | Close | StopReading


class Outlet:
    """Shared by the parts of one session."""

    __slots__ = ("_moments", "actions", "closed", "ids", "knobs", "record", "rng", "timers")

    def __init__(self, record: SessionRecord, rng: Random, ids: IdMinter) -> None:
        self.record = record
        self.knobs = record.knobs
        self.rng = rng
        self.ids = ids
        self.timers = Timers()
        self.actions: list[Action] = []
        self.closed = False
        self._moments = 0

    def emit(self, now_ms: float, event_type: str, **fields: object) -> None:
        """Send one server event. Nothing leaves after a close."""
        event: Json = {"type": event_type, "event_id": self.ids.mint("event"), **fields}
        self.send(now_ms, event)

    def send(self, now_ms: float, event: Json) -> None:
        """Send an event that is complete already."""
        if self.closed:
            return
        self.actions.append(Send(event))
        self.record.sent.append(TimedEvent(now_ms, event))
        self.record.sent_count += 1
        self.passed(now_ms, str(event["type"]))

    def padding(self, text: str) -> str:
        """The undocumented `obfuscation` of text deltas: padding that hides how long `text` is."""
        return self.ids.mint("pad")[-16 + len(text) % 7 :]

    def passed(self, now_ms: float, event_type: str) -> None:
        """An event of this type passed, in or out: carry out the knobs that wait for it."""
        knobs = self.knobs
        if event_type == knobs.close_on:
            self._moments += 1
            if self._moments == knobs.close_on_count:
                if knobs.close_after_ms:
                    self.timers.at(now_ms + knobs.close_after_ms, self._close_by_knob)
                else:
                    self._close_by_knob(now_ms)
        if event_type == knobs.stall_on:
            knobs.stall_on = ""  # once
            self.actions.append(StopReading(knobs.stall_reader_ms))

    def close(self, now_ms: float, code: int, reason: str) -> None:
        """Close the connection; later events and closes are dropped."""
        if self.closed:
            return
        self.closed = True
        self.record.closed_at_ms = now_ms
        self.record.close_code = code
        self.actions.append(Close(code, reason))

    def _close_by_knob(self, now_ms: float) -> None:
        self.close(now_ms, self.knobs.close_code, self.knobs.close_reason)
