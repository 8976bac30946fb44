"""The janitor's scripts on real servers: each asks whose the lane is, and whether things are as they were
seen."""

from __future__ import annotations

import pytest

from shared.clock import wall_ms
from shared.contract.lua.scripts import Answer, ScriptCall
from shared.contract.steps import Due, Leg, due, read_due
from shared.contract.streams.calls import Orphaned, read_orphan
from shared.ownership import steps, tidying
from shared.ownership.tidying import Tidied
from shared.store.client import Store
from tests.conftest import without_ttl
from tests.shared.ownership.test_steps import CALL, KEYS, attached, claimed, detached, flat, leg
from tests.support.waiting import wait_until

ME, OTHER = "ingress-0@h#9", "ingress-1@h#9"
INGRESS, BRAIN, EGRESS = "ingress-0@h#1", "brain-0@h#1", "egress-0@h#1"


async def done(store: Store, step: ScriptCall) -> Tidied:
    return tidying.read_tidied(await steps.run(store, step))


async def leased(store: Store, worker: str = ME) -> str:
    return tidying.read_lease(await steps.run(store, tidying.lease(KEYS, 0, worker=worker)))


def sentence(**changes: str) -> ScriptCall:
    """As the call of `attached` is seen."""
    seen = {
        "state": "attached",
        "leg": "1",
        "stream_sid": "MZ" + "0" * 31 + "1",
        "ingress": INGRESS,
        **changes,
    }
    return tidying.condemn(
        KEYS,
        CALL,
        by=seen.pop("by", ME),
        outcome="abandoned",
        why="ingress_silent",
        wall_ms=wall_ms(),
        **seen,
    )


async def test_a_lane_is_ones_until_its_time_is_over(store: Store) -> None:
    """He asks again and keeps it; another one is told who has it, and gets it when it has lapsed."""
    assert await leased(store) == ME
    assert await leased(store, OTHER) == ME
    assert await leased(store) == ME
    assert await without_ttl(store) == []
    await store.delete(KEYS.janitor(0))
    await store.sadd(KEYS.janitor(0), "what is no text stands there by mistake")
    assert await leased(store, OTHER) == OTHER


async def test_each_script_is_refused_to_whoever_has_not_the_lane(store: Store) -> None:
    """And nothing is changed."""
    await attached(store)
    await leased(store, OTHER)
    before = await steps.read_card(store, KEYS, CALL)
    for step in (
        sentence(),
        tidying.offer(KEYS, CALL, by=ME, role="brain", wall_ms=1),
        tidying.relist(KEYS, 0, by=ME, worker=INGRESS, named=[]),
        tidying.free(KEYS, 0, CALL, by=ME),
        tidying.dismiss(KEYS, 0, KEYS.calls(0), by=ME, group="brain", consumer="x", idle_ms=0),
    ):
        assert await done(store, step) is Tidied.FENCED
    assert await steps.read_card(store, KEYS, CALL) == before
    assert await store.zscore(KEYS.slots(0), CALL) is not None


