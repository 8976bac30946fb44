"""The janitor on real servers: his lease, his rounds, what he does about what stands there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingress.janitor import rules, sweep
from ingress.janitor.sweep import ROUND_S, Janitor
from shared.contract.admission.count import OnTheLine
from shared.contract.keys import WORKERS, Keys
from shared.contract.worker import PULSE
from shared.ownership import admitting, steps
from shared.process.life import make_process
from shared.settings import load
from shared.store.client import Store
from tests.shared.ownership.test_steps import CALL, KEYS, attached, claimed

INGRESS, BRAIN, EGRESS = "ingress-0@h#1", "brain-0@h#1", "egress-0@h#1"


@dataclass
class Rounds:
    """A janitor whose rounds take no time."""

    store: Store
    janitor: Janitor
    keys: Keys = KEYS
    may_refuse: tuple[type[Exception], ...] = ()
    """What a server may answer to a beat: then it does not move."""
    alive: list[str] = field(default_factory=list)
    now_ms: float = 0.0
    _beat: int = 0

    async def go(self, seconds: float = ROUND_S) -> None:
        """So long; everybody who is alive beats in each round, and so do we."""
        for _ in range(round(seconds / ROUND_S)):
            self._beat += 1
            self.now_ms += ROUND_S * 1000
            for worker in (self.janitor.process.name, *self.alive):
                await self.beat(worker)
            await self.janitor.round()

    async def beat(self, worker: str) -> None:
        said = dict.fromkeys(PULSE, "1") | {"contract": "3", "beat": str(self._beat)}
        with contextlib.suppress(*self.may_refuse):
            await self.store.hset(self.keys.worker(worker), mapping=said)
        with contextlib.suppress(*self.may_refuse):
            await self.store.sadd(WORKERS, worker)

    def done(self) -> dict[str, int]:
        return {what: count for what, count in self.janitor.counters.deeds.items() if count}


@asynccontextmanager
async def rounds(
    store: Store,
    url: str,
    number: int = 0,
    *,
    keys: Keys = KEYS,
    may_refuse: tuple[type[Exception], ...] = (),
) -> AsyncIterator[Rounds]:
    process = make_process("ingress", number, load(env_file=None, redis_url=url, lanes=keys.lanes))
    made = Rounds(store, Janitor(process), keys, may_refuse)
    process.lag.awake_ms = lambda: made.now_ms  # type: ignore[method-assign]
    yield made
    await process.store.aclose()
    await process.servers.aclose()


async def on_the_line(store: Store) -> None:
    """A call with a stream, and its place among all calls."""
    await attached(store)
    await admitting.hold(store, [OnTheLine(CALL)])


async def test_what_everybody_has_is_left_alone_for_ever(store: Store, redis_url: str) -> None:
    """A live call, for ten minutes."""
    await on_the_line(store)
    await claimed(store)
    await claimed(store, "egress", EGRESS)
    async with rounds(store, redis_url) as it:
        it.alive += [INGRESS, BRAIN, EGRESS]
        await it.go(600)
        assert it.done() == {}
    assert (await steps.read_card(store, KEYS, CALL))["state"] == "attached"


async def test_a_call_whose_ingress_is_silent_for_a_minute_is_sentenced(store: Store, redis_url: str) -> None:
    """Not before; its owners may live and serve it."""
    await on_the_line(store)
    await claimed(store)
    await claimed(store, "egress", EGRESS)
    async with rounds(store, redis_url) as it:
        it.alive += [INGRESS, BRAIN, EGRESS]
        await it.go(20)
        it.alive.remove(INGRESS)
        await it.go(55)
        assert it.done() == {}
        await it.go(15)
        assert it.done() == {"condemn": 1}
        await it.go(30)
        assert it.done() == {"condemn": 1}
    card = await steps.read_card(store, KEYS, CALL)
    assert (card["deadline_outcome"], card["cause"]) == ("abandoned", "ingress_silent")


async def test_while_our_own_beat_does_not_move_nobody_is_missed(store: Store, redis_url: str) -> None:
    """Redis takes no writes: everybody looks dead, and nothing counts; afterwards all have their whole
    time."""
    await on_the_line(store)
    async with rounds(store, redis_url) as it:
        it.alive += [INGRESS]
        await it.go(20)
        for _ in range(40):
            it.now_ms += ROUND_S * 1000
            await it.janitor.round()
        it.alive.clear()
        await it.go(50)
        assert it.done() == {}


async def test_two_janitors_share_no_lane(store: Store, redis_url: str) -> None:
    """The second one looks at nothing until the lease has lapsed."""
    async with rounds(store, redis_url) as first, rounds(store, redis_url, 1) as second:
        await first.go(10)
        await second.go(10)
        assert (first.janitor.counters.rounds > 0, second.janitor.counters.rounds) == (True, 0)
        await store.delete(KEYS.janitor(0))
        await second.go(15)
        await first.go(5)
        assert second.janitor.counters.rounds > 0
        assert first.janitor._lanes == {}


async def test_what_a_deployment_leaves_behind_is_tidied_up(store: Store, redis_url: str) -> None:
    """A slot, a consumer, a worker's name, a list, a role in no stream: all in one go."""
    await on_the_line(store)
    await claimed(store)
    await store.delete(KEYS.calls(0))
    await store.xgroup_create(KEYS.calls(0), "brain", id="0", mkstream=True)
    await store.redis.xgroup_createconsumer(KEYS.calls(0), "brain", "brain-7@h")
    await store.zadd(KEYS.slots(0), {"CA" + "9" * 32: 9e12})
    await store.sadd(KEYS.owned(0, BRAIN), "CA" + "8" * 32)
    await store.sadd(WORKERS, "brain-8@h#8", "nonsense")
    async with rounds(store, redis_url) as it:
        it.alive += [INGRESS, BRAIN]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweep, "IDLE_MS", 0)
            await it.go(75)
        done = it.done()
    assert done.pop("offer") >= 1
    assert done == {"relist": 1, "free": 1, "dismiss": 1, "forget": 2}
    assert await store.xlen(KEYS.orphans(0)) >= 1
    assert await store.zrange(KEYS.slots(0), 0, -1) == [CALL.encode()]


