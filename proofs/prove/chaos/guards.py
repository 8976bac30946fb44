"""`make prove-guards`: each guard is switched off, and the row that it is for must fail.

Why it exists: a row that is kept without the guard proves nothing, and a guard that no row misses is no
guard. Owns: which row is for which guard, and the verdict. Must not know: how a guard is taken away
(proofs/prove/roles/unguarded.py).

Each row is played with all guards, which it must keep, and without the one, which must break it in the way
that is named: a row that fails by something else shows nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from proofs.measure import own_share
from proofs.prove.chaos import rows
from proofs.prove.chaos.evidence.finding import Finding, worst
from proofs.prove.chaos.evidence.shapes import Evidence, dumped
from proofs.prove.chaos.evidence.verdict import judge
from proofs.prove.chaos.faults import Row
from proofs.prove.chaos.playing import Lanes
from proofs.prove.roles import unanswered, unguarded

TRIES: Final = 3
"""Without a guard a row fails as often as what it guards against happens: so often it is played at most."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard, its row, and what must be broken without it."""

    name: str
    text: str
    """What is off."""
    row: str
    """Or UNANSWERED, which is no row of calls."""
    promises: frozenset[str]
    """One of these is broken then."""


UNANSWERED: Final = "unanswered"
"""proofs/prove/roles/unanswered.py: one write, whose answer is lost."""

GUARDS: Final = (
    Guard("fence", "no write is fenced", "paused-egress", frozenset({"I1", "I2"})),
    Guard(
        "lease", "owners are judged as by a key that expires", "redis-read-only", frozenset({"owners", "I4"})
    ),
    Guard("retry", "the library repeats what was not answered", UNANSWERED, frozenset({"once"})),
    Guard("cut", "audio of what was cut goes on", "model-late-deltas", frozenset({"I2"})),
    Guard("clips", "ingress plays nothing of its own", "model-refuses", frozenset({"I4"})),
    Guard("janitor", "nobody tidies up", "abandoned", frozenset({"I6"})),
)


@dataclass(slots=True)
class Shown:
    """What came of one guard."""

    guard: Guard
    kept_with: str = ""
    """Empty: the row was kept with all guards; else what was broken."""
    broken_without: list[str] = field(default_factory=list)
    """Of each time that it was played without the guard: what was broken, in words; empty: nothing."""
    is_necessary: bool = False

    def note(self, findings: Sequence[Finding], problem: str, *, is_off: bool) -> None:
        """Takes the verdict of one time."""
        broken = [finding for finding in worst(findings) if finding.is_broken]
        text = problem or "; ".join(finding.text for finding in broken)
        if not is_off:
            self.kept_with = text
        else:
            self.broken_without.append(text)
            self.is_necessary |= not problem and any(
                finding.promise in self.guard.promises for finding in broken
            )

    @property
    def is_shown(self) -> bool:
        """Kept with it, broken without it."""
        return not self.kept_with and self.is_necessary


def main(only: Sequence[str], seed: int, keep: Path) -> int:
    """Plays all guards, or those with a part of `only` in their name; 1 where one is not shown."""
    chosen = [guard for guard in GUARDS if not only or any(part in guard.name for part in only)]
    if not chosen:
        print(f"expected a part of one of {', '.join(guard.name for guard in GUARDS)}, got {', '.join(only)}")
        return 2
    keep.mkdir(parents=True, exist_ok=True)
    console = Console(width=180)
    shown = own_share.run(_play(chosen, seed, keep, console))
    console.print(_table(shown))
    return 0 if all(each.is_shown for each in shown) else 1


def row_of(guard: Guard) -> Row:
    """Its row, with few calls."""
    (row,) = [row for row in rows.chosen("short", [guard.row]) if row.name == guard.row]
    return row


# Private.


async def _play(chosen: Sequence[Guard], seed: int, keep: Path, console: Console) -> list[Shown]:
    found = []
    for guard in chosen:
        shown = Shown(guard)
        found.append(shown)
        await _once(shown, seed, keep, without="")
        for at in range(TRIES):
            await _once(shown, seed + at, keep, without=guard.name)
            if shown.is_necessary:
                break
        verdict = "shown" if shown.is_shown else "[red]not shown[/red]"
        console.print(f"{guard.name}: {verdict}", soft_wrap=True, highlight=False)
    return found


async def _once(shown: Shown, seed: int, keep: Path, *, without: str) -> None:
    if shown.guard.row == UNANSWERED:
        shown.note([await _unanswered(without)], "", is_off=bool(without))
        return
    row = row_of(shown.guard)
    name = f"{row.name}-without-{without}" if without else row.name

    async def record(_row: Row, evidence: Evidence) -> bool:
        path = keep / f"{name}.json"
        await asyncio.to_thread(path.write_bytes, dumped(replace(evidence, row=name)))
        shown.note(judge(evidence, row.bounds), evidence.problem, is_off=bool(without))
        return False

    await Lanes(seed, record, without=without).play([row])


async def _unanswered(without: str) -> Finding:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        unanswered.__name__,
        env={**os.environ, **({unguarded.WITHOUT: without} if without else {})},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"expected {unanswered.__name__} to end with 0, got {process.returncode}")
    return Finding(promise="once", what="entries of one write", figure=float(said), bound=1, unit="entries")


def _table(shown: Sequence[Shown]) -> Table:
    table = Table("guard", "off", "row", "with it", "without it", "shown", title="each guard switched off")
    for each in shown:
        table.add_row(
            each.guard.name,
            each.guard.text,
            each.guard.row,
            each.kept_with or "kept",
            " | ".join(text or "kept" for text in each.broken_without),
            "yes" if each.is_shown else "no",
            style="" if each.is_shown else "red",
        )
    return table