async def test_a_sentenced_call_ends_by_its_deadline(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any ingress is told of it; the card and the journal say why."""
    monkeypatch.setattr(tidying, "CONDEMNED_MS", 20)
    await attached(store)
    await leased(store)
    assert await done(store, sentence()) is Tidied.OK
    told: list[Due] = []

    async def is_told() -> bool:
        told.extend(read_due(await steps.run(store, due(KEYS, 0))))
        return bool(told)

    await wait_until(is_told, "its deadline has come")
    assert told == [Due(Leg(CALL, 1, "MZ" + "0" * 31 + "1"), "abandoned")]
    assert (await steps.read_card(store, KEYS, CALL))["cause"] == "ingress_silent"
    (_, last) = (await store.xrevrange(KEYS.journal(CALL), count=1))[0]
    assert (last[b"kind"], last[b"why"]) == (b"condemned", b"ingress_silent")


async def test_a_call_that_has_changed_is_not_sentenced(store: Store) -> None:
    """It has another stream, or another ingress; nor one that is not there."""
    await leased(store)
    assert await done(store, sentence()) is Tidied.ABSENT
    await attached(store)
    for changed in ({"leg": "2"}, {"ingress": OTHER}, {"state": "detached"}, {"stream_sid": "MZ"}):
        assert await done(store, sentence(**changed)) is Tidied.CHANGED
    assert await store.zscore(KEYS.deadlines(0), CALL) is None


async def test_a_stream_that_comes_in_time_keeps_the_call(store: Store) -> None:
    """ATTACH takes the deadline off."""
    await attached(store)
    await leased(store)
    await done(store, sentence())
    assert (await attached(store, 2, "other")).leg == 2
    assert await store.zscore(KEYS.deadlines(0), CALL) is None


async def test_a_role_that_nobody_has_is_offered_and_one_that_somebody_has_is_not(store: Store) -> None:
    """As an orphan, for whoever comes first."""
    await attached(store)
    await claimed(store)
    await leased(store)
    brain = tidying.offer(KEYS, CALL, by=ME, role="brain", wall_ms=1)
    assert await done(store, brain) is Tidied.CHANGED
    assert await done(store, tidying.offer(KEYS, CALL, by=ME, role="egress", wall_ms=1)) is Tidied.OK
    ((_, fields),) = await store.xrange(KEYS.orphans(0))
    orphan = read_orphan(flat(fields))
    assert (orphan.call_sid, orphan.role, orphan.why, orphan.heir) == (CALL, "egress", Orphaned.LOST, "")


async def test_a_list_is_made_to_say_what_the_cards_say(store: Store) -> None:
    """What is missing is added, what does not belong there goes, also what is no call at all."""
    await attached(store)
    await claimed(store)
    await leased(store)
    spoilt = "CA" + "e" * 32
    await store.redis.set(KEYS.card(spoilt), "no card")
    owned = KEYS.owned(0, BRAIN)
    await store.delete(owned)
    await store.sadd(owned, "CA" + "f" * 32, spoilt, "nonsense")
    assert await done(store, tidying.relist(KEYS, 0, by=ME, worker=BRAIN, named=[CALL, "x"])) is Tidied.OK
    assert await store.smembers(owned) == {CALL.encode()}
    assert await store.pttl(owned) > 0
    assert await detached(store, leg(), INGRESS) is Answer.OK
    await store.sadd(KEYS.owned(0, INGRESS), CALL)
    await done(store, tidying.relist(KEYS, 0, by=ME, worker=INGRESS, named=[CALL]))
    assert await store.smembers(KEYS.owned(0, INGRESS)) == set()


async def test_a_slot_without_a_card_is_free_and_one_with_a_card_is_not(store: Store) -> None:
    """Whatever stands there."""
    await leased(store)
    await attached(store)
    assert await done(store, tidying.free(KEYS, 0, CALL, by=ME)) is Tidied.CHANGED
    await store.zadd(KEYS.slots(0), {"nonsense {}": 2e12})
    assert await done(store, tidying.free(KEYS, 0, "nonsense {}", by=ME)) is Tidied.OK
    assert await store.zrange(KEYS.slots(0), 0, -1) == [CALL.encode()]


async def test_a_consumer_goes_only_if_it_has_nothing(store: Store) -> None:
    """One that was handed an entry keeps its place until others have taken that."""
    await leased(store)
    await store.xgroup_create(KEYS.calls(0), "brain", id="0", mkstream=True)
    await attached(store)
    await store.xreadgroup("brain", "busy", {KEYS.calls(0): ">"}, count=1)
    await store.redis.xgroup_createconsumer(KEYS.calls(0), "brain", "idle")

    def dismissed(name: str, idle_ms: int = 0) -> ScriptCall:
        return tidying.dismiss(KEYS, 0, KEYS.calls(0), by=ME, group="brain", consumer=name, idle_ms=idle_ms)

    assert await done(store, dismissed("busy")) is Tidied.CHANGED
    assert await done(store, dismissed("idle", 60_000)) is Tidied.CHANGED
    assert await done(store, dismissed("nobody")) is Tidied.CHANGED
    assert await done(store, dismissed("idle")) is Tidied.OK
    names = [each["name"] for each in await store.redis.xinfo_consumers(KEYS.calls(0), "brain")]
    assert names == [b"busy"]


def test_what_is_no_answer_is_refused() -> None:
    """A script of another version may say something else."""
    with pytest.raises(ValueError, match="nonsense"):
        tidying.read_tidied([b"nonsense"])
