"""Holds the count of all calls against the cards: who does it, when, what is done.

Why it exists: the count is of no lane, and must be right also where the lanes are in the hands of janitors
that do not know it (a version before). Owns: the lease of the count, the order of a look, what is told of it.
Must not know: the rules (places.py), how one reads (look.py).

Two who hold it do no harm: what is done is idempotent, and no place is taken that was renewed since it was
seen. The lease only saves the second one's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingress.janitor import places
from ingress.janitor.counters import JanitorCounters
from ingress.janitor.look import read_count
from ingress.janitor.patience import Patience
from ingress.janitor.places import Misplaced, Readmit, Vacate
from shared.contract.admission.count import OnTheLine
from shared.ownership import admitting
from shared.process.role import Process

MENDED_MOST = 1000
"""In a round: a Redis that holds something quite different must not be changed at once."""


@dataclass(slots=True)
class Count:
    """One object an ingress process."""

    process: Process
    counters: JanitorCounters
    gap_ms: float
    """Two looks in a row are less than this apart."""
    is_ours: bool = False
    _patience: Patience[Misplaced] = field(init=False)

    def __post_init__(self) -> None:
        self._patience = Patience(self.gap_ms)

    async def round(self) -> None:
        """Looks at the count, if it is ours, and mends it. Raises STORE_ERRORS. Cancelled, some is left to
        the next round."""
        process = self.process
        owner = await admitting.take_count(process.store, process.name)
        if (owner == process.name) != self.is_ours:
            self.is_ours = not self.is_ours
            process.log.info("admission_count", is_ours=self.is_ours, owner=owner)
        if not self.is_ours:
            self._patience.forget()
            return
        seen = await read_count(process.store, process.keys)
        ripe = self._patience.look(places.judge(seen), process.lag.awake_ms())[:MENDED_MOST]
        await self._vacate([each for each in ripe if isinstance(each, Vacate)])
        await self._readmit([each for each in ripe if isinstance(each, Readmit)])

    # Private.

    async def _vacate(self, wrong: list[Vacate]) -> None:
        gone = await admitting.vacate(self.process.store, [(each.call_sid, each.ends_ms) for each in wrong])
        self._tell("vacate", gone)

    async def _readmit(self, wrong: list[Readmit]) -> None:
        added = await admitting.hold(self.process.store, [OnTheLine(each.call_sid) for each in wrong])
        self._tell("readmit", added)

    def _tell(self, what: str, calls: int) -> None:
        if calls:
            self.counters.deeds[what] += calls
            self.process.log.warning("janitor", what=what, calls=calls)
