"""Whether anybody collects the sound of calls that are recorded: the doctor's rule about recorders. Pure.

Why it exists: without a recorder nothing fails. Sound is lost after two minutes of a call, and what is left
of each call fills Redis for an hour. Owns: when that is a finding, and what to do about it. Must not know:
how it is read (facts.py), what a recorder does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from console.doctor.findings import Finding, fail, ok, warn

WHAT = "recordings"
ASKS_MS = 30_000
"""A recorder asks every second, and where it has much to write, less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapesFacts:
    """Of a lane."""

    waiting: int
    """What is to be recorded, or is being: an entry a media stream, until the recording has its name."""
    recorders: Collection[str] | None
    """Who asked for it lately; None: nobody here may know."""


def judge(lanes: Sequence[TapesFacts]) -> list[Finding]:
    """All lanes: a recorder reads all of them. Nothing where nothing is recorded."""
    waiting = sum(each.waiting for each in lanes)
    recorders = sorted({name for each in lanes for name in each.recorders or ()})
    if len(recorders) > 1:
        return [
            warn(
                WHAT,
                f"{len(recorders)} recorders share the calls: {', '.join(recorders)}",
                "One a deployment: a call that moves has a part on each host. RECORDER_PROCESSES=0 on the"
                " others (deploy/trunkline.conf).",
            )
        ]
    if recorders:
        return [ok(WHAT, f"{recorders[0]} takes them, {waiting} under way")]
    if not waiting or any(each.recorders is None for each in lanes):
        return []
    return [
        fail(
            WHAT,
            f"{waiting} under way, and no recorder takes them: of each all but two minutes is lost, and what"
            " is left stays in Redis for an hour",
            "Start one: RECORDER_PROCESSES=1 on one host (deploy/trunkline.conf). If it runs, its log says"
            " what it waits for.",
        )
    ]
