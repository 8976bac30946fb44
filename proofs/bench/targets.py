"""What is asked of the bench's figures, and which of them a sitting has reached.

Why it exists: a table of figures says nothing about what was wanted; a figure that is missed must be named by
the command that measured it. Owns: the targets, by the number of calls. Pure. Must not know: how a figure
came about (judging, medians), why it was missed (docs/performance.md).

They are for two cores that the callers and the model use too, and for a system's shipped defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from proofs.bench.medians import Row
from proofs.bench.order import PLAIN


@dataclass(frozen=True, slots=True)
class Target:
    """One figure: at most so much, by calls at once."""

    name: str
    of: Callable[[Row], float | None]
    most: Mapping[int, float]
    decimals: int = 0


def _number(name: str) -> Callable[[Row], float | None]:
    return lambda row: row.numbers[name]


def _holes_percent(row: Row) -> float | None:
    """Of all that the callers said and were answered: a hole an answer would be 100."""
    holes, turns = row.numbers["holes"], row.numbers["turns"]
    return None if holes is None or not turns else 100 * holes / turns


TARGETS: Sequence[Target] = (
    Target("response added p50, ms", lambda row: row.added_p50_ms, {10: 8, 30: 8, 100: 12, 200: 30}),
    Target("response added p99, ms", lambda row: row.added_p99_ms, {10: 20, 30: 20, 100: 35, 200: 100}),
    Target("barge-in to clear p50, ms", _number("barge_in_p50_ms"), {10: 8, 30: 8, 100: 12, 200: 30}),
    Target("barge-in to clear p99, ms", _number("barge_in_p99_ms"), {10: 22, 30: 22, 100: 35, 200: 100}),
    Target("holes, % of the turns", _holes_percent, {10: 0, 30: 0, 100: 0, 200: 0.1}, 1),
    Target("bytes lost", _number("bytes_lost"), {10: 0, 30: 0, 100: 0, 200: 0}),
    Target("turns lost", _number("turns_lost"), {10: 0, 30: 0, 100: 0, 200: 0}),
    Target("schedule p99, ms", _number("schedule_p99_ms"), {10: 5, 30: 5, 100: 15, 200: 30}, 1),
    Target("CPU × the leanest bridge", lambda row: row.cpu_ratio, {100: 3.5, 200: 3.5}, 2),
    Target("XLEN of caller p95", _number("caller_xlen_p95"), {10: 3, 30: 3, 100: 3, 200: 5}),
)


def missed(rows: Sequence[Row]) -> list[str]:
    """A sentence for each target that Trunkline's rows do not reach; one that cannot be told is none."""
    found = []
    for row in rows:
        if row.system != PLAIN:
            continue
        for target in TARGETS:
            most, value = target.most.get(row.calls), target.of(row)
            if most is not None and value is not None and value > most:
                got = f"{value:,.{target.decimals}f}"
                found.append(f"{row.calls} calls: {target.name}: expected at most {most:g}, got {got}")
    return found


def asked_of(rows: Sequence[Row]) -> int:
    """How many targets there are for these rows."""
    own = [row for row in rows if row.system == PLAIN]
    return sum(row.calls in target.most and target.of(row) is not None for row in own for target in TARGETS)
