"""What is counted of a process's calls as they come and go between owners."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from shared.contract.errors import ContractError
from shared.contract.lua.scripts import Refusal
from shared.figures.counters import Counts
from shared.logs.log import Log


class Where(enum.StrEnum):
    """Where what is done for one call begins, in a process that serves others too."""

    DISPATCH = "dispatch"
    """A call was taken."""
    RING = "ring"
    """The doorbell."""
    LETTER = "letter"
    """A control message."""
    CALLER = "caller"
    """Entries of `caller`, in the brain."""
    REPLY = "reply"
    """Entries of `reply`, in egress."""
    OUT = "out"
    """A pair of `out`, in ingress."""
    BACK = "back"
    """A pair of `back`, in egress."""
    SOCKET = "socket"
    """A message of the carrier's, in ingress."""
    TICK = "tick"
    """The metronome's, in egress."""
    LOOK = "look"
    """What is done for each call once a second or more often."""
    TIMER = "timer"
    """A timer of the call's."""
    ANSWER = "answer"
    """What Redis answered."""
    TASK = "task"
    """A task of the call's."""
    WEBHOOK = "webhook"
    """An event for the user's systems."""
    END = "end"
    """The end of its service, after a bug."""


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
    """Calls let go of because a write was refused. fenced: another owner has it; absent: Redis has forgotten
    it. A call that has ended is not lost."""
    claims_again: int = 0
    """Calls claimed again by their owner: Redis or ingress knew less, or more, of it."""
    disowned: int = 0
    """Calls of dead workers that this one gave free for others to take."""
    found: int = 0
    """Calls that named this worker and that it did not know: taken up, or given back."""
    quarantined: int = 0
    """Calls turned away because too many owners in a row had failed at them."""
    bugs: Counts = field(default_factory=lambda: Counts("where", Where))
    """Exceptions that nothing expected, each met in one call, whose service ended there: where. Each has a
    log line `call_bug`."""
    contract_errors: int = 0
    """Records of other processes that lacked a field, or held in it what cannot be read: each has a log
    line."""

    def unread(self, error: ContractError, log: Log) -> None:
        """A record could not be read: counted, with a line that names it."""
        self.contract_errors += 1
        log.error("contract_error", record=error.record, field=error.field, reason=str(error))

    def lost(self, refusal: Refusal) -> None:
        """A call was let go of, since a fenced write was refused."""
        if not refusal.is_end:
            self.losses[refusal.answer.name.lower()] += 1
