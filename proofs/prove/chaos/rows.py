"""All rows: every process, killed and stopped, at each step of a call, one of two and the only one; deploys;
what is wrong outside (outer_rows.py), and in each shape of Redis (shapes/rows.py).

Why it exists: "the call outlives us" means this list. Owns: the rows of our own processes and their bounds.
Pure. Must not know: how a fault is brought about, or how a figure is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.faults import (
    Fault,
    GroupRestarted,
    Killed,
    Nothing,
    Role,
    Rolled,
    Row,
    Soaked,
    Step,
    Stopped,
    Tier,
)
from proofs.prove.chaos.outer_rows import outer_rows, rows_of_settings
from proofs.prove.chaos.shapes.rows import redis_rows

ROLES: Final[tuple[Role, ...]] = ("ingress", "brain", "egress")

ON_IT: Final = 10
"""Calls on the process that is hit, in `make chaos-full`."""

ON_IT_SHORT: Final = 2
STOPPED_S: Final = 15.0
"""Longer than the watchdog bears."""

SOAK_S: Final = 180.0
"""Of processes alone, in `make chaos-full`; `--soak-s 900` for the one that is told of. For faults of
every kind: soak/."""

SOAKED_EVERY_S: Final = 10.0
WATCHDOG_MS: Final = 10_000.0

_LEG_REPEATS_MS: Final = 300.0
"""Words that a new leg may repeat or leave out."""

_KILLED: Final = {
    "egress": Bounds(silence_ms=300.0),
    "brain": Bounds(silence_ms=400.0, with_opening=True),
    "ingress": Bounds(
        silence_ms=1_500.0, repeated_ms=_LEG_REPEATS_MS, skipped_ms=_LEG_REPEATS_MS, unsaid_ms=200.0
    ),
}

_STOPPED: Final = {
    "egress": Bounds(silence_ms=2_500.0),
    "brain": Bounds(silence_ms=2_500.0, with_opening=True),
    "ingress": Bounds(
        silence_ms=WATCHDOG_MS + 1_500.0,
        repeated_ms=_LEG_REPEATS_MS,
        skipped_ms=_LEG_REPEATS_MS,
        # What was said to a process that stands still went to nobody.
        unsaid_ms=WATCHDOG_MS,
    ),
}

_ROLLED: Final = {
    "egress": Bounds(silence_ms=300.0),
    "brain": Bounds(silence_ms=300.0),
    "ingress": Bounds(
        silence_ms=1_500.0, repeated_ms=_LEG_REPEATS_MS, skipped_ms=_LEG_REPEATS_MS, unsaid_ms=200.0
    ),
}

_SHORT: Final[tuple[tuple[str, Role, Step], ...]] = (
    ("killed", "ingress", Step.MODEL),
    ("killed", "egress", Step.MODEL),
    ("killed", "brain", Step.MODEL),
    ("killed", "brain", Step.OPENING),
    ("killed", "brain", Step.TOOL),
    ("killed", "brain", Step.CALLER),
    ("killed", "egress", Step.FAREWELL),
    ("killed", "egress", Step.CLAIM),
    ("stopped", "brain", Step.MODEL),
    ("stopped", "egress", Step.MODEL),
)
"""What `make chaos` plays, beside a healthy row and the only brain killed."""

_SHORT_OUTSIDE: Final = (
    "redis-frozen",
    "redis-emptied",
    "model-lost",
    "model-late-deltas",
    "twilio-gone",
    "twilio-twice",
    "twilio-garbage",
)
"""And this of what is wrong outside."""


def rows(soak_s: float = SOAK_S) -> list[Row]:
    """All of them; those on the same stack stand together."""
    found = [*_healthy(), *_hits(None), *outer_rows(), *_rolls(), _soak(soak_s)]
    apart = list(rows_of_settings())
    for role in ROLES:
        found += [*_hits(role), *(row for row in apart if row.only == role)]
    found += [row for row in apart if row.far is not None]
    return [_shortened(row) for row in found]


def chosen(tier: Tier, patterns: Sequence[str] = (), soak_s: float = SOAK_S) -> list[Row]:
    """The rows of a tier, or those that a pattern names, wholly or by a part, whatever their tier: but those
    with a Redis of their own are for `redis`, and a few for `short`. Of `short` the calls are few. Raises
    ValueError where a pattern fits none."""
    found = redis_rows() if tier == "redis" else rows(soak_s)
    if tier == "short":
        found += [row for row in redis_rows() if row.tier == "short"]
    for pattern in patterns:
        if not any(pattern in row.name for row in found):
            raise ValueError(f"expected a part of the name of a row (--list), got {pattern!r}")
    if patterns:
        names = {row.name for row in found}
        found = [
            row
            for row in found
            if any(row.name == part if part in names else part in row.name for part in patterns)
        ]
    elif tier == "short":
        found = [row for row in found if row.tier == "short"]
    return [replace(row, calls=_few(row)) for row in found] if tier == "short" else found


def repeated(found: Sequence[Row], *, times: int = 1, calls: int = 0) -> list[Row]:
    """Rows as often as is wished, each with a name of its own, with so many calls; 0: as many as it says.
    Rows about one call keep it; one without a fault shows what is usual, and once is enough."""
    sized = [replace(row, calls=calls) if calls and not row.is_of_one_call else row for row in found]
    return [
        replace(row, name=f"{row.name}-{number}") if number > 1 else row
        for row in sized
        for number in range(1, (1 if isinstance(row.fault, Nothing) else times) + 1)
    ]


# Private.


def _few(row: Row) -> int:
    if row.is_of_one_call:
        return row.calls
    return ON_IT_SHORT if row.only is not None else 2 * ON_IT_SHORT


def _healthy() -> Iterator[Row]:
    for step in (Step.MODEL, Step.CALLER, Step.TOOL, Step.TRANSFER, Step.FAREWELL):
        yield Row(
            name=f"healthy-{_slug(step)}",
            text="nothing is wrong",
            fault=Nothing(),
            step=step,
            bounds=Bounds(silence_ms=0.0),
            calls=2 * ON_IT,
            tier="short" if step is Step.MODEL else "full",
        )


def _hits(only: Role | None) -> Iterator[Row]:
    for role in ROLES if only is None else (only,):
        for kind, fault, bounds in (
            ("killed", Killed(role), _KILLED[role]),
            ("stopped", Stopped(role, STOPPED_S), _STOPPED[role]),
        ):
            for step in Step:
                yield _row(kind, fault, role, step, bounds, only)
        if only is None:
            restarted = replace(_ROLLED[role], with_boot=True, silence_ms=500.0)
            yield _row("restarted", GroupRestarted(role), role, Step.MODEL, restarted, None)


def _row(kind: str, fault: Fault, role: Role, step: Step, bounds: Bounds, only: Role | None) -> Row:
    which = "of two" if only is None else "the only one"
    bounds = replace(bounds, with_boot=True) if only else bounds
    is_alone = only is not None and isinstance(fault, Stopped)
    bounds = replace(bounds, apologises=is_alone)
    if is_alone and only != "brain" and step is Step.FAREWELL:
        # The brain gives the farewell up before the watchdog ends the process.
        bounds = replace(bounds, ends_by_fault=True, skipped_ms=1e9)
    return Row(
        name=f"{kind}-{role}-{_slug(step)}{'-only' if only else ''}",
        text=f"{role} {kind}, {which if kind != 'restarted' else 'all of them'}",
        fault=fault,
        step=step,
        bounds=bounds,
        calls=ON_IT if only else 2 * ON_IT,
        only=only,
        alone_ms=1_000 * STOPPED_S if is_alone else 0.0,
    )


def _rolls() -> Iterator[Row]:
    for role in ROLES:
        yield Row(
            name=f"rolled-{role}",
            text=f"trunkline roll --role {role}",
            fault=Rolled(role),
            step=Step.MODEL,
            bounds=_ROLLED[role],
            calls=2 * ON_IT,
        )
    yield Row(
        name="rolled-all",
        text="trunkline roll",
        fault=Rolled(),
        step=Step.MODEL,
        bounds=_ROLLED["ingress"],
        calls=2 * ON_IT,
    )


def _soak(lasts_s: float) -> Row:
    return Row(
        name="soak",
        text=f"for {lasts_s:.0f} s, a process killed or stopped every {SOAKED_EVERY_S:.0f} s, by the seed",
        fault=Soaked(lasts_s, SOAKED_EVERY_S),
        step=Step.MODEL,
        bounds=replace(_STOPPED["ingress"], with_opening=True),
        calls=2 * ON_IT,
    )


def _shortened(row: Row) -> Row:
    is_short = (row.only is None and any(row.name == _name(*each) for each in _SHORT)) or (
        row.name == f"{_name('killed', 'brain', Step.MODEL)}-only"
    )
    return replace(row, tier="short") if is_short or row.name in _SHORT_OUTSIDE else row


def _name(kind: str, role: Role, step: Step) -> str:
    return f"{kind}-{role}-{_slug(step)}"


def _slug(step: Step) -> str:
    return step.name.lower()
