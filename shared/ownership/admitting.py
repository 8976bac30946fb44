"""The count of all calls, awaited: ADMIT, HOLD, VACATE, DIALS, and who holds it against the cards.

Why it exists: shared/contract/admission/ says what a step is, redis-py carries it. Owns: sending, how many
calls go in one step. Must not know: what follows from an answer, who asks when (docs/design.md, Admission).

Each step is idempotent. All raise STORE_ERRORS. Cancelling one leaves it unknown: it may have been done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from shared.contract.admission import count
from shared.contract.admission.count import NOBODY, UNBOUNDED, CallerBounds, OnTheLine, PlaceAnswer
from shared.contract.admission.model import LEFT, read_model
from shared.contract.keys import ADMITTED, MODEL
from shared.ownership.steps import run
from shared.ownership.tidying import read_lease
from shared.store.client import Store

AT_ONCE = 500
"""Calls in one step: half a millisecond of Redis."""

T = TypeVar("T")


async def admit(
    store: Store, call_sid: str, *, most: int, caller: str = NOBODY, bounds: CallerBounds = UNBOUNDED
) -> PlaceAnswer:
    """A place for a call that rings, unless `most` have one, or its caller has had what they may."""
    return count.read_admit(await run(store, count.admit(call_sid, most=most, caller=caller, bounds=bounds)))


async def admit_again(store: Store, call_sid: str) -> PlaceAnswer:
    """A place for a call that is on the line: it has one, unless Redis has lost it."""
    return count.read_admit(await run(store, count.admit_again(call_sid)))


async def hold(store: Store, calls: Sequence[OnTheLine]) -> int:
    """These have their places, whatever their number. Answers how many had none."""
    return sum([count.read_hold(await run(store, count.hold(some))) for some in _portions(calls)])


async def vacate(store: Store, places: Sequence[tuple[str, float]]) -> int:
    """Places that were seen to be nobody's, each with the end of its lease, ms. Answers how many went."""
    return sum([count.read_vacate(await run(store, count.vacate(some))) for some in _portions(places)])


async def leave(store: Store, call_sid: str) -> None:
    """Gives a place back."""
    await store.zrem(ADMITTED, call_sid)


async def dials(store: Store, call_sid: str, *, caller: str, which: int, most: int) -> bool:
    """Whether a caller may be put through once more; counted, once for each `which`."""
    return count.read_dials(await run(store, count.dials(call_sid, caller=caller, which=which, most=most)))


async def take_count(store: Store, worker: str) -> str:
    """Who holds the count against the cards: `worker` from now on, unless another one does."""
    return read_lease(await run(store, count.lease(worker)))


async def model_left(store: Store) -> float | None:
    """The share of the model account's rate that is left, 0 to 1; None: nobody has said."""
    return read_model(await store.hget(MODEL, LEFT))


# Private.


def _portions(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(all_of_them), AT_ONCE):
        yield all_of_them[start : start + AT_ONCE]
