"""What an egress process counts, over all its calls.

Owns: the declared totals and how they are added up from the calls' own counters, which are told on each
call's card. Pure. Must not know: what makes a counter grow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from egress.delivery import Delivery
from egress.heard.accounts import DeliveryCounters, LedgerCounters
from egress.pacing.pacer import PacerCounters
from egress.reply.intake import IntakeCounters
from shared.audio import FRAME_MS
from shared.figures.counters import Counts, DeclaredCounters
from shared.figures.diagnosis import VERDICTS, Figures, Verdict
from shared.figures.histograms import Histogram, backlog_frames, backlog_ms, latency_ms, unsent_bytes


@dataclass(slots=True)
class EgressHops:
    """What egress adds to the way of the model's audio."""

    model_to_egress_ms: Histogram = field(default_factory=latency_ms)
    """From a `reply` entry's stamp in the brain until it was read."""
    model_to_frame_ms: Histogram = field(default_factory=latency_ms)
    """From a `reply` entry's stamp in the brain until its first frames were sent; only of audio that found
    nothing waiting before it."""


@dataclass(slots=True)
class Windows:
    """The windows of all calls: one value a call every 3 s."""

    verdicts: Counts = field(default_factory=lambda: Counts("verdict", VERDICTS))
    """Windows by whose fault they were (shared/figures/diagnosis.py)."""
    caller_queue_frames: Histogram = field(default_factory=backlog_frames)
    """Frames of the caller that the model has not got (XLEN of `caller`)."""
    reply_waiting_ms: Histogram = field(default_factory=backlog_ms)
    """Audio of the model that the caller has not heard."""
    tx_queue_ms: Histogram = field(default_factory=backlog_ms)
    """Audio that waits to be paced."""
    tx_queue_age_ms: Histogram = field(default_factory=backlog_ms)
    """How long the oldest audio that waits to be paced has been in `reply`."""
    mark_overdue_ms: Histogram = field(default_factory=backlog_ms)
    """How long the oldest mark is overdue: Twilio plays late, or takes nothing."""
    unsent_bytes: Histogram = field(default_factory=unsent_bytes)
    """What ingress's socket of the call had not got rid of."""

    def observe(self, figures: Figures, verdict: Verdict) -> None:
        """A window has ended."""
        self.verdicts[verdict.name] += 1
        self.caller_queue_frames.observe(figures.caller_q_frames)
        self.reply_waiting_ms.observe(figures.reply_q_ms)
        self.tx_queue_ms.observe(figures.tx_q_frames * FRAME_MS)
        self.tx_queue_age_ms.observe(figures.tx_q_age_ms)
        self.mark_overdue_ms.observe(figures.ws_block_ms)
        self.unsent_bytes.observe(figures.unsent_bytes)


@dataclass(slots=True)
class RoleCounters:
    """What concerns the process, not one call."""

    calls_taken: int = 0
    """Calls taken."""
    calls_ended: int = 0
    """Calls that ended here."""
    calls_lost: int = 0
    """A newer owner has them, or Redis has forgotten them."""
    calls_released: int = 0
    """Calls given to a sibling, or to whoever comes first."""
    calls_failed: int = 0
    """Calls that a bug of ours threw out of the metronome, to be claimed again."""
    ticks: int = 0
    """Ticks of the metronome."""
    ticks_late: int = 0
    """More than 10 ms behind their deadline."""
    tick_late_ms: Histogram = field(default_factory=latency_ms)
    """How far behind its deadline each tick of the metronome began."""
    out_entries: int = 0
    """Entries written to ingress."""
    out_entries_void: int = 0
    """Entries for which an ingress had no stream: Redis was emptied, or the ingress is gone. They are written
    again for three seconds."""
    back_entries: int = 0
    """Entries of reports read from ingress."""
    back_for_others: int = 0
    """Reports on calls that are not ours: of a call just released or ended."""
    unreadable: int = 0
    """Entries of another version, or broken ones."""
    store_errors: int = 0
    """Steps in Redis that failed."""


@dataclass(slots=True)
class Totals:
    """The calls' counters, summed over those that are over and those that live."""

    frames: DeliveryCounters = field(default_factory=DeliveryCounters)
    intake: IntakeCounters = field(default_factory=IntakeCounters)
    pacer: PacerCounters = field(default_factory=PacerCounters)
    ledger: LedgerCounters = field(default_factory=LedgerCounters)
    _over: list[dict[str, int]] = field(default_factory=lambda: [{}, {}, {}, {}])

    def finish(self, call: Delivery) -> None:
        """A call is over: its counts stay."""
        for over, part in zip(self._over, _parts(call), strict=True):
            for name, value in part.items():
                over[name] = over.get(name, 0) + value

    def add_up(self, live: Iterable[Delivery]) -> None:
        """Makes the sums again; once a second is often enough."""
        sums = [dict(over) for over in self._over]
        for call in live:
            for total, part in zip(sums, _parts(call), strict=True):
                for name, value in part.items():
                    total[name] = total.get(name, 0) + value
        self.frames = dataclasses.replace(self.frames, **sums[0])
        self.intake = dataclasses.replace(self.intake, **sums[1])
        self.pacer = dataclasses.replace(self.pacer, **sums[2])
        self.ledger = dataclasses.replace(self.ledger, **sums[3])

    def export(self, metrics: DeclaredCounters) -> None:
        """The sums as they are now take the place of the last ones."""
        for group, counters in (
            ("reply", self.frames),
            ("intake", self.intake),
            ("pacer", self.pacer),
            ("ledger", self.ledger),
        ):
            metrics.add(group, counters)


# Private.


def _parts(call: Delivery) -> list[dict[str, int]]:
    return [
        dataclasses.asdict(call.counters),
        dataclasses.asdict(call.intake.counters),
        dataclasses.asdict(call.pacer.counters),
        dataclasses.asdict(call.ledger.counters),
    ]
