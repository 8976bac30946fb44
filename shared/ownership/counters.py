"""What is counted of a process's calls as they come and go between owners."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.contract.scripts import Answer
from shared.figures.counters import Counts


@dataclass(slots=True)
class OwnershipCounters:
    """A process's calls as they come and go between owners, and what it could not read of theirs."""

    claims: int = 0
    """Calls taken."""
    claims_refused: int = 0
    """Calls that another worker had taken first, or that were over."""
    releases: int = 0
    """Calls given back for another worker to take."""
    losses: Counts = field(default_factory=lambda: Counts("answer", ("fenced", "absent")))
    """Calls let go of because a write was refused. fenced: a newer owner has it, or it has ended; absent:
    Redis has forgotten it."""
    contract_errors: int = 0
    """Records of other processes that lacked a field, or held in it what cannot be read: each has a log
    line."""

    def lost(self, answer: Answer) -> None:
        """A call was let go of, since a fenced write got this answer."""
        if answer is not Answer.OK:
            self.losses[answer.name.lower()] += 1
