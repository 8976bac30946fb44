"""`make prove-silence`: every kind of silence that we know of, on live calls, judged at the caller's ear.

Why it exists: "nobody is left in silence" is a promise about faults, and each must be tried. Owns: the run of
all rows over several stacks, and its progress. Must not know: what a row does (`director`) or what is
promised (`limits`).

Prints a line a row and a table; ends with 1 when a row broke a promise.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from console.calls import live
from proofs.measure import own_share
from proofs.prove.silence import rows, table
from proofs.prove.silence.director import Director, Played
from proofs.prove.silence.faults import Row
from proofs.prove.silence.limits import Result
from proofs.prove.silence.stage import Stage, open_stage
from proofs.prove.timeline import timeline
from shared.contract.keys import Keys
from shared.contract.streams.journal import MAXLEN, JournalEntry
from shared.store.errors import STORE_ERRORS

STACKS = 3
AT_ONCE = 8
LATE_MS = 150.0
"""A simulator that was later than this at a frame is told of: the row's figures are off by as much."""


@dataclass(slots=True)
class Run:
    """What all stacks of a run share."""

    console: Console
    seed: int
    keep: Path | None
    total: int
    began_s: float = field(default_factory=time.monotonic)
    results: dict[str, Result] = field(default_factory=dict)

    async def note(self, stage: Stage, played: Played) -> None:
        """Adds a row that was played, and says so. Cancelling it leaves the row out."""
        result = played.result
        self.results[result.row.name] = result
        late = f", simulator {result.late_ms:.0f} ms late" if result.late_ms > LATE_MS else ""
        verdict = "[red]broken[/red]: " + "; ".join(result.broken) if result.broken else "kept"
        self.console.print(
            f"{time.monotonic() - self.began_s:4.0f} s  {len(self.results):3d} of {self.total}"
            f"  {result.row.name}: silence {result.silence_text}, wait {result.wait_text},"
            f" {result.heard_text}{late}: {verdict}",
            soft_wrap=True,
            highlight=False,
        )
        if self.keep is not None:
            journal = await _journal(stage, played)
            text = f"{'; '.join(result.broken) or 'kept'}\n\n" + timeline(
                played.record, played.sessions, journal
            )
            (self.keep / f"{result.row.name}.txt").write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        chosen = rows.chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        for row in chosen:
            print(f"{row.name:34} {row.text}; {row.at}, {row.lasting}")
        return 0
    if options.write and options.only:
        parser.error("expected --write for all rows, got --only")
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    return own_share.run(_prove(options, chosen))


# Private.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make prove-silence",
        description="Every kind of silence on live simulated calls: never over 4.5 s without our own sound,"
        " never over 13 s without an answer or the apology; what passes within 8 s ends in an answer.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", metavar="PART", help="rows with this in their name; repeatable"
    )
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    parser.add_argument("--stacks", type=int, default=STACKS, help="stacks side by side")
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, help="calls at once where a fault is one call's"
    )
    parser.add_argument("--seed", type=int, default=1, help="of callers and model")
    parser.add_argument("--keep", type=Path, help="folder for a timeline of each call")
    return parser


async def _prove(options: argparse.Namespace, chosen: list[Row]) -> int:
    console = Console(width=200)
    run = Run(console, options.seed, options.keep, len(chosen))
    together = deque(row for row in chosen if not row.is_alone)
    alone = deque(row for row in chosen if row.is_alone)
    # The first stack begins with what can be done at once, the others with the rest.
    wanted = (1 if together else 0) + min(len(alone), options.stacks - (1 if together else 0))
    stacks = max(1, min(options.stacks, wanted))
    async with asyncio.TaskGroup() as group:
        for number in range(stacks):
            own = together if number == 0 else deque[Row]()
            group.create_task(_stack(run, own, alone, options.at_once))
    results = [run.results[row.name] for row in chosen]
    console.print(table.shown(results))
    broken = [result for result in results if result.broken]
    for result in broken:
        console.print(f"[red]broken:[/red] {result.row.name}: {'; '.join(result.broken)}", soft_wrap=True)
    if options.write:
        table.write(results)
    console.print("all rows kept" if not broken else f"{len(broken)} of {len(results)} rows broken")
    return 1 if broken else 0


async def _stack(run: Run, together: deque[Row], alone: deque[Row], at_once: int) -> None:
    """Plays rows until none is left; a stack that does not get whole again is replaced by another."""
    while together or alone:
        with tempfile.TemporaryDirectory(prefix="trunkline-silence-") as folder:
            async with open_stage(Path(folder), seed=run.seed) as stage:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(at_once, len(together))):
                        group.create_task(_play_all(run, stage, together))
                while alone:
                    await _play(run, stage, alone.popleft())
                    if alone and not await stage.is_whole():
                        break


async def _play_all(run: Run, stage: Stage, left: deque[Row]) -> None:
    while left:
        await _play(run, stage, left.popleft())


async def _play(run: Run, stage: Stage, row: Row) -> None:
    await run.note(stage, await Director(stage, row, run.seed).play())


async def _journal(stage: Stage, played: Played) -> list[JournalEntry]:
    """What the journal says of the call, where there still is one."""
    try:
        return list(await live.read_newest_journal(stage.store, Keys(1), played.record.call_sid, MAXLEN))
    except STORE_ERRORS as error:
        # The row may have been about Redis; its other half is still worth a look.
        sys.stderr.write(f"prove-silence: no journal of {played.result.row.name}: {error}\n")
        return []
