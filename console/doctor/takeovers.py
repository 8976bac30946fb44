"""Whether calls that have lost somebody find somebody else: the doctor's rule about what waits. Pure.

Owns: how long a role, an end or a lane may wait for somebody before it is a finding, and what to do about it.
Must not know: how it is read (facts.py), who takes a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.doctor.findings import Finding, fail, ok, warn

WAITS_MS = 5_000
"""A call is claimed within half a second, where there is room; an end that is due is told of again after ten
seconds, and most are carried out in one."""

OVERDUE_MS = 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFacts:
    """What waits in a lane, by Redis's own clock."""

    lane: int
    janitor: str
    """The worker that tidies it up; empty: nobody."""
    orphans: int
    """Entries of `orphans`."""
    orphan_waits_ms: int
    """How long the oldest of them has waited; 0: there is none."""
    new_waits_ms: int
    """The same of `calls`."""
    overdue_ms: int
    """How long the end is overdue that was due first; 0: none is."""


def judge(lanes: Sequence[WaitingFacts], *, has_ingress: bool) -> list[Finding]:
    """All lanes; each finding names those that it is about. `has_ingress`: one of them lives."""
    found = []
    new = _lanes([each.lane for each in lanes if each.new_waits_ms > WAITS_MS])
    if new:
        found.append(
            fail(
                "new calls",
                f"wait for a brain or an egress for longer than {WAITS_MS // 1000} s{new}",
                "Are there workers of both roles with room? `trunkline top` shows them.",
            )
        )
    lost = [each for each in lanes if each.orphan_waits_ms > WAITS_MS]
    if lost:
        waits_s = max(each.orphan_waits_ms for each in lost) / 1000
        found.append(
            fail(
                "take-overs",
                f"{sum(each.orphans for each in lost)} roles of live calls wait for somebody, for up to"
                f" {waits_s:.0f} s{_lanes([each.lane for each in lost])}",
                "Start workers of the role that is missing; those that run are full or draining.",
            )
        )
    if not has_ingress:
        return found or [ok("take-overs", "nothing waits")]
    overdue = _lanes([each.lane for each in lanes if each.overdue_ms > OVERDUE_MS])
    if overdue:
        found.append(
            fail(
                "ends",
                f"calls should have ended and have not{overdue}",
                "Ingress ends them: its log says why it does not.",
            )
        )
    alone = _lanes([each.lane for each in lanes if not each.janitor])
    if alone:
        found.append(
            warn(
                "janitor",
                f"nobody tidies up{alone}: calls that nobody has stay, and their slots are taken",
                "Each ingress tries every 5 s; `janitor_failed` in its log says why it cannot.",
            )
        )
    return found or [ok("take-overs", "nothing waits, every lane is tidied up")]


# Private.


def _lanes(numbers: Sequence[int]) -> str:
    """` (lane 3, 7)`; empty where there is none."""
    return f" (lane {', '.join(map(str, numbers))})" if numbers else ""
