"""Records of calls and of sessions, written by hand, for what judges them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from simulators.realtime.knobs import Knobs
from simulators.realtime.record import ItemRecord, ResponseRecord, SessionRecord, TimedEvent
from simulators.twilio.record import CallRecord, ClearSeen, MarkSeen, MediaStream, Utterance

FRAME_BYTES = 160


def audio(first: int, frames: int) -> bytes:
    """µ-law of so many frames, each unlike the others."""
    return b"".join(bytes([first + number]) * FRAME_BYTES for number in range(frames))


def session(number: int = 1, *, call_sid: str = "CA1") -> SessionRecord:
    """A session without events, of this call."""
    return SessionRecord(
        number=number,
        session_id=f"sess_{number}",
        model="gpt-realtime",
        knobs=Knobs(),
        opened_at_ms=0.0,
        headers={"x-client-request-id": f"{call_sid}/{number}"},
    )


def call(call_sid: str = "CA1") -> CallRecord:
    """An answered call with one media stream; its clock begins at 0."""
    record = CallRecord(call_sid, "+15550001111", "+15550002222", 0.0, answered_at_ms=0.0)
    record.streams.append(MediaStream(1, "MZ1", "wss://host/media", {}, 0.0))
    return record


def speaks(
    to: SessionRecord, item_id: str, said: bytes, *, at_ms: float = 0.0, status: str = "completed"
) -> None:
    """The model generates an item, in one delta, by a response of its own."""
    response_id = f"resp_{item_id}"
    event: dict[str, object] = {
        "type": "response.output_audio.delta",
        "item_id": item_id,
        "response_id": response_id,
        "delta": base64.b64encode(said).decode(),
    }
    to.sent.append(TimedEvent(at_ms, event))
    to.items[item_id] = ItemRecord(item_id, "assistant", response_id, generated_ms=len(said) / 8)
    response = ResponseRecord(response_id, len(to.responses) + 1, "turn", None, False, at_ms)
    response.status = status
    to.responses[response_id] = response


def receives(to: SessionRecord, event_type: str, *, at_ms: float = 0.0, **fields: object) -> None:
    """The bridge sends an event."""
    to.received.append(TimedEvent(at_ms, {"type": event_type, **fields}))


def sends(to: SessionRecord, event_type: str, *, at_ms: float = 0.0, **fields: object) -> None:
    """The model sends an event."""
    to.sent.append(TimedEvent(at_ms, {"type": event_type, **fields}))


def hears(record: CallRecord, sound: bytes, at_ms: float) -> None:
    """Audio reaches Twilio at this time and is played, frame after frame."""
    for start in range(0, len(sound), FRAME_BYTES):
        frame = sound[start : start + FRAME_BYTES]
        record.streams[-1].received_at_ms.append(at_ms)
        record.streams[-1].received_bytes.append(len(frame))
        record.playout.push_audio(frame, at_ms)


def clears(record: CallRecord, at_ms: float) -> None:
    """The bridge clears what is queued."""
    dropped_ms, names = record.playout.clear(at_ms)
    record.streams[-1].clears.append(ClearSeen(at_ms, dropped_ms, len(names)))


def marks(record: CallRecord, name: str, at_ms: float = 0.0) -> None:
    """The bridge sends a mark."""
    record.streams[-1].marks.append(MarkSeen(name, at_ms))


def utters(record: CallRecord, from_ms: float, to_ms: float, *, barge_in: bool = False) -> None:
    """The caller says something."""
    length_ms = int(to_ms - from_ms)
    record.utterances.append(Utterance("said", from_ms, 0, length_ms, barge_in, to_ms))


def ends(record: CallRecord, at_ms: float, reason: str = "caller_hung_up") -> None:
    """The call is over: what is still queued is not heard."""
    record.playout.end_stream(at_ms)
    record.ended_at_ms = at_ms
    record.end_reason = reason


def line(kind: str, t: int, **fields: object) -> Mapping[str, str]:
    """One line of a call's journal."""
    return {"kind": kind, "t": str(t), **{name: str(value) for name, value in fields.items()}}
