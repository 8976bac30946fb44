"""The way out of a session: what all its parts share.

Why it exists: every event passes one place, where it is recorded, and where a knob may close the connection
or stop the reading. Owns: the list of actions for the driver, the ids, the timers, the seeded random source
and the record. Must not know: why an event is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from simulators.realtime.record import SessionRecord, TimedEvent
from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.timers import Timers
from simulators.realtime.voice import Voice, clip_voice

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Send:
    """One event, to be sent as one text message."""

    event: Json


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is to be closed; 1006: dropped without a close frame."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class StopReading:
    """The socket is to be left unread for this long."""

    duration_ms: float


@dataclass(frozen=True, slots=True)
class Freeze:
    """The connection is to be half open for this long: nothing is read or written, nothing is closed."""

    duration_ms: float


Action = Send | Close | StopReading | Freeze


class Outlet:
    """What the parts of one session share."""

    __slots__ = ("_moments", "actions", "closed", "ids", "knobs", "record", "rng", "timers", "voice")

    def __init__(self, record: SessionRecord, rng: Random, ids: IdMinter, voice: Voice = clip_voice) -> None:
        self.record = record
        self.voice = voice
        self.knobs = record.knobs
        self.rng = rng
        self.ids = ids
        self.timers = Timers()
        self.actions: list[Action] = []
        self.closed = False
        self._moments = 0

    def emit(self, now_ms: float, event_type: str, **fields: object) -> None:
        """Sends one server event. Nothing leaves after a close."""
        event: Json = {"type": event_type, "event_id": self.ids.mint("event"), **fields}
        self.send(now_ms, event)

    def send(self, now_ms: float, event: Json) -> None:
        """Sends an event that is complete already."""
        if self.closed:
            return
        self.actions.append(Send(event))
        self.record.sent.append(TimedEvent(now_ms, event))
        self.record.sent_count += 1
        self.on_event(now_ms, str(event["type"]))

    def padding(self, text: str) -> str:
        """The undocumented `obfuscation` of text deltas: padding that hides how long `text` is."""
        return self.ids.mint("pad")[-16 + len(text) % 7 :]

    def on_event(self, now_ms: float, event_type: str) -> None:
        """Carries out the knobs that wait for an event of this type, in or out."""
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
        if event_type == knobs.freeze_on:
            knobs.freeze_on = ""  # once
            self.actions.append(Freeze(knobs.freeze_ms))

    def close(self, now_ms: float, code: int, reason: str) -> None:
        """Closes the connection; later events and closes are dropped."""
        if self.closed:
            return
        self.closed = True
        self.record.closed_at_ms = now_ms
        self.record.close_code = code
        self.actions.append(Close(code, reason))

    def _close_by_knob(self, now_ms: float) -> None:
        self.close(now_ms, self.knobs.close_code, self.knobs.close_reason)
