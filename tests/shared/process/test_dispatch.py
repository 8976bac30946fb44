"""Dispatch on real servers: which calls a worker with room gets, and in which order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from shared.clock import wall_ms
from shared.contract.card import CallState, Next
from shared.contract.claiming import MOST_ATTEMPTS, Claim
from shared.contract.lua.scripts import Answer
from shared.contract.steps import Held, NewStream, Restored, restore
from shared.contract.streams.calls import RINGING_MS, Orphaned, Ringing
from shared.contract.streams.doorbell import Ring, Why, read_ring
from shared.contract.streams.journal import Kind
from shared.ownership import steps
from shared.process import dispatch
from shared.process.dispatch import HEIR_FIRST_MS, QUARANTINED, Dispatch, claim_free, room_for_orphans
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.conftest import without_ttl
from tests.shared.ownership.test_steps import CALL, KEYS, attached
from tests.shared.store.writing.test_outbox import flat
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to

STREAM = NewStream(
    call_sid=CALL, stream_sid="MZ" + "2" * 32, ingress="ingress-0@h#a", nonce="nonce", caller_number="",
    called_number="", agent="", called_line="+1555",
)  # fmt: skip
RESTORED = Restored(
    stream=STREAM, leg=3, brain=Held("brain-0@h#1", 1, 1), egress=Held("", 2, 1, 1), cut=4, last_frame=77,
    started_at_ms=500, resumes=2,
)  # fmt: skip
"""Whose brain ingress knew, and whose egress it did not."""

OTHER = "egress-7@h#1"


def worker(url: str, number: int = 0) -> Process:
    return make_process("egress", number, load(env_file=None, redis_url=url))


@asynccontextmanager
async def dispatching(
    process: Process, live_calls: Callable[[], int] | None = None
) -> AsyncIterator[list[tuple[str, Claim]]]:
    """The calls that it takes; as many are live."""
    got: list[tuple[str, Claim]] = []
    taker = Dispatch(
        process, 0, live_calls=live_calls or (lambda: len(got)), on_call=lambda *call: got.append(call)
    )
    async with running(taker.run()):
        yield got
        process.draining = True
    await process.store.aclose()


async def released(store: Store, *, heir: str = "", worker: str = OTHER) -> Claim:
    """A call that an egress had and gave back."""
    await attached(store)
    await store.xdel(KEYS.calls(0), (await store.xrevrange(KEYS.calls(0), count=1))[0][0])
    claim = await steps.claim(store, KEYS, CALL, role="egress", worker=worker)
    await steps.release(store, KEYS, CALL, role="egress", worker=worker, epoch=claim.epoch, heir=heir)
    return claim


async def test_a_call_whose_card_was_written_again_is_served(store: Store, redis_url: str) -> None:
    """Its owner is not known: it is an orphan, claimed above the epoch that the card says."""
    await steps.run(store, restore(KEYS, RESTORED, wall_ms=1000))
    async with dispatching(worker(redis_url)) as got:
        await wait_until(lambda: len(got) == 1, "the call is taken")
    assert got[0][0] == CALL
    assert got[0][1].epoch > 2
    assert got[0][1].card["egress_claims"] == "2"


async def test_a_call_that_redis_had_lost_stays_with_its_owner(store: Store, redis_url: str) -> None:
    """The card names it, its doorbell rings, its epoch is higher than any before; nobody else gets the
    call."""
    process, other = worker(redis_url), worker(redis_url, 1)
    held = replace(RESTORED, egress=Held(process.name, 2, 1))
    await steps.run(store, restore(KEYS, held, wall_ms=1000))
    assert await store.xlen(KEYS.calls(0)) == await store.xlen(KEYS.orphans(0)) == 0
    rings = [read_ring(flat(fields)) for _, fields in await store.xrange(KEYS.wake(0, process.name))]
    assert rings == [Ring(CALL, Why.RESTORED)]
    assert await store.smembers(KEYS.owned(0, process.name)) == {CALL.encode()}
    assert await without_ttl(store) == []
    process.claimed[CALL] = 2

    assert await claim_free(other, CALL) is None
    claim = await claim_free(process, CALL, again=True)

    assert claim is not None
    assert claim.epoch > 2
    assert claim.attempts("egress") == 0
    for each in (process, other):
        await each.store.aclose()


async def test_a_card_that_is_written_again_says_what_ingress_knew(any_store: Store) -> None:
    """The call's age, its resumes and its spent token do not begin again; a second time changes nothing."""
    for _ in range(2):
        await steps.run(any_store, restore(KEYS, RESTORED, wall_ms=1000))
    card = await steps.read_card(any_store, KEYS, CALL)
    names = (
        "started_at_ms",
        "attached_at_ms",
        "resumes",
        "egress_attempts",
        "leg",
        "frame_n",
        "cut",
        "brain",
    )
    assert [card[name] for name in names] == ["500", "1000", "2", "1", "3", "77", "4", "brain-0@h#1"]
    assert card["restored_at_ms"] == "1000"
    assert await any_store.zscore(KEYS.live(0), CALL) == 500
    assert await any_store.hgetall(KEYS.token(CALL)) == {b"nonce": STREAM.stream_sid.encode()}
    assert await any_store.xlen(KEYS.orphans(0)) == 1
    answer = await steps.attach(any_store, KEYS, replace(STREAM, stream_sid="MZ" + "3" * 32), max_resumes=5)
    assert answer.refused == "used"


