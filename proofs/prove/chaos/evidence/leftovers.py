"""What a fault does to others, and what it leaves behind.

Why it exists: a call that goes on is half of it: the tool must not have run twice, the other calls must not
have noticed, and nothing may stay. Owns: I3 (a tool call runs once), I5 (queues are as long as what waits),
I6 (keys, descriptors, tasks, memory and sessions come back to the base line) and I7 (frames of other calls
are on time). Pure. Must not know: how any of it was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from egress.pacing.pacer import AHEAD_MS, LEAD_MS
from proofs.prove.chaos.evidence.finding import Finding
from proofs.prove.chaos.evidence.shapes import Evidence

LATE_P99_MS: Final = 10.0
LEAST_FRAMES: Final = 1_000
"""The latest hundredth of fewer is a frame or two, which say nothing: such rows are judged together."""

FRAME_MS: Final = 20.0
TOGETHER_MS: Final = FRAME_MS / 2
"""A frame that has so much more in hand than the one before it came with that: in one message, or one behind
the other. One that came a frame later has as much as that one."""

QUEUE_FRAMES: Final = 6
QUEUE_SETTLES_MS: Final = 5_000.0
"""After the fault and the return of the process: what waited meanwhile has been said by then."""

MORE_FDS: Final = 8
MORE_TASKS: Final = 6
MORE_RSS_SHARE: Final = 0.25
MORE_RSS_BYTES: Final = 16 * 1024 * 1024


def tools(evidence: Evidence) -> Iterator[Finding]:
    """I3. The same call of a tool, in two sessions, has two ids: what it was asked counts too."""
    by_id = Counter(run.call_id for run in evidence.tool_runs)
    yield Finding(
        promise="I3",
        what="runs of one tool call",
        figure=max(by_id.values(), default=0),
        bound=1,
        unit="runs",
    )
    by_wish = Counter((run.call_sid, run.arguments) for run in evidence.tool_runs)
    yield Finding(
        promise="I3",
        what="runs of a tool for one wish of a caller",
        figure=max(by_wish.values(), default=0),
        bound=1,
        unit="runs",
    )


def queues(evidence: Evidence) -> Iterator[Finding]:
    """I5: the caller's queue, once the call is in order again."""
    over_ms = max([*evidence.faults_ms, evidence.back_ms or 0.0], default=0.0) + QUEUE_SETTLES_MS
    ended_ms = {call.call_sid: call.ended_ms for call in evidence.calls}
    later = [
        length.caller
        for length in evidence.lengths
        if over_ms < length.at_ms < ended_ms.get(length.call_sid, 0.0)
    ]
    yield Finding(
        promise="I5", what="XLEN of caller, p95", figure=_p(later, 0.95), bound=QUEUE_FRAMES, unit="frames"
    )


def base_line(evidence: Evidence) -> Iterator[Finding]:
    """I6."""
    before, after = evidence.before, evidence.after
    for kind in sorted({*before.keys, *after.keys}):
        yield _left(f"keys: {kind}", after.keys.get(kind, 0), before.keys.get(kind, 0), "keys")
    yield _left("sessions of the model", after.sessions, before.sessions, "sessions")
    yield from _grown("descriptors", before.fds, after.fds, MORE_FDS)
    yield from _grown("tasks", before.tasks, after.tasks, MORE_TASKS)
    for name, rss_bytes in sorted(after.rss_bytes.items()):
        most = before.rss_bytes.get(name, rss_bytes) * (1 + MORE_RSS_SHARE) + MORE_RSS_BYTES
        yield Finding(
            promise="I6",
            what="memory",
            figure=rss_bytes / 2**20,
            bound=most / 2**20,
            unit="MiB",
            where=name,
        )


def lateness(evidence: Evidence) -> Iterator[Finding]:
    """I7: of the calls that were not hit, where their frames are enough to say."""
    late = late_ms(evidence)
    if len(late) >= LEAST_FRAMES:
        yield late_finding(late)


def late_ms(evidence: Evidence) -> list[float]:
    """Of each frame of the calls that were not hit. Each spurt of talk has a schedule of its own, which
    begins where the tick found it: a frame is as late as the group that it came in, by its first frame,
    comes behind the middle of those of its spurt."""
    late: list[float] = []
    for call in evidence.calls:
        for spurt in [] if call.is_hit else _spurts(call.lateness_ms):
            usual = median(group[0] for group in spurt)
            late += [max(0.0, group[0] - usual) for group in spurt for _ in group]
    return late


def late_finding(late: list[float]) -> Finding:
    """Of one row, or of several together."""
    return Finding(
        promise="I7",
        what="lateness of other calls' frames, p99",
        figure=_p(late, 0.99),
        bound=LATE_P99_MS,
        unit="ms",
    )


# Private.


def _spurts(lateness_ms: Sequence[float]) -> Iterator[list[list[float]]]:
    """Where the lead stands, in groups: the first frames of a spurt build it up, and are early."""
    spurt: list[list[float]] = []
    since_anchor, before_ms = 0, 0.0
    for value in lateness_ms:
        if value == 0.0:
            if spurt:
                yield spurt
            spurt, since_anchor, before_ms = [], 0, 0.0
            continue
        since_anchor += 1
        if since_anchor * FRAME_MS >= LEAD_MS + AHEAD_MS:
            if spurt and value < before_ms - TOGETHER_MS:
                spurt[-1].append(value)
            else:
                spurt.append([value])
        before_ms = value
    if spurt:
        yield spurt


def _left(what: str, after: int, before: int, unit: str) -> Finding:
    return Finding(promise="I6", what=what, figure=after, bound=before, unit=unit)


def _grown(what: str, before: Mapping[str, int], after: Mapping[str, int], more: int) -> Iterator[Finding]:
    for name, count in sorted(after.items()):
        yield Finding(promise="I6", what=what, figure=count, bound=before.get(name, count) + more, where=name)


def _p(values: list[int] | list[float], share: float) -> float:
    return float(sorted(values)[min(len(values) - 1, int(len(values) * share))]) if values else 0.0
