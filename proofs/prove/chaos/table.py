"""The result of each row, on the screen and in docs/reliability.md.

Why it exists: what was shown must read the same wherever it stands. Owns: columns and words, and what several
rows show together. Must not know: how a figure is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from proofs.prove import page_table
from proofs.prove.chaos.evidence.finding import Finding, share_within, worst
from proofs.prove.chaos.evidence.leftovers import LEAST_FRAMES, late_finding
from proofs.prove.chaos.faults import Killed, Row

PART: Final = "chaos"
REDIS_PART: Final = "chaos-redis"
"""Rows with a Redis of their own have a table of their own."""

HEAD: Final = ("row", "what is done", "at", "calls, hit", "silence by it, ms", "what else was found", "kept")

AT_REST: Final = ("I3", "I6", "owners")
"""What is as it was before in each row that is kept: it would be said a hundred and fifty times."""

SILENCE: Final = ("I4", "silence by the fault")
UNHEARD_SHARE: Final = 0.95
"""Of kills of an egress on the same host, so many are not heard at all."""

LEAST_CALLS: Final = 20
"""Of fewer calls a single one is more than the share that may hear something."""

UNHEARD_MS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row, played and judged."""

    row: Row
    findings: Sequence[Finding]
    calls: int
    hit: int
    problem: str = ""
    late_ms: Sequence[float] = ()
    """Of each frame of other calls."""
    tries: int = 1
    """So often it was played: before that it showed nothing, for the simulators were late."""

    @property
    def broken(self) -> list[str]:
        """What was not kept, in words, the worst of each kind."""
        if self.problem:
            return [f"nothing is shown: {self.problem}"]
        return [finding.text for finding in worst(self.findings) if finding.is_broken]

    @property
    def silence_text(self) -> str:
        """The longest silence by the fault beside its bound."""
        found = [each for each in worst(self.findings) if (each.promise, each.what) == SILENCE]
        return f"{max(0.0, found[0].figure):.0f} / {found[0].bound:.0f}" if found else "–"

    @property
    def figures_text(self) -> str:
        """Each other figure that is not 0 beside its bound."""
        return _told([each for each in self._rest() if each.figure or each.bound])

    @property
    def found_text(self) -> str:
        """The same for the page, where what is at its base line, or is nothing, is left out."""
        return _told([each for each in self._rest() if each.figure and each.promise not in AT_REST])

    def _rest(self) -> list[Finding]:
        """What has no column of its own."""
        return [each for each in worst(self.findings) if (each.promise, each.what) != SILENCE]


def _told(findings: Sequence[Finding]) -> str:
    return "; ".join(
        f"{each.what} {each.figure:.0f} / {each.bound:.0f} {each.unit}".rstrip() for each in findings
    )


def together(results: Sequence[Result]) -> list[str]:
    """What rows show only together, as sentences of what was not kept."""
    late = late_together(results)
    return [*([late.text] if late is not None and late.is_broken else []), *_unheard(results)]


def late_together(results: Sequence[Result]) -> Finding | None:
    """Lateness in those rows that have too few frames to be judged alone; None: together they have too few,
    too."""
    late = [late_ms for result in results if len(result.late_ms) < LEAST_FRAMES for late_ms in result.late_ms]
    return late_finding(late) if len(late) >= LEAST_FRAMES else None


def _unheard(results: Sequence[Result]) -> list[str]:
    kills = [
        finding
        for result in results
        if result.row.fault == Killed("egress") and result.row.only is None and not result.problem
        for finding in result.findings
    ]
    share = share_within(kills, *SILENCE, most=UNHEARD_MS)
    calls = sum((finding.promise, finding.what) == SILENCE for finding in kills)
    if share is None or share >= UNHEARD_SHARE or calls < LEAST_CALLS:
        return []
    return [
        f"egress killed, one of two: {share:.0%} of the calls heard no silence, asked {UNHEARD_SHARE:.0%}"
    ]


def row_of(result: Result) -> tuple[str, ...]:
    """One line of the table."""
    row = result.row
    return (
        row.name,
        row.text,
        str(row.step),
        f"{result.calls}, {result.hit}",
        result.silence_text,
        result.found_text,
        ("yes" if not result.broken else "no: " + "; ".join(result.broken))
        + (f" (played {result.tries} times)" if result.tries > 1 else ""),
    )


def shown(results: Sequence[Result]) -> Table:
    """For the screen: without the long column, which each row has printed."""
    table = Table(*HEAD[:5], HEAD[6], title="chaos: figure / bound")
    for result in results:
        line = row_of(result)
        table.add_row(*line[:5], line[6], style="red" if result.broken else "")
    return table


def filled(page: str, results: Sequence[Result], part: str = PART) -> str:
    """The page with one of its tables made again. Raises ValueError for a page without the markers."""
    kept = sum(not result.broken for result in results)
    foot = " ".join([f"{kept} of {len(results)} kept.", *(f"{each}." for each in together(results))])
    return page_table.filled(page, part, HEAD, [row_of(result) for result in results], foot)


def write(results: Sequence[Result], part: str = PART) -> None:
    """Puts a table into the page. Raises ValueError, OSError."""
    page_table.PAGE.write_text(filled(page_table.PAGE.read_text("utf-8"), results, part), "utf-8")