async def test_a_spoilt_card_ends_no_worker(store: Store, redis_url: str) -> None:
    """It is counted and left; the next call is taken all the same."""
    await attached(store)
    await store.hset(KEYS.card(CALL), "egress_epoch", "many")
    process = worker(redis_url)

    claim = await claim_free(process, CALL)

    await process.store.aclose()
    assert claim is None
    assert process.ownership.contract_errors == 1


async def test_a_released_call_is_taken_by_whoever_starts_next(store: Store, redis_url: str) -> None:
    """Nobody was there when it was released, and nobody rang: it waits."""
    before = await released(store)
    async with dispatching(worker(redis_url)) as got:
        await wait_until(lambda: len(got) == 1, "the call is taken")
        assert await store.xlen(KEYS.orphans(0)) == 0
    assert got[0][1].epoch > before.epoch


async def test_an_orphan_of_the_other_role_is_passed_over(store: Store, redis_url: str) -> None:
    """It waits for its own role, and nothing of it stays pending in this one's group."""
    await attached(store)
    claim = await steps.claim(store, KEYS, CALL, role="brain", worker="brain-0@h#1")
    await steps.release(store, KEYS, CALL, role="brain", worker="brain-0@h#1", epoch=claim.epoch)
    await store.delete(KEYS.calls(0))
    async with dispatching(worker(redis_url)) as got:

        async def passed() -> bool:
            groups = await store.redis.xinfo_groups(KEYS.orphans(0))
            return any(g["last-delivered-id"] != b"0-0" and not g["pending"] for g in groups)

        await wait_until(passed, "it was read and acknowledged")
        assert got == []
    assert await store.xlen(KEYS.orphans(0)) == 1


async def test_a_full_worker_takes_orphans_only(store: Store, redis_url: str) -> None:
    """A caller who has lost an owner is on the line: there is some room above the capacity; a new call
    waits."""
    await released(store)
    await steps.attach(store, KEYS, replace(STREAM, call_sid="CA" + "e" * 32, nonce="other"), max_resumes=3)
    process = worker(redis_url)
    async with dispatching(process, lambda: process.capacity) as got:
        await wait_until(lambda: len(got) == 1, "the orphan is taken")
        await wait_until(lambda: bool(process.claimed), "")
    assert [call for call, _ in got] == [CALL]
    assert room_for_orphans(5) == 7
    assert room_for_orphans(100) == 110


