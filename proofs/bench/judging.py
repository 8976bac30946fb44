"""Both records of a load, as figures.

Why it exists: the same figure must mean the same for every system, those included that name no item in their
marks and never truncate. Owns: what counts as lost, late, added to. Pure. Must not know: which system it was.

Each frame that the model speaks says whose it is (proofs/prove/chaos/evidence/coding.py): so a call finds its
session by what was heard. A system that codes audio anew has no such frames; then lost bytes cannot be told,
and lost turns only over all calls together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proofs.bench.records import CallHeard, ItemKey, ItemSpoken, SessionSpoken
from simulators.comparison import FRAME_BYTES
from simulators.mulaw import BYTES_PER_MS
from simulators.twilio.measures import percentile

PATIENCE_MS = 3000.0
"""What began so late before a clear or the end of the call that it could not be heard out is nobody's loss:
its own length, and this for the way."""

RECODED_SHARE = 0.5
"""A clear leaves the beginning of a frame here and there; a system that codes audio anew leaves no frame."""

TROUBLE_KINDS = 5
"""Kinds of failures, of errors, of complaints that are told."""

CLEAR_BEFORE_MS = 50.0
"""The two ends of a call note the same moment by this much apart."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """One system under one load. None: it cannot be told of this system."""

    system: str
    calls: int
    run: int
    call_seconds: float = 0.0
    cpu_ms: dict[str, float] = field(default_factory=dict)
    """CPU a call-second, by process of the system."""
    callers_cpu_ms: float = 0.0
    model_cpu_ms: float = 0.0
    """CPU a call-second of load generator and of model: no part of the system's."""
    turns: int = 0
    turns_lost: int = 0
    unanswered: int = 0
    answers: int = 0
    response_p50_ms: float | None = None
    response_p99_ms: float | None = None
    barge_ins: int = 0
    uncleared: int = 0
    barge_in_p50_ms: float | None = None
    barge_in_p99_ms: float | None = None
    holes: int = 0
    bytes_lost: int | None = None
    silent_calls: int = 0
    """Calls in which nothing was heard."""
    schedule_p99_ms: float | None = None
    pss_mib: float | None = None
    caller_xlen_p95: int | None = None
    simulators_late_ms: float = 0.0
    """The callers' own worst delay of a frame: judge the rest by it."""
    complaints: int = 0
    """Of Twilio and of the model about what they were sent."""
    trouble: list[str] = field(default_factory=list)
    """What failed and who complained of what, each kind once, with how often."""

    @property
    def cpu_call_second_ms(self) -> float | None:
        """CPU of all its processes for one second of one call; None: none of them is known."""
        return sum(self.cpu_ms.values()) if self.cpu_ms else None


def judge(
    figures: Figures,
    calls: Sequence[CallHeard],
    sessions: Sequence[SessionSpoken],
) -> None:
    """Fills in what the records say."""
    figures.call_seconds = sum(call.ended_ms - call.began_ms for call in calls) / 1000
    responses = [ms for call in calls for ms in call.responses_ms]
    barge_ins = [ms for call in calls for ms in call.barge_ins_ms]
    figures.answers, figures.barge_ins = len(responses), len(barge_ins)
    figures.response_p50_ms, figures.response_p99_ms = _p50_p99(responses)
    figures.barge_in_p50_ms, figures.barge_in_p99_ms = _p50_p99(barge_ins)
    figures.unanswered = sum(call.unanswered for call in calls)
    figures.uncleared = sum(call.uncleared for call in calls)
    figures.holes = sum(len(call.holes_ms) for call in calls)
    figures.silent_calls = sum(call.heard_bytes == 0 for call in calls)
    figures.simulators_late_ms = max((call.worst_tick_late_ms for call in calls), default=0.0)
    complaints = [text for call in calls for text in call.violations]
    complaints += [text for session in sessions for text in session.violations]
    figures.complaints = len(complaints)
    failures = [text for call in calls for text in call.failures]
    errors = [error for session in sessions for error in session.errors]
    figures.trouble = [*_counted(failures), *_counted(errors), *_counted(complaints)]
    behind = [ms for call in calls for ms in call.behind_ms]
    figures.schedule_p99_ms = percentile(behind, 0.99) if behind else None
    _judge_losses(figures, calls, sessions)


def cpu_by_call_second(used_ms: Mapping[str, float], call_seconds: float) -> dict[str, float]:
    """What each process used for one second of one call."""
    return {name: used / call_seconds if call_seconds else 0.0 for name, used in used_ms.items()}


def lost_bytes(call: CallHeard, items: Sequence[ItemSpoken]) -> int:
    """µ-law bytes of these items that should have been heard to their end and were not."""
    heard: dict[ItemKey, set[int]] = {}
    for session, response, item, frame in call.frames:
        heard.setdefault((session, response, item), set()).add(frame)
    lost = 0
    for spoken in items:
        if _could_be_heard_out(spoken, call):
            frames = -(-spoken.length_bytes // FRAME_BYTES)
            missing = frames - len(heard.get(spoken.key, set()) & set(range(frames)))
            lost += min(spoken.length_bytes, missing * FRAME_BYTES)
    return lost


# Private.


def _judge_losses(figures: Figures, calls: Sequence[CallHeard], sessions: Sequence[SessionSpoken]) -> None:
    turns_heard = sum(session.turns_heard for session in sessions)
    finished = [sum(at < call.ended_ms - PATIENCE_MS for at in call.turn_ends_ms) for call in calls]
    figures.turns = sum(finished)
    heard, unknown = sum(call.heard_bytes for call in calls), sum(call.unknown_bytes for call in calls)
    if unknown > RECODED_SHARE * heard or not sessions:
        figures.turns_lost = max(0, figures.turns - turns_heard)
        return
    by_number = {session.number: session for session in sessions}
    figures.bytes_lost = 0
    for call, turns in zip(calls, finished, strict=True):
        own = [by_number[number] for number in _sessions_of(call) if number in by_number]
        figures.turns_lost += max(0, turns - sum(session.turns_heard for session in own))
        figures.bytes_lost += lost_bytes(call, [item for session in own for item in session.items])


def _sessions_of(call: CallHeard) -> set[int]:
    """The sessions that spoke to this caller: the one heard most, and others that had a fair share."""
    share = Counter(session for session, *_ in call.frames)
    return {number for number, frames in share.items() if frames * 10 >= len(call.frames)}


def _could_be_heard_out(item: ItemSpoken, call: CallHeard) -> bool:
    until_ms = item.began_ms + item.length_bytes / BYTES_PER_MS + PATIENCE_MS
    cleared = any(item.began_ms - CLEAR_BEFORE_MS <= at <= until_ms for at in call.clears_ms)
    return not (item.interrupted or cleared or until_ms > call.ended_ms)


def _p50_p99(values: list[float]) -> tuple[float | None, float | None]:
    """None without values."""
    return (percentile(values, 0.5), percentile(values, 0.99)) if values else (None, None)


def _counted(texts: list[str]) -> list[str]:
    return [f"{text} × {count}" for text, count in Counter(texts).most_common(TROUBLE_KINDS)]
