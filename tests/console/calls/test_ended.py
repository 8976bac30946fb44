"""Calls that are over: which are found, by time, number and outcome, on a real server."""

from __future__ import annotations

import pytest

from console.calls.ended import EndedCall, Wanted, duration_s, ends_with, read_ended
from console.calls.live import UnreadableCall
from shared.clock import wall_ms
from shared.contract import steps as contract_steps
from shared.contract.keys import Keys
from shared.contract.steps import Kept
from shared.ownership import steps
from shared.store.client import Store
from tests.conftest import without_ttl
from tests.support.redis_samples import KEYS, make_call

ALL = Wanted()

BEGAN_MS = wall_ms() - 200_000
"""Of all calls here: END takes out of the list what is old."""


def sid(number: int) -> str:
    return f"CA{number:032x}"


async def end(
    store: Store, number: int, *, after_s: int = 1, outcome: str = "completed", **fields: str
) -> None:
    """A call that ended so long after its beginning; `fields`: others of its card."""
    await make_call(store, sid(number), BEGAN_MS, **fields)
    step = contract_steps.end(KEYS, sid(number), outcome=outcome, by="me", wall_ms=BEGAN_MS + after_s * 1000)
    await steps.run(store, step)


async def found(store: Store, wanted: Wanted = ALL) -> list[int]:
    """The numbers of the calls that fit, as they come."""
    return [int(call.call_sid[2:], 16) for call in (await read_ended(store, KEYS, wanted)).calls]


async def test_the_newest_comes_first_with_all_that_a_row_needs(store: Store) -> None:
    """From the card, as long as it stays."""
    await end(store, 1, after_s=61, cause="no_session", owed_ms="5200", owed_cause="turn")
    await end(store, 2, after_s=90)
    await make_call(store, sid(3), 1_000)

    newest, oldest = (await read_ended(store, KEYS, ALL)).calls

    assert isinstance(oldest, EndedCall)
    assert (newest.call_sid, oldest.call_sid) == (sid(2), sid(1))
    assert (oldest.ended_at_ms, oldest.lasted_ms) == (BEGAN_MS + 61_000, 61_000)
    assert (oldest.card.outcome, oldest.card.cause) == ("completed", "no_session")
    assert (oldest.card.owed_ms, oldest.card.owed_cause) == (5_200, "turn")
    assert await without_ttl(store) == []


async def test_by_time_number_and_outcome(store: Store) -> None:
    """Each by itself, and together."""
    await end(store, 1, after_s=10, outcome="apology", **{"from": "…89"})
    await end(store, 2, after_s=20, outcome="completed", **{"from": "…89"})
    await end(store, 3, after_s=30, outcome="apology", to="…89")
    await end(store, 4, after_s=40, outcome="apology")

    assert await found(store, Wanted(since_ms=BEGAN_MS + 20_000)) == [4, 3, 2]
    assert await found(store, Wanted(number="…89")) == [3, 2, 1]
    assert await found(store, Wanted(outcome="apology")) == [4, 3, 1]
    assert await found(store, Wanted(since_ms=BEGAN_MS + 20_000, number="89", outcome="apology")) == [3]


async def test_no_more_than_was_asked_for(store: Store) -> None:
    """And it is said that there are more."""
    for number in range(1, 6):
        await end(store, number, after_s=number)
    some = await read_ended(store, KEYS, Wanted(limit=2))
    assert ([call.call_sid for call in some.calls], some.has_more) == ([sid(5), sid(4)], True)
    assert not (await read_ended(store, KEYS, Wanted(limit=5))).has_more


async def test_a_call_of_which_nothing_stays_is_left_out_and_taken_out(store: Store) -> None:
    """Its card was kept for less time than the list, or a hand has deleted it."""
    await end(store, 1)
    await end(store, 2)
    await store.delete(KEYS.card(sid(1)))
    assert await found(store) == [2]
    assert await store.zrange(KEYS.ended(0), 0, -1) == [sid(2).encode()]


async def test_a_card_that_cannot_be_read_is_listed_with_its_problem(store: Store) -> None:
    """But nobody knows its number."""
    await end(store, 1)
    await store.hset(KEYS.card(sid(1)), "started_at_ms", "x")
    (call,) = (await read_ended(store, KEYS, ALL)).calls
    assert isinstance(call, UnreadableCall)
    assert "started_at_ms of EndedView" in call.problem
    assert await found(store, Wanted(number="11")) == []


async def test_all_lanes_are_asked(store: Store) -> None:
    """Newest first over all of them."""
    lanes = Keys(4)
    for number in range(1, 9):
        key = lanes.card(sid(number))
        await store.hset(
            key, mapping={"state": "ended", "started_at_ms": 0, "from": "", "to": "", "agent": ""}
        )
        await store.zadd(lanes.ended(lanes.lane(sid(number))), {sid(number): number})
    assert len({lanes.lane(sid(number)) for number in range(1, 9)}) > 1
    calls = (await read_ended(store, lanes, ALL)).calls
    assert [call.call_sid for call in calls] == [sid(number) for number in range(8, 0, -1)]


async def test_the_list_is_bounded(any_store: Store) -> None:
    """By count, and by the age of what stays: END trims it."""
    for number in range(1, 6):
        await make_call(any_store, sid(number), 1_000)
        await steps.end(any_store, KEYS, sid(number), outcome="x", by="me", kept=Kept(ttl_ms=60_000, most=3))
    assert await any_store.zcard(KEYS.ended(0)) == 3
    assert await any_store.zscore(KEYS.ended(0), sid(5)) is not None
    assert 59_000 < await any_store.pttl(KEYS.ended(0)) <= 60_000
    assert 59_000 < await any_store.pttl(KEYS.card(sid(5))) <= 60_000

    await any_store.zadd(KEYS.ended(0), {sid(9): 5})
    await make_call(any_store, sid(6), 1_000)
    await steps.end(any_store, KEYS, sid(6), outcome="x", by="me", kept=Kept(ttl_ms=60_000, most=10))
    assert await any_store.zscore(KEYS.ended(0), sid(9)) is None
    assert await any_store.zcard(KEYS.ended(0)) == 4


@pytest.mark.parametrize(
    ("shown", "wanted", "fits"),
    [
        ("…89", "…89", True),
        ("…89", "89", True),
        ("…89", "9", True),
        ("…89", "+1 (555) 000-6789", True),
        ("…89", "88", False),
        ("…89", "+15550006788", False),
        ("+15550006789", "6789", True),
        ("+15550006789", "+15550006789", True),
        ("+15550006789", "415550006789", False),
        ("…", "89", False),
        ("", "89", False),
        ("…89", "…", False),
        ("sip:Ann@example.com", "ann@example.com", True),
    ],
)
def test_a_number_is_known_by_its_end(shown: str, wanted: str, fits: bool) -> None:
    """Masked, only its last digits are known; in full, all of them count."""
    assert ends_with(shown, wanted) is fits


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1_800), ("1h", 3_600), ("2d", 172_800), ("1h30m", 5_400), ("1.5h", 5_400)],
)
def test_a_time_as_people_write_it(text: str, seconds: float) -> None:
    """Seconds, minutes, hours, days, and sums of them."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1 h", "-1h", "1w", "1h foo"])
def test_what_is_no_time(text: str) -> None:
    """What was expected is said."""
    with pytest.raises(ValueError, match="expected a time such as 30m"):
        duration_s(text)