async def test_orphans_go_before_new_calls(store: Store, redis_url: str) -> None:
    """Both wait: the one whose caller is on the line is first."""
    await steps.attach(store, KEYS, replace(STREAM, call_sid="CA" + "e" * 32, nonce="other"), max_resumes=3)
    await released(store)
    async with dispatching(worker(redis_url)) as got:
        await wait_until(lambda: len(got) == 2, "both are taken")
    assert [call for call, _ in got] == [CALL, "CA" + "e" * 32]


async def test_an_orphan_is_left_to_its_heir_also_where_the_own_clock_is_wrong(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries bear Redis's time: a host that is ten seconds ahead would think that its heir has had it."""
    true_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true_ns() + 10_000_000_000)
    process, got = worker(redis_url), list[str]()
    heir = str(replace(process.worker, number=1))
    taker = Dispatch(process, 0, live_calls=lambda: process.capacity, on_call=lambda sid, _: got.append(sid))
    async with running(taker.run()):
        await wait_until(lambda: bool(taker._server_ahead_ms), "it is at work")
        await released(store, heir=heir)
        await wait_until(lambda: bool(taker._heir_until_ms or got), "the orphan is seen")
        assert not got
        process.draining = True
    await process.store.aclose()


async def test_an_orphan_is_left_to_its_heir_for_a_moment(store: Store, redis_url: str) -> None:
    """An heir that does not come is not waited for: whoever has room takes the call."""
    heir = worker(redis_url, 1)
    await released(store, heir=heir.name)
    async with dispatching(worker(redis_url)) as got:
        await wait_until(lambda: len(got) == 1, "somebody else takes it")
    await heir.store.aclose()
    second = await released_again(store, got[0][1], heir.name)
    heir = replace(heir, store=worker(redis_url, 1).store)
    async with dispatching(heir) as got:
        await wait_until(lambda: len(got) == 1, "the heir takes it")
    assert got[0][1].epoch > second


@pytest.mark.parametrize(("age_ms", "waits"), [(0, True), (HEIR_FIRST_MS - 50, True), (HEIR_FIRST_MS, False)])
def test_an_orphan_waits_for_its_heir_only_while_it_is_young(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, age_ms: int, waits: bool
) -> None:
    """One that nobody was there to read has waited; our own older boot never comes."""
    process = worker(redis_url)
    taker = Dispatch(process, 0, live_calls=lambda: 0, on_call=lambda *_: None)
    monkeypatch.setattr(dispatch, "now_ms", lambda: float(age_ms))
    taker._server_ahead_ms = 1_000_000.0
    heir = str(replace(process.worker, number=1))

    assert taker._waits_for(heir, b"1000000-0") is waits
    assert not taker._waits_for(str(replace(process.worker, boot="0ld")), b"1000000-0")
    assert not taker._waits_for(process.name, b"1000000-0")
    assert not taker._waits_for("", b"1000000-0")
    # One that is known to be dead will not come.
    liveness = process.neighbours._liveness
    liveness.look({heir: 1}, 0.0, wrote=True)
    assert taker._waits_for(heir, b"1000000-0") is waits
    liveness.exited(heir, has_keys=True)
    assert not taker._waits_for(heir, b"1000000-0")


