"""One simulated call as text: what the model, the bridge and the caller did, by time, on one page.

Why it exists: a figure of a thousand calls says that something was wrong, this says what. Owns: the format.
Must not know: what is right. No audio and no text of an item gets in: kinds, ids and lengths are enough.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from simulators.realtime.record import SessionRecord, TimedEvent
from simulators.twilio import CallRecord

QUIET = {
    "response.output_audio_transcript.delta",
    "response.function_call_arguments.delta",
    "rate_limits.updated",
}
"""Events that say nothing a later one does not say."""

SKIPPED_FIELDS = {"kind", "t", "text", "transcript"}


def timeline(
    call: CallRecord, sessions: Sequence[SessionRecord], journal: Sequence[Mapping[str, str]]
) -> str:
    """Lines of `ms since the call began`, who, what; in order of time."""
    lines = [*_caller(call), *_journal(call, journal)]
    for session in sessions:
        lines += _model(call, session)
    lines.sort(key=lambda line: line[0])
    return "\n".join(f"{at_ms:9.0f}  {who:<10} {what}" for at_ms, who, what in lines) + "\n"


# Private.

Line = tuple[float, str, str]


def _caller(call: CallRecord) -> Iterator[Line]:
    for utterance in call.utterances:
        yield utterance.voice_started_at_ms, "caller", "begins to speak"
        yield utterance.voice_ended_at_ms, "caller", "is silent"
    for clear in call.clears:
        yield clear.at_ms, "egress", "clear"
    for playback in call.playbacks:
        yield playback.started_at_ms, "telephone", "audio begins"
        heard_ms = len(playback.audio) / 8
        yield playback.ended_at_ms, "telephone", f"audio ends after {heard_ms:.0f} ms: {playback.end}"
    for mark in call.marks:
        if mark.echoed_at_ms is not None:
            yield mark.echoed_at_ms, "telephone", f"echo {mark.name}"


def _journal(call: CallRecord, journal: Sequence[Mapping[str, str]]) -> Iterator[Line]:
    zero_wall_ms = call.zero_ms + (time.time() - time.monotonic()) * 1000
    for line in journal:
        rest = " ".join(f"{name}={value}" for name, value in line.items() if name not in SKIPPED_FIELDS)
        yield float(line.get("t") or 0) - zero_wall_ms, "journal", f"{line['kind']} {rest}"


def _model(call: CallRecord, session: SessionRecord) -> Iterator[Line]:
    who = f"model {session.number}"
    deltas: dict[str, tuple[float, float, int]] = {}
    for timed in session.sent:
        at_ms = timed.at_ms - call.zero_ms
        if timed.type == "response.output_audio.delta":
            item_id = str(timed.event["item_id"])
            first, _, size = deltas.get(item_id, (at_ms, at_ms, 0))
            deltas[item_id] = (first, at_ms, size + len(str(timed.event["delta"])) * 3 // 4)
        elif timed.type not in QUIET:
            yield at_ms, who, _event(timed)
    for item_id, (first_ms, last_ms, size) in deltas.items():
        yield first_ms, who, f"first audio of {item_id}"
        yield last_ms, who, f"last audio of {item_id}: {size / 8:.0f} ms in all"
    for timed in session.received:
        yield timed.at_ms - call.zero_ms, f"to model {session.number}", _event(timed)


def _event(timed: TimedEvent) -> str:
    event = timed.event
    names = ("event_id", "response_id", "item_id", "audio_end_ms", "previous_item_id")
    parts = [f"{name}={event[name]}" for name in names if event.get(name) is not None]
    for inner in ("response", "item", "error"):
        body = event.get(inner)
        if isinstance(body, dict):
            parts += [
                f"{inner}.{name}={body[name]}"
                for name in ("id", "type", "role", "status", "call_id", "code")
                if body.get(name) is not None
            ]
    return " ".join([timed.type, *parts])
