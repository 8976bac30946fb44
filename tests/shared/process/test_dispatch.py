"""Dispatch on real servers: which calls a worker with a free slot gets."""

from __future__ import annotations

from dataclasses import replace

from shared.contract.scripts import Answer
from shared.contract.steps import EPOCH_LEAP, Claim, Held, NewStream, Restored, restore
from shared.contract.streams.doorbell import Ring, Why, read_ring
from shared.ownership import steps
from shared.process.dispatch import Dispatch, claim_free, claim_restored
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from tests.conftest import without_ttl
from tests.shared.ownership.test_steps import CALL, KEYS, attached
from tests.shared.store.test_outbox import flat
from tests.support.waiting import running, wait_until

STREAM = NewStream(
    call_sid=CALL, stream_sid="MZ" + "2" * 32, ingress="ingress-0@h#a", nonce="nonce", caller_number="",
    called_number="", agent="", called_line="+1555",
)  # fmt: skip
RESTORED = Restored(
    stream=STREAM, leg=3, brain=Held("brain-0@h#1", 1), egress=Held("", 2), cut=4, last_frame=77,
    started_at_ms=500, resumes=2, attempts=1,
)  # fmt: skip
"""Whose brain ingress knew, and whose egress it did not."""


def worker(url: str) -> Process:
    return make_process("egress", 0, load(env_file=None, redis_url=url))


async def test_a_call_whose_card_was_written_again_is_served(store: Store, redis_url: str) -> None:
    """Its epochs are above 0 and its owners empty: claimed with the epoch that the card says."""
    await steps.run(store, restore(KEYS, RESTORED, wall_ms=1000))
    got: list[tuple[str, Claim]] = []
    process = worker(redis_url)
    dispatch = Dispatch(process, 0, has_slot=lambda: True, on_call=lambda *call: got.append(call))
    async with running(dispatch.run()):
        await wait_until(lambda: len(got) == 1, "the call is taken")
        process.draining = True
    await process.store.aclose()
    assert (got[0][0], got[0][1].epoch) == (CALL, 2 + EPOCH_LEAP + 1)


async def test_a_call_that_redis_had_lost_stays_with_its_owner(store: Store, redis_url: str) -> None:
    """The card names it, its doorbell rings, its epoch is higher than any before; nobody else gets the
    call."""
    process, other = worker(redis_url), worker(redis_url)
    held = replace(RESTORED, egress=Held(process.name, 2))
    await steps.run(store, restore(KEYS, held, wall_ms=1000))
    assert await store.xlen(KEYS.calls(0)) == 0
    rings = [read_ring(flat(fields)) for _, fields in await store.xrange(KEYS.wake(0, process.name))]
    assert rings == [Ring(CALL, Why.CLAIMED)]
    assert await store.smembers(KEYS.owned(0, process.name)) == {CALL.encode()}
    assert await without_ttl(store) == []

    assert await claim_restored(other, CALL) is None
    claim = await claim_restored(process, CALL)

    assert claim is not None
    assert claim.epoch == 2 + EPOCH_LEAP
    for each in (process, other):
        await each.store.aclose()


async def test_a_card_that_is_written_again_says_what_ingress_knew(any_store: Store) -> None:
    """The call's age, its resumes and its spent token do not begin again; a second time changes nothing."""
    for _ in range(2):
        await steps.run(any_store, restore(KEYS, RESTORED, wall_ms=1000))
    card = await steps.read_card(any_store, KEYS, CALL)
    names = ("started_at_ms", "attached_at_ms", "resumes", "attempts", "leg", "frame_n", "cut", "brain")
    assert [card[name] for name in names] == ["500", "1000", "2", "1", "3", "77", "4", "brain-0@h#1"]
    assert await any_store.zscore(KEYS.live(0), CALL) == 500
    assert await any_store.hgetall(KEYS.token(CALL)) == {b"nonce": STREAM.stream_sid.encode()}
    assert await any_store.xlen(KEYS.calls(0)) == 1
    answer = await steps.attach(any_store, KEYS, replace(STREAM, stream_sid="MZ" + "3" * 32), max_resumes=5)
    assert answer.refused == "used"


async def test_a_claim_that_expected_an_older_epoch_leaves_the_entry(any_store: Store) -> None:
    """Nobody owns the role: were the entry settled, nobody would ever serve the call."""
    await attached(any_store)
    await any_store.hset(KEYS.card(CALL), "egress_epoch", "5")
    await any_store.xgroup_create(KEYS.calls(0), "egress", id="0")
    ((_, ((entry_id, _),)),) = await any_store.xreadgroup("egress", "w", {KEYS.calls(0): ">"})
    claim = await steps.claim(
        any_store, KEYS, CALL, role="egress", worker="w", expected_epoch=4, entry_id=entry_id.decode()
    )
    assert claim.answer is Answer.FENCED
    assert (await any_store.redis.xpending(KEYS.calls(0), "egress"))["pending"] == 1


async def test_a_spoilt_card_ends_no_worker(store: Store, redis_url: str) -> None:
    """It is counted and left; the next call is taken all the same."""
    await attached(store)
    await store.hset(KEYS.card(CALL), "egress_epoch", "many")
    process = worker(redis_url)

    claim = await claim_free(process, CALL)

    await process.store.aclose()
    assert claim is None
    assert process.ownership.contract_errors == 1
