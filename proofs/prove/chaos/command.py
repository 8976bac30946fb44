"""`make chaos`, `make chaos-full`, `make chaos-redis`: processes and servers are killed and stopped under
live calls, judged at the ear.

Why it exists: "the call outlives us" is a promise about every process at every step of a call. Owns: the run
of the rows, the files that it leaves, its progress. Must not know: what a row does, or what is allowed.

Each row is recorded into a file and judged from that file; `--check` judges files again, without a run.
Prints each figure beside its bound, a table, what was broken in words; ends with 1 when something was.
With `--guards` rows are played twice instead, with a guard and without it (guards.py).
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from proofs.measure import own_share
from proofs.prove.chaos import guards, rows, table
from proofs.prove.chaos.evidence.leftovers import late_ms
from proofs.prove.chaos.evidence.quiet import Usual, usual_of
from proofs.prove.chaos.evidence.shapes import Evidence, dumped, loaded
from proofs.prove.chaos.evidence.verdict import judge
from proofs.prove.chaos.faults import Nothing, Row, Story, Tier
from proofs.prove.chaos.playing import Lanes
from proofs.prove.chaos.table import Result

KEEP: Final = Path(".build/chaos")
LANES: Final = 1
"""On two cores: a process that starts takes one of them for a second or two, and two stacks would disturb one
another just when it matters."""

LATE_MS: Final = 50.0
"""A simulator that was later than this at a frame is told of: the row's figures are off by as much. If the
row is broken then, nobody knows by whom."""

TRIES_MOST: Final = 3
"""So often a row is played for such a reason."""


@dataclass(slots=True)
class Run:
    """What all stages of a run share."""

    console: Console
    keep: Path
    seed: int
    order: dict[str, int] = field(default_factory=dict)
    """Row → its place in the table, whenever it was played."""
    began_s: float = field(default_factory=time.monotonic)
    results: list[Result] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    """Row → how often it was played."""
    usual: dict[Story, Usual] = field(default_factory=dict)
    """What calls take where nothing is wrong, from the healthy rows, which come first."""

    async def record(self, row: Row, evidence: Evidence) -> bool:
        """Writes a row down and judges what was written. True: it was broken, and the simulators stood still
        for so long that it shows nothing: it is to be played again. Cancelling it leaves the file, not
        judged."""
        path = file_of(self.keep, row)
        await asyncio.to_thread(path.write_bytes, dumped(evidence))
        tries = self.tries[row.name] = self.tries.get(row.name, 0) + 1
        self.note(row, loaded(await asyncio.to_thread(path.read_bytes)))
        if not self.results[-1].broken or own_late_ms(evidence) <= LATE_MS or tries >= TRIES_MOST:
            return False
        self.results.pop()
        self._say("        the simulators were late themselves: it is played again")
        return True

    def note(self, row: Row, evidence: Evidence) -> None:
        """Judges a row by its record, and says so."""
        if isinstance(row.fault, Nothing):
            self.usual[row.story] = usual_of(evidence)
        findings = judge(evidence, row.bounds, self.usual.get(row.story))
        hit = sum(call.is_hit for call in evidence.calls)
        result = Result(
            row=row,
            findings=findings,
            calls=len(evidence.calls),
            hit=hit,
            problem=evidence.problem,
            late_ms=late_ms(evidence),
            tries=self.tries.get(row.name, 1),
        )
        self.results.append(result)
        own_ms = own_late_ms(evidence)
        late = f", simulator {own_ms:.0f} ms late" if own_ms > LATE_MS else ""
        verdict = "[red]broken[/red]" if result.broken else "kept"
        at = f"{time.monotonic() - self.began_s:4.0f} s"
        calls = f"{hit} of {len(evidence.calls)} calls hit"
        self._say(f"{at}  {row.name} ({calls}): silence {result.silence_text} ms{late}: {verdict}")
        self._say(f"        {result.figures_text}")
        for sentence in result.broken:
            self._say(f"        [red]{sentence}[/red]")

    def conclude(self) -> int:
        """The table, what was broken, the exit code."""
        self.results.sort(key=lambda result: self.order.get(result.row.name, 0))
        self.console.print(table.shown(self.results))
        broken = [f"{each.row.name}: {text}" for each in self.results for text in each.broken]
        broken += table.together(self.results)
        few = table.late_together(self.results)
        if few is not None:
            self._say(f"rows with few other calls, together: {few.text}")
        for line in broken:
            self._say(f"[red]broken:[/red] {line}")
        kept = sum(not result.broken for result in self.results)
        self._say(f"{kept} of {len(self.results)} rows kept")
        return 1 if broken else 0

    # Private.

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, highlight=False)


def own_late_ms(evidence: Evidence) -> float:
    """How late the simulators themselves were at worst."""
    return max((call.simulator_late_ms for call in evidence.calls), default=0.0)


def file_of(keep: Path, row: Row) -> Path:
    """Where a row is written down."""
    return keep / f"{row.name}.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.guards:
        return guards.main(options.only or (), options.seed, options.keep)
    tier: Tier = "redis" if options.redis else "full" if options.full else "short"
    try:
        chosen = rows.chosen(tier, options.only or (), options.soak_s)
    except ValueError as error:
        parser.error(str(error))
    chosen = rows.repeated(chosen, times=options.times, calls=options.calls)
    if options.list:
        for row in chosen:
            print(f"{row.name:34} {row.text}; {row.step}")
        return 0
    options.keep.mkdir(parents=True, exist_ok=True)
    order = {row.name: place for place, row in enumerate(chosen)}
    run = Run(Console(width=180), options.keep, options.seed, order)
    if options.check:
        for row in chosen:
            path = file_of(run.keep, row)
            if path.exists():
                run.note(row, loaded(path.read_bytes()))
    else:
        own_share.run(Lanes(run.seed, run.record, options.lanes).play(chosen))
    if options.write:
        table.write(run.results, table.REDIS_PART if options.redis else table.PART)
    return run.conclude()


# Private.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description="Processes are killed, stopped and restarted under live simulated calls whose audio says"
        " whose it is; every invariant is checked from what was recorded.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="all rows, with ten calls on each process")
    parser.add_argument("--redis", action="store_true", help="the rows of Redis in each of its shapes")
    parser.add_argument(
        "--only", action="append", metavar="PART", help="rows with this in their name; repeatable"
    )
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--check", action="store_true", help="judge what is in --keep, without a run")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--lanes", type=int, default=LANES, help="stacks on which rows are played at once")
    parser.add_argument(
        "--guards", action="store_true", help="play the rows of each guard with it and without it"
    )
    parser.add_argument("--calls", type=int, default=0, help="calls of each row; 0: as many as it says")
    parser.add_argument("--times", type=int, default=1, help="how often each row is played")
    parser.add_argument("--soak-s", type=float, default=rows.SOAK_S, help="how long the soak lasts, s")
    parser.add_argument("--seed", type=int, default=1, help="of callers, model and faults")
    parser.add_argument("--keep", type=Path, default=KEEP, help="folder for the record of each row")
    return parser
