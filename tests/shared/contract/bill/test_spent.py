"""What a day has cost: added by all processes, read by whoever asks."""

from __future__ import annotations

from shared.contract.bill.spent import day_of, spent_commands
from shared.contract.keys import SPENT_TTL_MS, Keys
from shared.store.client import Store

KEYS = Keys(1)


async def test_the_answer_is_the_sum_of_the_day(any_store: Store) -> None:
    """Of all who add to it; the next day begins at nothing."""
    sums = []
    for day, micros in (("2026-11-28", 70_000), ("2026-11-28", 2_500), ("2026-11-29", 10)):
        add, live_on = spent_commands(KEYS, day, micros)
        sums.append(await any_store.execute(add))
        await any_store.execute(live_on)

    assert sums == [70_000, 72_500, 10]
    assert await any_store.hgetall(KEYS.spent("2026-11-28")) == {b"spent_micros": b"72500"}
    assert 0 < await any_store.pttl(KEYS.spent("2026-11-28")) <= SPENT_TTL_MS


def test_a_day_is_of_utc() -> None:
    """Wherever a process runs."""
    assert day_of(1_767_607_200_000) == "2026-01-05"