async def test_all_that_was_abandoned_is_taken_at_one_look(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that ended together leaves as many orphans as it had calls."""
    monkeypatch.setattr(dispatch, "ABANDONED_MS", 0)
    sids = {f"CA{number:032x}" for number in range(12)}
    for number, call_sid in enumerate(sorted(sids)):
        stream = replace(STREAM, call_sid=call_sid, stream_sid=f"MZ{number:032x}")
        await steps.attach(store, KEYS, stream, max_resumes=3)
    await store.xgroup_create(KEYS.calls(0), "egress", id="0")
    await store.xreadgroup("egress", "egress-9@h", {KEYS.calls(0): ">"}, count=100)
    process, got = worker(redis_url), set[str]()
    taker = Dispatch(process, 0, live_calls=lambda: len(got), on_call=lambda sid, _: got.add(sid))
    await taker._make_groups()
    link = await way_to(redis_url).open(name="test")
    await taker._take_abandoned(link)
    link.close()
    await process.store.aclose()

    assert got == sids


@dataclass
class Brain:
    """Who is told of calls that ring."""

    count: int = 0
    rang: list[Ringing] = field(default_factory=list)

    def expected_calls(self) -> int:
        return self.count

    def on_ringing(self, call: Ringing) -> None:
        self.rang.append(call)
        self.count += 1


@asynccontextmanager
async def answering(
    redis_url: str, number: int = 0, *, capacity: int = 9, brain: Brain | None = None
) -> AsyncIterator[tuple[Process, Brain, list[str]]]:
    """A brain's dispatch, at work; the calls that it takes."""
    settings = load(env_file=None, redis_url=redis_url, openai_api_key="key")
    process = replace(make_process("brain", number, settings), capacity=capacity)
    host, got = brain or Brain(), list[str]()
    taker = Dispatch(
        process, 0, live_calls=lambda: len(got), on_call=lambda sid, _: got.append(sid), host=host
    )
    async with running(taker.run()):
        await wait_until(lambda: process.store is not None and bool(taker._server_ahead_ms), "it is at work")
        yield process, host, got
        process.draining = True
    await process.store.aclose()


async def rung(store: Store, call: Ringing, nonce: str = "nonce") -> None:
    later = wall_ms() + 60_000
    await steps.reserve(store, KEYS, call.call_sid, nonce=nonce, expires_at_ms=later, rings=call)


RINGS = Ringing(CALL, "sales", "+1555")


async def test_a_call_that_rings_is_expected_by_one_brain(store: Store, redis_url: str) -> None:
    """Who reads it is its heir at once, and is told who is asked for."""
    async with answering(redis_url) as (process, brain, got):
        await rung(store, RINGS)
        await wait_until(lambda: brain.rang == [RINGS], "the brain is told")
        token = await store.redis.hgetall(KEYS.token(CALL))
        assert token[b"expected_by"] == process.name.encode()
        assert await store.xlen(KEYS.ringing(0)) == 0
        assert got == []


async def test_without_room_a_call_rings_on(store: Store, redis_url: str) -> None:
    """Another brain may have room for it, or the call waits for its stream. What is only expected keeps no
    call out that is there: it may never come."""
    full = Brain(count=9)
    async with answering(redis_url, brain=full) as (_, _, got):
        await rung(store, RINGS)
        await steps.attach(store, KEYS, replace(STREAM, call_sid="CA" + "e" * 32, nonce="x"), max_resumes=3)
        await wait_until(lambda: got == ["CA" + "e" * 32], "it takes the new call")
        async with answering(redis_url, 1) as (_, other, _):
            await wait_until(lambda: other.rang == [RINGS], "the other one is told")
        assert full.rang == []


async def test_what_rang_for_too_long_is_nobodys(store: Store, redis_url: str) -> None:
    """No brain was there to read it: its slot is free again. Nothing of it stays."""
    await store.xgroup_create(KEYS.ringing(0), "brain", id="0", mkstream=True)
    await store.hset(KEYS.token(CALL), mapping={"issued": "nonce@1"})
    fields = {"v": "1", "call": CALL, "agent": "sales", "called": "+1555"}
    await store.xadd(KEYS.ringing(0), fields, id=f"{wall_ms() - RINGING_MS - 500}-1")
    async with answering(redis_url) as (_, brain, _):

        async def is_gone() -> bool:
            return await store.xlen(KEYS.ringing(0)) == 0

        await wait_until(is_gone, "the entry is gone")
        assert (await store.redis.xpending(KEYS.ringing(0), "brain"))["pending"] == 0
        assert brain.rang == []


async def test_a_new_call_is_left_to_its_heir_and_taken_where_it_does_not_come(
    store: Store, redis_url: str
) -> None:
    """The heir died, drains, or its ring was lost: whoever was handed the call takes it, a second later. An
    egress waits for nobody."""
    await store.xgroup_create(KEYS.ringing(0), "brain", id="0", mkstream=True)
    await rung(store, RINGS)
    ((entry, _),) = await store.xrange(KEYS.ringing(0))
    await steps.expect(store, KEYS, CALL, worker="brain-7@h#1", entry=entry.decode())
    async with answering(redis_url) as (_, _, got), dispatching(worker(redis_url)) as taken:
        await steps.attach(store, KEYS, STREAM, max_resumes=3)
        await wait_until(lambda: len(taken) == 1, "the egress has it")

        async def is_handed() -> bool:
            return bool((await store.redis.xpending(KEYS.calls(0), "brain"))["pending"])

        await wait_until(is_handed, "the brain was handed it")
        assert got == []
        await wait_until(lambda: got == [CALL], "and takes it in the end")
        assert await store.xlen(KEYS.calls(0)) == 0


async def released_again(store: Store, claim: Claim, heir: str) -> int:
    await steps.release(
        store, KEYS, CALL, role="egress", worker=claim.card["egress"], epoch=claim.epoch, heir=heir
    )
    return claim.epoch


async def test_a_next_boot_finds_what_the_last_one_was_handed(store: Store, redis_url: str) -> None:
    """It was killed before it claimed: consumers are named by the instance."""
    await attached(store)
    process = worker(redis_url)
    await store.xgroup_create(KEYS.calls(0), "egress", id="0")
    await store.xreadgroup("egress", process.worker.instance, {KEYS.calls(0): ">"})
    async with dispatching(process) as got:
        await wait_until(lambda: len(got) == 1, "it is claimed")
    assert len(await store.redis.xinfo_consumers(KEYS.calls(0), "egress")) == 1


async def test_a_call_at_which_owners_fail_is_turned_away(store: Store, redis_url: str) -> None:
    """Each claim counts before any work is done; the fourth in a row does none, and the caller hears why."""
    await attached(store)
    for number in range(MOST_ATTEMPTS):
        name = f"egress-{number}@h#1"
        claim = await steps.claim(store, KEYS, CALL, role="egress", worker=name)
        assert (claim.answer, claim.attempts("egress")) == (Answer.OK, number + 1)
        await steps.disown(store, KEYS, 0, role="egress", dead=name, by="egress-9@h#1")
    process = worker(redis_url)
    async with dispatching(process) as got, running(process.outbox.run()):

        async def has_ended() -> bool:
            return (await steps.read_card(store, KEYS, CALL))["state"] == CallState.ENDED

        await wait_until(has_ended, "the call is turned away")
        assert await process.outbox.flushed(5)
        assert got == []
    card = await steps.read_card(store, KEYS, CALL)
    assert (card["outcome"], card["next"], card["cause"]) == (QUARANTINED, Next.APOLOGY, QUARANTINED)
    kinds = [fields[b"kind"].decode() for _, fields in await store.xrange(KEYS.journal(CALL))]
    assert Kind.QUARANTINED in kinds
    assert process.ownership.quarantined == 1


async def test_who_gives_a_call_back_has_not_failed_at_it(any_store: Store) -> None:
    """Hand-overs may be many; a bug counts."""
    await attached(any_store)
    for why, attempts in (
        (Orphaned.RELEASED, 1),
        (Orphaned.RELEASED, 1),
        (Orphaned.BUG, 1),
        (Orphaned.BUG, 2),
    ):
        claim = await steps.claim(any_store, KEYS, CALL, role="egress", worker=OTHER)
        assert claim.attempts("egress") == attempts
        await steps.release(any_store, KEYS, CALL, role="egress", worker=OTHER, epoch=claim.epoch, why=why)
