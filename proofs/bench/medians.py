"""Figures of several runs as one, and what a system adds to the leanest bridge of the same sitting.

Why it exists: one run is an accident, and a response time is mostly the model's: what a system adds is the
difference to the least that a bridge can do. Owns: both sums. Pure. Must not know: how figures are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from statistics import median

from proofs.bench.judging import Figures
from proofs.bench.order import SAMPLE, YARDSTICK

LEANEST_SHARE = 0.8
"""The leanest bridge costs at most this much of the sample's shape, else it is not the leanest."""

NAMES = tuple(
    each.name for each in fields(Figures) if each.name not in ("system", "calls", "run", "cpu_ms", "trouble")
)
"""Figures that are numbers."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One system under one load, over all its runs: medians."""

    system: str
    calls: int
    runs: int
    numbers: dict[str, float | None] = field(default_factory=dict)
    """By the name in `Figures`, and `cpu_call_second_ms`. None: it cannot be told."""
    cpu_ms: dict[str, float] = field(default_factory=dict)
    added_p50_ms: float | None = None
    added_p99_ms: float | None = None
    cpu_ratio: float | None = None
    """To the leanest bridge's CPU."""
    trouble: list[str] = field(default_factory=list)


def rows(figures: Sequence[Figures]) -> list[Row]:
    """A row for each system and load, in the order in which they first ran."""
    groups: dict[tuple[int, str], list[Figures]] = {}
    for each in figures:
        groups.setdefault((each.calls, each.system), []).append(each)
    made = [_row(group) for group in groups.values()]
    for row in made:
        _compare(row, groups[row.calls, row.system], groups.get((row.calls, YARDSTICK), []))
    return made


def fat_yardsticks(made: Sequence[Row]) -> list[str]:
    """For each load at which the leanest bridge was not lean, a sentence."""
    found = []
    for calls in dict.fromkeys(row.calls for row in made):
        of = {row.system: row.numbers["cpu_call_second_ms"] for row in made if row.calls == calls}
        lean, sample = of.get(YARDSTICK), of.get(SAMPLE)
        if lean is not None and sample and lean > LEANEST_SHARE * sample:
            found.append(
                f"{calls} calls: expected the leanest bridge to cost at most {LEANEST_SHARE:.2f} of the"
                f" sample's shape, got {lean / sample:.2f}; run it alone on the machine, with more --runs"
            )
    return found


# Private.


def _row(group: list[Figures]) -> Row:
    first = group[0]
    names = dict.fromkeys(name for each in group for name in each.cpu_ms)
    numbers = {name: _median(getattr(each, name) for each in group) for name in NAMES}
    numbers["cpu_call_second_ms"] = _median(each.cpu_call_second_ms for each in group)
    return Row(
        system=first.system,
        calls=first.calls,
        runs=len(group),
        numbers=numbers,
        cpu_ms={name: median(each.cpu_ms.get(name, 0.0) for each in group) for name in names},
        trouble=[text for each in group for text in each.trouble],
    )


def _compare(row: Row, own: list[Figures], yardstick: list[Figures]) -> None:
    """Run by run: what came minutes apart is not compared."""
    lean = {each.run: each for each in yardstick}
    pairs = [(each, lean[each.run]) for each in own if each.run in lean]
    row.added_p50_ms = _median(_less(a.response_p50_ms, b.response_p50_ms) for a, b in pairs)
    row.added_p99_ms = _median(_less(a.response_p99_ms, b.response_p99_ms) for a, b in pairs)
    row.cpu_ratio = _median(_ratio(each, other) for each, other in pairs)


def _ratio(own: Figures, other: Figures) -> float | None:
    cost, least = own.cpu_call_second_ms, other.cpu_call_second_ms
    return None if cost is None or not least else cost / least


def _less(own: float | None, other: float | None) -> float | None:
    return None if own is None or other is None else own - other


def _median(values: Iterable[float | None]) -> float | None:
    """Of the values that could be told."""
    told = [value for value in values if value is not None]
    return median(told) if told else None
