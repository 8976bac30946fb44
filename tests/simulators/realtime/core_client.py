"""A client of the session core, in virtual time: no socket, no clock, no waiting."""

from __future__ import annotations

import base64
from random import Random

import orjson

from simulators import clips, mulaw
from simulators.realtime import script
from simulators.realtime.knobs import Knobs, ResponseKnobs
from simulators.realtime.record import SessionRecord
from simulators.realtime.session.core import Session
from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.outlet import Close, Freeze, Send, StopReading

Event = dict[str, object]

FRAME_BYTES = 160
SILENT_FRAME = bytes([mulaw.SILENCE]) * FRAME_BYTES
CHECK_ORDER = {"type": "function", "name": "check_order", "parameters": {"type": "object"}}


def pcmu_session(**turn_detection: object) -> Event:
    """A `session` object that asks for µ-law both ways and the script's tool."""
    vad = {"type": "server_vad", "silence_duration_ms": 300, **turn_detection}
    return {
        "type": "realtime",
        "audio": {
            "input": {"format": {"type": "audio/pcmu"}, "turn_detection": vad},
            "output": {"format": {"type": "audio/pcmu"}},
        },
        "tools": [CHECK_ORDER],
    }


class CoreClient:
    """Sends events to a session and collects what it does."""

    def __init__(self, knobs: Knobs | None = None, *, model: str = "gpt-realtime-2.1") -> None:
        rng = Random(7)
        ids = IdMinter(rng)
        self.now_ms = 1000.0
        self.record = SessionRecord(
            number=1,
            session_id=ids.mint("sess"),
            model=model,
            knobs=knobs if knobs is not None else Knobs(),
            opened_at_ms=self.now_ms,
            headers={},
        )
        self.session = Session(self.record, script.load("english"), rng, ids, 1_800_000_000.0)
        self.events: list[Event] = []
        self.closes: list[Close] = []
        self.stalls: list[StopReading | Freeze] = []
        self.session.open(self.now_ms)
        self._collect()

    @classmethod
    def ready(cls, knobs: Knobs | None = None, **turn_detection: object) -> CoreClient:
        """A session confirmed for µ-law; `events` begins empty."""
        client = cls(knobs)
        client.send("session.update", session=pcmu_session(**turn_detection))
        client.advance(100)
        client.events.clear()
        return client

    @classmethod
    def with_response(cls, **knobs: object) -> CoreClient:
        """A ready session whose responses have these knobs."""
        return cls.ready(Knobs(response=ResponseKnobs(**knobs)))  # type: ignore[arg-type]

    # Doing.

    def send(self, event_type: str, **fields: object) -> list[Event]:
        """Sends one event; returns what the session answers at once."""
        return self.send_frame(orjson.dumps({"type": event_type, **fields}).decode())

    def send_frame(self, frame: str | bytes) -> list[Event]:
        """Sends one WebSocket message; returns what the session answers at once."""
        before = len(self.events)
        self.session.receive(self.now_ms, frame)
        self._collect()
        return self.events[before:]

    def advance(self, duration_ms: float) -> list[Event]:
        """Lets time pass, due time by due time; returns what happened."""
        before = len(self.events)
        until_ms = self.now_ms + duration_ms
        while (due_at_ms := self.session.next_due_at_ms()) is not None and due_at_ms <= until_ms:
            self.now_ms = max(self.now_ms, due_at_ms)
            self.session.tick(self.now_ms)
            self._collect()
        self.now_ms = until_ms
        return self.events[before:]

    def until(self, event_type: str, limit_ms: float = 30_000) -> Event:
        """Lets time pass until an event of this type comes that was not there before."""
        before = len(self.events)
        until_ms = self.now_ms + limit_ms
        while self.now_ms < until_ms:
            found = [e for e in self.events[before:] if e["type"] == event_type]
            if found:
                return found[0]
            due_at_ms = self.session.next_due_at_ms()
            assert due_at_ms is not None, f"{event_type} will never come; got {self.types()}"
            if due_at_ms > until_ms:
                break
            self.now_ms = max(self.now_ms, due_at_ms)
            self.session.tick(self.now_ms)
            self._collect()
        raise AssertionError(f"no {event_type} in {limit_ms} ms; got {self.types()}")

    def append(self, audio: bytes) -> None:
        """Appends audio in 20 ms frames, one every 20 ms."""
        for start in range(0, len(audio), FRAME_BYTES):
            encoded = base64.b64encode(audio[start : start + FRAME_BYTES]).decode()
            self.send("input_audio_buffer.append", audio=encoded)
            self.advance(20)

    def say(self, clip: str = "en_caller_ask", silence_ms: int = 320) -> None:
        """One whole turn of the caller."""
        self.append(clips.load(clip) + SILENT_FRAME * (silence_ms // 20))

    # Asking.

    def types(self) -> list[str]:
        return [str(event["type"]) for event in self.events]

    def of(self, event_type: str) -> list[Event]:
        return [event for event in self.events if event["type"] == event_type]

    def first(self, event_type: str) -> Event:
        found = self.of(event_type)
        assert found, f"no {event_type} in {self.types()}"
        return found[0]

    def error_code(self, events: list[Event]) -> object:
        """The code of the only event, an error."""
        (event,) = events
        assert event["type"] == "error", event
        return event["error"]["code"]  # type: ignore[index]

    def _collect(self) -> None:
        for action in self.session.take_actions():
            if isinstance(action, Send):
                self.events.append(action.event)
            elif isinstance(action, Close):
                self.closes.append(action)
            else:
                self.stalls.append(action)


def compact(types: list[str]) -> list[str]:
    """Event types with runs of deltas as one `delta`."""
    short: list[str] = []
    for name in types:
        name = "delta" if name.endswith(".delta") else name
        if name != "delta" or short[-1:] != ["delta"]:
            short.append(name)
    return short
