"""Which fault comes next: of each kind in turn, by a seed.

Why it exists: what was found by chance must be found again. Owns: the kinds, the rows of each, the draw.
Must not know: how a row is played.

Of any four in a row one is of a process, one of Redis, one of the model, one of the network; of a kind no row
comes again before all others have come.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from proofs.prove.chaos import rows
from proofs.prove.chaos.faults import (
    Delayed,
    GroupRestarted,
    Killed,
    Line,
    ModelAnswers,
    ModelLost,
    ModelRefuses,
    ModelSession,
    Nothing,
    RedisFault,
    Rolled,
    Row,
    Stopped,
)
from proofs.prove.chaos.setting.stage import Setting

T = TypeVar("T")


class Kind(enum.StrEnum):
    """Whose fault it is."""

    PROCESS = "process"
    REDIS = "Redis"
    MODEL = "model"
    NETWORK = "network"


def kind_of(row: Row) -> Kind | None:
    """Whose fault a row has; None: nothing is wrong, or it is a fault of more than one."""
    match row.fault:
        case Killed() | Stopped() | GroupRestarted() | Rolled():
            return Kind.PROCESS
        case RedisFault():
            return Kind.REDIS
        case ModelLost() | ModelRefuses() | ModelAnswers() | ModelSession():
            return Kind.MODEL
        case Line() | Delayed():
            return Kind.NETWORK
        case _:
            return None


def pool() -> dict[Kind, list[Row]]:
    """What is drawn from: all rows that need no stack of their own."""
    found: dict[Kind, list[Row]] = {kind: [] for kind in Kind}
    for row in _of_one_stack():
        kind = kind_of(row)
        if kind is not None:
            found[kind].append(row)
    return found


def healthy(calls: int) -> list[Row]:
    """What shows how long things take where nothing is wrong: to be played first."""
    return [replace(row, calls=calls) for row in _of_one_stack() if isinstance(row.fault, Nothing)]


def drawn(seed: int, calls: int) -> Iterator[Row]:
    """Rows without an end, each with a name of its own and so many calls. The same seed, the same rows."""
    chance, left = Random(seed), dict[Kind, list[Row]]()
    rows_of = pool()
    for number in itertools.count(1):
        if number % len(Kind) == 1:
            kinds = _shuffled(list(Kind), chance)
        kind = kinds[(number - 1) % len(Kind)]
        if not left.get(kind):
            left[kind] = _shuffled(rows_of[kind], chance)
        row = left[kind].pop()
        yield replace(row, name=f"{number:03}-{row.name}", calls=calls)


# Private.


def _of_one_stack() -> list[Row]:
    return [row for row in rows.rows() if Setting.of(row) == Setting()]


def _shuffled(found: Sequence[T], chance: Random) -> list[T]:
    return chance.sample(found, len(found))
