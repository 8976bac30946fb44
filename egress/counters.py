"""What an egress process counts, over all its calls.

Owns: the declared totals and how they are added up from the calls' own counters, which are told on each
call's card. Must not know: what makes a counter grow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from egress.call import Call, CallCounters
from egress.intake import IntakeCounters
from egress.ledger import LedgerCounters
from egress.pacer import PacerCounters


@dataclass(slots=True)
class RoleCounters:
    """What concerns the process, not one call."""

    calls_taken: int = 0
    calls_ended: int = 0
    calls_lost: int = 0
    """A newer owner has them, or Redis has forgotten them."""
    calls_released: int = 0
    calls_failed: int = 0
    """Calls that a bug of ours threw out of the metronome, to be claimed anew."""
    ticks: int = 0
    ticks_late: int = 0
    """More than 10 ms behind their deadline."""
    out_entries: int = 0
    back_entries: int = 0
    back_for_others: int = 0
    """Reports on calls that are not ours: of a call just released or ended."""
    unreadable: int = 0
    """Entries of another version, or broken ones."""
    store_errors: int = 0


@dataclass(slots=True)
class Totals:
    """The calls' counters, summed over those that are over and those that live."""

    frames: CallCounters = field(default_factory=CallCounters)
    intake: IntakeCounters = field(default_factory=IntakeCounters)
    pacer: PacerCounters = field(default_factory=PacerCounters)
    ledger: LedgerCounters = field(default_factory=LedgerCounters)
    _over: list[dict[str, int]] = field(default_factory=lambda: [{}, {}, {}, {}])

    def finish(self, call: Call) -> None:
        """A call is over: its counts stay."""
        for over, part in zip(self._over, _parts(call), strict=True):
            for name, value in part.items():
                over[name] = over.get(name, 0) + value

    def add_up(self, live: Iterable[Call]) -> None:
        """Makes the sums anew; once a second is often enough."""
        sums = [dict(over) for over in self._over]
        for call in live:
            for total, part in zip(sums, _parts(call), strict=True):
                for name, value in part.items():
                    total[name] = total.get(name, 0) + value
        self.frames = dataclasses.replace(self.frames, **sums[0])
        self.intake = dataclasses.replace(self.intake, **sums[1])
        self.pacer = dataclasses.replace(self.pacer, **sums[2])
        self.ledger = dataclasses.replace(self.ledger, **sums[3])


def _parts(call: Call) -> list[dict[str, int]]:
    return [
        dataclasses.asdict(call.counters),
        dataclasses.asdict(call.intake.counters),
        dataclasses.asdict(call.pacer.counters),
        dataclasses.asdict(call.ledger.counters),
    ]
