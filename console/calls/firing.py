"""Alerts of deploy/alerts that one look can tell: they would fire, if what is seen goes on for their time.
Pure.

Why it exists: whoever has no Prometheus, or looks at a page first, should read the same names there. Owns:
which of the rules those are, and how what Prometheus counts over minutes shows in the beats, cards and
windows of one moment. Must not know: Redis, how anything is shown.

A share of windows is told by the last window of each live call, a latency by the last figure of each. What
only counters know (refusals, restarts, wishes) is Prometheus's: such rules are not in LOOKED_AT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.calls.live import AnyCall, AnyWorker, LiveCall, UnreadableWorker
from console.text import duration
from shared.contract.window import PipelineFigures
from shared.contract.worker import ROLES
from shared.figures.diagnosis import MODEL_SLOW, TWILIO_SLOW

CRITICAL, WARNING = "critical", "warning"

LOOKED_AT = {
    "TrunklineProcessDown": CRITICAL,
    "TrunklineLoopLag": CRITICAL,
    "TrunklineRedisAway": CRITICAL,
    "TrunklineRedisSlow": CRITICAL,
    "TrunklineFull": CRITICAL,
    "TrunklineNearlyFull": WARNING,
    "TrunklineNoJanitor": WARNING,
    "TrunklineDeadAir": CRITICAL,
    "TrunklineFramesLate": WARNING,
    "TrunklineTwilioSlow": WARNING,
    "TrunklineModelSlow": WARNING,
    "TrunklineSilence": CRITICAL,
    "TrunklineAnswersSlow": WARNING,
}
"""Each rule that is looked at, with its severity, in the order of the rules."""

LATE_MS = 100.0
REDIS_MS = 100.0
NEARLY_FULL = 0.85
FRAMES_LATE = 0.01
TWILIO_SHARE, MODEL_SHARE = 0.05, 0.1
ANSWER_MS, ANSWER_SHARE = 3_000, 0.05
APOLOGIES_MS = 600_000
"""Over so long apologies are counted."""
APOLOGIES_MOST = 6
"""More than these in that time are more than 0.01 a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """An alert that would fire."""

    alert: str
    severity: str
    words: str


@dataclass(frozen=True, slots=True)
class Late:
    """Of the frames that an egress process sent in the last windows of its live calls."""

    late: int = 0
    sent: int = 0

    @property
    def is_bad(self) -> bool:
        """Whether the rule would say so."""
        return self.late > FRAMES_LATE * self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What one look has found."""

    calls: Sequence[AnyCall] = ()
    workers: Sequence[AnyWorker] = ()
    has_janitor: bool = True
    apologies: int = 0
    """Calls that ended in an apology in the last APOLOGIES_MS."""
    lost: str = ""
    """Why all this is of earlier: Redis does not answer. Empty: it is of now."""


def firing(moment: Moment) -> list[Firing]:
    """Those that would fire, in the order of the rules."""
    if moment.lost:
        return [_fires("TrunklineRedisAway", moment.lost)]
    found = [*_of_workers(moment), *_of_calls(moment)]
    order = list(LOOKED_AT)
    return sorted(found, key=lambda each: order.index(each.alert))


def frames_late(calls: Iterable[AnyCall]) -> Mapping[str, Late]:
    """By egress process; one without a window of now is not there."""
    found: dict[str, Late] = {}
    for call, window in _windows(calls):
        if egress := call.owners["egress"]:
            so_far = found.get(egress, Late())
            found[egress] = Late(so_far.late + window.late, so_far.sent + window.sent)
    return found


# Private.


def _fires(alert: str, words: str) -> Firing:
    return Firing(alert=alert, severity=LOOKED_AT[alert], words=words)


def _of_workers(moment: Moment) -> Iterable[Firing]:
    roles: dict[str, tuple[int, int]] = {}
    for worker in moment.workers:
        if isinstance(worker, UnreadableWorker):
            continue
        name, beat = worker.name.partition("@")[0], worker.beat
        calls, capacity = roles.get(beat.role, (0, 0))
        roles[beat.role] = calls + beat.calls, capacity + beat.capacity
        if not worker.is_alive:
            words = f"{name} has shown no beat for {duration(worker.beat_age_ms)}"
            yield _fires("TrunklineProcessDown", words)
        elif beat.loop_lag_ms > LATE_MS:
            yield _fires("TrunklineLoopLag", f"the loop of {name} was {beat.loop_lag_ms:.0f} ms late")
    for role, (calls, capacity) in roles.items():
        if not capacity:
            continue
        words = f"{role} serves {calls} of {capacity} calls"
        if calls >= capacity:
            yield _fires("TrunklineFull", words)
        if calls > NEARLY_FULL * capacity:
            yield _fires("TrunklineNearlyFull", words)
    if not moment.has_janitor and ROLES[0] in roles:
        yield _fires("TrunklineNoJanitor", "nobody tidies up")


def _of_calls(moment: Moment) -> Iterable[Firing]:
    windows = [window for _, window in _windows(moment.calls)]
    slowest = max((window.redis_ms for window in windows), default=0.0)
    if slowest > REDIS_MS:
        yield _fires("TrunklineRedisSlow", f"a commit took {slowest:.0f} ms in the last window of a call")
    for egress, frames in frames_late(moment.calls).items():
        if frames.is_bad:
            words = f"{egress.partition('@')[0]} sent {frames.late} of {frames.sent} frames late"
            yield _fires("TrunklineFramesLate", words)
    for alert, verdict, most in (
        ("TrunklineTwilioSlow", TWILIO_SLOW, TWILIO_SHARE),
        ("TrunklineModelSlow", MODEL_SLOW, MODEL_SHARE),
    ):
        count = sum(window.verdict == verdict for window in windows)
        if count > most * len(windows):
            yield _fires(alert, f"{verdict} is the verdict on {count} of {len(windows)} calls")
    answers = [
        call.card.response_ms
        for call in moment.calls
        if isinstance(call, LiveCall) and call.card.response_ms is not None
    ]
    slow = sum(answer > ANSWER_MS for answer in answers)
    if slow > ANSWER_SHARE * len(answers):
        words = f"the last answer of {slow} of {len(answers)} calls took more than {ANSWER_MS / 1000:g} s"
        yield _fires("TrunklineAnswersSlow", words)
    if moment.apologies:
        minutes = APOLOGIES_MS // 60_000
        words = f"calls that ended in an apology within {minutes} minutes: {moment.apologies}"
        yield _fires("TrunklineDeadAir", words)
        if moment.apologies > APOLOGIES_MOST:
            yield _fires("TrunklineSilence", words)


def _windows(calls: Iterable[AnyCall]) -> Iterable[tuple[LiveCall, PipelineFigures]]:
    """Live calls with their last window, where that is of now."""
    for call in calls:
        if isinstance(call, LiveCall) and call.pipeline is not None:
            yield call, call.pipeline
