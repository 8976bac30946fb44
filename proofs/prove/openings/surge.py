"""`make prove-surge`: 200 calls a second ring while all lines are taken, and nobody on them may notice.

Why it exists: a refusal costs a webhook, a look at Redis and a second webhook, in the loops that send a frame
every 20 ms for others. Owns: that load, and what is promised. Must not know: how a call is refused.

Played twice: the live calls alone, then beside those who ring. Prints both; ends with 1 where a promise was
broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from proofs.measure import own_share
from proofs.prove.hostile.clean import OPEN_WITHIN_S, RAMP_S, Figures, Wave
from proofs.prove.hostile.judge import HOLES_SHARE, LATER_MS, LOST_SHARE
from proofs.prove.hostile.stage import Stage, open_stage
from proofs.prove.openings.ringers import BUSY, Rung, rung
from proofs.prove.promises import Broken, conclude, true_of

AFTER_S = 10.0
"""Live calls go on for so long beyond the time in which others ring: their process has to start, too."""

ANSWERED_MS = 1_000.0
"""Every webhook is answered by then (p99); a proxy waits for three times as long."""

RATE_SHARE = 0.95
"""Of the calls a second that were asked for, so many must have come: with fewer nothing is shown."""


@dataclass(slots=True)
class Outcome:
    """What was seen."""

    a_second: float
    alone: Figures = field(default_factory=Figures)
    beside: Figures = field(default_factory=Figures)
    rung: Rung = field(default_factory=Rung)


def promises(seen: Outcome) -> Broken:
    """What must not be true."""
    alone, beside, rung = seen.alone, seen.beside, seen.rung
    p99_ms = rung.answered_p99_ms
    rang = sum(rung.ends.values())
    came = rang / rung.seconds if rung.seconds else 0.0
    others = {end: count for end, count in rung.ends.items() if end != BUSY}
    statuses = {status: count for status, count in rung.statuses.items() if status != "204"}
    lost_most = alone.lost_turns + LOST_SHARE * beside.turns
    return {
        f"{came:.0f} calls a second rang, {seen.a_second:.0f} asked": came < RATE_SHARE * seen.a_second,
        f"{sum(others.values())} of {rang} calls were not refused in words: {others}": bool(others),
        f"the end of {sum(statuses.values())} calls was not taken: {statuses}": bool(statuses),
        f"a webhook was answered after {p99_ms:.0f} ms (p99)": p99_ms > ANSWERED_MS,
        "no frame was measured": min(alone.frames, beside.frames) == 0,
        f"frames were {beside.p99_ms:.1f} ms late (p99), {alone.p99_ms:.1f} ms without": (
            beside.p99_ms > alone.p99_ms + LATER_MS
        ),
        f"{beside.holes} holes in {beside.frames} frames": beside.holes > HOLES_SHARE * beside.frames,
        f"{beside.lost_turns} of {beside.turns} turns lost": beside.lost_turns > lost_most,
        f"wrong without: {alone.wrong[:3]}": bool(alone.wrong),
        f"wrong beside them: {beside.wrong[:3]}": bool(beside.wrong),
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="make prove-surge",
        description="Hundreds of calls a second are refused in words; live ones beside them must not notice.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--calls", type=int, default=20, help="live calls: all lines there are")
    parser.add_argument("--a-second", type=float, default=200.0, help="calls that ring, a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they ring")
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    return own_share.run(_prove(parser.parse_args()))


# Private.


async def _prove(arguments: argparse.Namespace) -> int:
    console, seen = Console(width=150), Outcome(arguments.a_second)
    with tempfile.TemporaryDirectory(prefix="trunkline-surge-") as folder:
        full = {"TRUNKLINE_MAX_CALLS": str(arguments.calls)}
        async with open_stage(Path(folder), arguments.seed, **full) as stage:
            seen.alone = await _wave(stage, arguments, None)
            console.print(f"alone: {_shown(seen.alone)}")
            seen.beside = await _wave(stage, arguments, seen)
    console.print(f"beside those who ring: {_shown(seen.beside)}")
    rung = seen.rung
    console.print(
        f"{sum(rung.ends.values())} calls in {rung.seconds:.0f} s: {dict(rung.ends)}, answered after"
        f" {rung.answered_p50_ms:.0f} ms (p50), {rung.answered_p99_ms:.0f} ms (p99);"
        f" {rung.late} rang late by this machine's doing"
    )
    return conclude(console, true_of(promises(seen)))


async def _wave(stage: Stage, arguments: argparse.Namespace, seen: Outcome | None) -> Figures:
    """The live calls, and beside them those who ring, where `seen` takes what came of that."""
    seconds = RAMP_S + OPEN_WITHIN_S + arguments.seconds + AFTER_S
    wave = Wave(stage, arguments.calls, seconds, arguments.seed)
    with own_share.garbage_waits():
        await wave.begin()
        if seen is not None:
            seen.rung = await rung(stage.target(), arguments.a_second, arguments.seconds)
        figures = await wave.end()
        stage.forget({call.call_sid for call in wave.live})
    return figures


def _shown(figures: Figures) -> str:
    return (
        f"{figures.calls} calls, frames late {figures.p99_ms:.1f} ms (p99),"
        f" {figures.holes} holes in {figures.frames},"
        f" {figures.lost_turns} of {figures.turns} turns lost, {len(figures.wrong)} wrong;"
        f" callers' own delay {figures.simulator_late_ms:.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
