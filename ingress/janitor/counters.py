"""What is counted of the janitor's work."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.figures.counters import Counts

DEEDS = ("condemn", "offer", "relist", "free", "disown", "dismiss", "forget", "vacate", "readmit")


@dataclass(slots=True)
class JanitorCounters:
    """Of this process; only who has a lane tidies it up."""

    rounds: int = 0
    """Lanes that were looked through."""
    rounds_failed: int = 0
    """Rounds, or lanes of one, that were not finished, since Redis did not answer or what stands there could
    not be read."""
    deeds: Counts = field(default_factory=lambda: Counts("what", DEEDS))
    """What was tidied up. condemn: a call that nobody had ends; offer: a role that nobody had was offered
    again; relist: a list of a worker's calls did not say what the cards say; free: a slot without a call;
    disown: calls of a dead worker; dismiss: a consumer; forget: a worker's name; vacate: a place, among all
    calls, of one that is over or never came; readmit: a call on the line that had none."""
    late: int = 0
    """Deeds that came too late: things were not as they had been seen, or another one had the lane."""
