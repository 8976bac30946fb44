"""`make soak`: rows drawn by a seed on one stack, for twenty minutes, and what is left after all of them.

Why it exists: a row begins on a stack that is whole; faults in life meet one that has had others. Owns: the
run, the look at what is left in the end. Must not know: what a row does, or what is allowed.

Each row is calls, one fault, and its end, judged as by itself (proofs/prove/chaos/command.py); the next one
waits until the stack is whole. In the end keys, descriptors, tasks and memory are held against the beginning.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console

from proofs.measure import own_share
from proofs.prove.chaos import playing, table
from proofs.prove.chaos.command import Run
from proofs.prove.chaos.evidence import leftovers
from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.evidence.shapes import Evidence
from proofs.prove.chaos.faults import Row, Soaked, Step
from proofs.prove.chaos.setting.stage import Setting, Stage, open_stage
from proofs.prove.chaos.soak import drawing
from proofs.prove.chaos.table import Result

SOAK_S: Final = 1_200.0
CALLS: Final = 10
KEEP: Final = Path(".build/soak")
PART: Final = "chaos-soak"
LISTED: Final = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    if options.list:
        for row in itertools.islice(drawing.drawn(options.seed, options.calls), LISTED):
            print(f"{row.name:34} {drawing.kind_of(row):8} {row.text}; {row.step}")
        return 0
    options.keep.mkdir(parents=True, exist_ok=True)
    run = Run(Console(width=180), options.keep, options.seed)
    own_share.run(_soak(run, options.soak_s, options.calls))
    if options.write:
        table.write(run.results, PART)
    return run.conclude()


def whole(first: Evidence, last: Evidence, lasted_s: float) -> Result:
    """What is left after all rows, held against what was there before the first of them."""
    row = Row(
        name="soak",
        text=f"what is left after {lasted_s:.0f} s of faults",
        fault=Soaked(lasted_s, 0.0),
        step=Step.MODEL,
        bounds=Bounds(silence_ms=0.0),
        calls=0,
    )
    both = Evidence(row=row.name, seed=first.seed, before=first.before, after=last.after)
    return Result(row=row, findings=list(leftovers.base_line(both)), calls=0, hit=0, problem=last.problem)


# Private.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make soak",
        description="Faults of processes, Redis, the model and the network, drawn by a seed, one after"
        " another on one stack under live calls, each judged by its own bounds; and what all of them leave.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--soak-s", type=float, default=SOAK_S, help="how long faults are drawn, s")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls of each row")
    parser.add_argument("--seed", type=int, default=1, help="of the draw, of callers, model and faults")
    parser.add_argument("--list", action="store_true", help=f"name the first {LISTED} rows and stop")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--keep", type=Path, default=KEEP, help="folder for the record of each row")
    return parser


async def _soak(run: Run, lasts_s: float, calls: int) -> None:
    with tempfile.TemporaryDirectory(prefix="trunkline-soak-") as folder:
        async with open_stage(Path(folder), Setting(), seed=run.seed) as stage:
            for row in drawing.healthy(calls):
                await _play(run, stage, row)
            began_s = time.monotonic()
            first: Evidence | None = None
            for row in drawing.drawn(run.seed, calls):
                last = await _play(run, stage, row)
                first = last if first is None else first
                lasted_s = time.monotonic() - began_s
                is_whole = await stage.is_whole()
                if lasted_s >= lasts_s or not is_whole:
                    break
            assert first is not None, "at least one row is drawn"
            result = whole(first, last, lasted_s)
            if not is_whole:
                result = replace(result, problem="expected a stack that is whole again, got one that is not")
            run.order[result.row.name] = len(run.order)
            run.results.append(result)


async def _play(run: Run, stage: Stage, row: Row) -> Evidence:
    """Plays a row, again where the simulators were late (`Run.record`)."""
    run.order[row.name] = len(run.order)
    while True:
        (evidence,) = await playing.play(stage, [row], run.seed)
        if not await run.record(row, evidence):
            return evidence