words = st.one_of(
    st.sampled_from(
        ["attached", "detached", "ended", "", "0", "-1", "9" * 400, CALL, INGRESS, "apology", "\0"]
    ),
    st.text(max_size=8),
)
fields = st.sampled_from(
    ["state", "leg", "stream_sid", "ingress", "brain", "egress", "next", "deadline_leg", "x"]
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    card=st.dictionaries(fields, words, max_size=8),
    names=st.lists(words, max_size=4),
    wrong=st.sets(st.sampled_from(["slots", "live", "deadlines", "calls", "orphans", "owned", "card"])),
)
async def test_whatever_stands_there_no_round_raises(
    store: Store, redis_url: str, card: dict[str, str], names: list[str], wrong: set[str]
) -> None:
    """Cards of any words, lists of any names, keys of the wrong type."""
    await store.redis.flushall()
    keys = {
        "slots": KEYS.slots(0), "live": KEYS.live(0), "deadlines": KEYS.deadlines(0), "calls": KEYS.calls(0),
        "orphans": KEYS.orphans(0), "owned": KEYS.owned(0, INGRESS), "card": KEYS.card(CALL),
    }  # fmt: skip
    if card:
        await store.redis.hset(KEYS.card(CALL), mapping=card)  # type: ignore[misc, arg-type]
    await store.zadd(KEYS.live(0), dict.fromkeys([CALL, *names], 1.0))
    await store.zadd(KEYS.slots(0), dict.fromkeys([CALL, *names], 1.0))
    await store.sadd(KEYS.owned(0, INGRESS), CALL, *names)
    await store.sadd(WORKERS, INGRESS, *names)
    await store.xadd(KEYS.orphans(0), {"call": "x", **dict.fromkeys(names[:1], "y")})
    for each in wrong:
        await store.redis.set(keys[each], "nonsense")
    async with rounds(store, redis_url) as it:
        it.alive.append(BRAIN)
        await it.go(rules.MISSED_S + 20)
