"""Reading a lane on real servers: all of it, and nothing of what is of another kind."""

from __future__ import annotations

import pytest

from ingress.janitor import look
from ingress.janitor.look import read_beats, read_count, read_lane
from ingress.janitor.sight import BeatsSeen, Consumer, CountSeen
from shared.contract.keys import ADMITTED, WORKERS
from shared.store.client import Store
from tests.shared.ownership.test_steps import CALL, KEYS, attached, claimed

INGRESS, BRAIN = "ingress-0@h#1", "brain-0@h#1"


async def test_a_lane_is_seen_whole(store: Store) -> None:
    """Its calls with their cards, its lists also of workers that only a card names, its consumers."""
    await store.xgroup_create(KEYS.calls(0), "brain", id="0", mkstream=True)
    await attached(store)
    await store.xreadgroup("brain", "brain-0@h", {KEYS.calls(0): ">"}, count=1)
    await claimed(store)
    await store.redis.xgroup_createconsumer(KEYS.calls(0), "brain", "brain-1@h")
    seen = await read_lane(store, KEYS, 0, [INGRESS])
    card = seen.cards[CALL]
    assert card is not None
    assert (card.state, card.leg, card.ingress, card.brain, card.egress) == (
        "attached",
        "1",
        INGRESS,
        BRAIN,
        "",
    )
    assert seen.slots == seen.live == {CALL}
    assert seen.owned == {INGRESS: {CALL}, BRAIN: {CALL}}
    assert (CALL, "egress") in seen.offered
    assert Consumer(KEYS.calls(0), "brain", "brain-1@h", 0) in seen.consumers


async def test_what_is_of_another_kind_is_as_good_as_none(store: Store) -> None:
    """Keys of the wrong type, beats that cannot be read, entries that are none."""
    for key in (KEYS.slots(0), KEYS.calls(0), KEYS.card(CALL), KEYS.owned(0, BRAIN), KEYS.worker(BRAIN)):
        await store.redis.set(key, "nonsense")
    await store.zadd(KEYS.live(0), {CALL: 1.0})
    await store.xadd(KEYS.orphans(0), {"x": "y"})
    await store.sadd(WORKERS, BRAIN)
    seen = await read_lane(store, KEYS, 0, [BRAIN])
    assert (seen.cards, seen.slots, seen.offered) == ({CALL: None}, frozenset(), frozenset())
    assert await read_beats(store, KEYS) == BeatsSeen(beats={BRAIN: None})


async def test_the_count_is_seen_with_who_is_on_the_line(store: Store) -> None:
    """And the cards of those that are in one of the two only."""
    other, ended = "CA" + "7" * 32, "CA" + "8" * 32
    await attached(store)
    await store.zadd(ADMITTED, {CALL: 5.0, ended: 6.0})
    await store.zadd(KEYS.live(0), {other: 1.0})
    await store.hset(KEYS.card(ended), "state", "ended")
    seen = await read_count(store, KEYS)
    assert seen.places == {CALL: 5.0, ended: 6.0}
    assert seen.live == {CALL, other}
    assert {call: None if card is None else card.state for call, card in seen.cards.items()} == {
        ended: "ended", other: None,
    }  # fmt: skip


async def test_a_large_count_is_read_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, whatever the size of a part."""
    monkeypatch.setattr(look, "PLACES_AT_ONCE", 3)
    for size in (3, 7):
        await store.zadd(ADMITTED, {f"CA{number:032x}": float(number) for number in range(size)})
        assert len((await read_count(store, KEYS)).places) == size


async def test_a_count_of_another_kind_is_none(store: Store) -> None:
    """So is a list of live calls."""
    await store.redis.set(ADMITTED, "nonsense")
    await store.redis.set(KEYS.live(0), "nonsense")
    assert await read_count(store, KEYS) == CountSeen()
