"""How calls come and go, on a real server: taken, fenced, lost, given back, taken over."""

from __future__ import annotations

import pytest

from egress import call as call_module
from egress import calls as calls_module
from egress.role import EgressRole
from shared.contract import record
from shared.contract.card import EgressControl, EgressView
from shared.contract.entry import FIRST, NOTHING
from shared.contract.scripts import Answer
from shared.contract.steps import EPOCH_LEAP, Claim, Held, Restored, restore
from shared.contract.streams.pairs import OutKind
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.process.beat import keep_own_keys
from shared.process.role import Process
from shared.store.client import Store
from shared.store.errors import LinkLost
from tests.egress.stage import frames_of, speech
from tests.egress.world import BRAIN, INGRESS, KEYS, SECOND, a_stream, egress, held, owns, world
from tests.support.waiting import wait_until


async def test_after_a_kill_the_next_owner_goes_on_with_the_next_frame(store: Store, redis_url: str) -> None:
    """Egress ends without a word; who claims the call continues at the frame that ingress had last."""
    audio = speech(4 * SECOND)
    async with world(store, redis_url) as here, egress(here, 1) as (rival, sibling):
        rival.draining = True  # It takes no new call by itself.
        async with egress(here, 0) as (_, role):
            call = await here.served(role)
            await here.play(call, audio, frames=80)
        before = await here.owners(call)
        claim = await steps.claim(
            store,
            KEYS,
            call,
            role="egress",
            worker=rival.name,
            expected_owner=before.egress,
            expected_epoch=before.egress_epoch,
        )

        sibling.calls.take(call, claim)
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)
        assert claim.epoch == 2


async def test_a_fenced_owner_lets_go(store: Store, redis_url: str) -> None:
    """Another worker claims the call: the next fenced write is refused, and nothing more is sent."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        await here.play(call, speech(10 * SECOND), frames=10)

        await steps.claim(
            store,
            KEYS,
            call,
            role="egress",
            worker="egress-9@h#9",
            expected_owner=process.name,
            expected_epoch=1,
        )
        await wait_until(owns(role, 0), "the fenced owner has let go")

        assert role.counters.calls_lost == 1


async def test_a_call_that_redis_had_lost_is_served_again(store: Store, redis_url: str) -> None:
    """By the same worker, which is rung: the next reply is heard from its first frame."""
    first, second = speech(2 * SECOND, 1), speech(SECOND, 2)
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        here.say(call, first)
        await wait_until(lambda: len(here.ingress.frames(call)) == 100, "the first reply is sent")
        await store.redis.flushall()
        await keep_own_keys(process, role.own_streams)
        await store.xadd(KEYS.out(INGRESS), NOTHING, maxlen=0, approximate=False)
        restored = Restored(
            stream=a_stream(call), leg=1, brain=Held(BRAIN, 1), egress=Held(process.name, 1), cut=0,
            last_frame=100, started_at_ms=1, resumes=0, attempts=0,
        )  # fmt: skip
        await steps.run(store, restore(KEYS, restored, wall_ms=1))
        await wait_until(lambda: _epoch(role, call) == 1 + EPOCH_LEAP, "it is claimed again")
        here.pens[call] = Owner(here.outbox, KEYS, call, "brain", 1 + EPOCH_LEAP, lambda _answer: None, BRAIN)
        here.say(call, second, "item_b")
        await wait_until(lambda: len(here.ingress.frames(call)) >= 150, "the second reply is sent")

        assert here.ingress.frames(call)[100:] == frames_of(second)
        assert held(role, call).delivery.counters.frames_skipped == 0


def _epoch(role: EgressRole, call: str) -> int:
    found = role.calls.find(call)
    return 0 if found is None else found.owner.epoch


async def test_a_new_leg_is_followed(store: Store, redis_url: str) -> None:
    """Detached: silence. A new stream of the call: the rest of the reply, on the new leg."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, audio, frames=50)

        await steps.detach(store, KEYS, call, leg=1, ingress=INGRESS, cause="lost")
        delivery = held(role, call).delivery
        await wait_until(lambda: delivery.detached, "egress knows")
        before = len(here.ingress.frames(call))
        await steps.attach(store, KEYS, a_stream(call, 2), max_resumes=3)
        await wait_until(lambda: here.silent(call), "the reply was heard")

        frames = [(name.leg, value) for _, name, value in here.ingress.out if name.kind == OutKind.FRAME]
        second = [value for leg, value in frames if leg == 2]
        resumed_at = frames_of(audio).index(second[0])
        assert before - 15 <= resumed_at <= before
        assert second == frames_of(audio)[resumed_at:]


async def test_a_call_that_met_a_bug_is_claimed_again(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a sibling by the same process: a fresh start from the card, and the reply goes on."""
    monkeypatch.setattr(calls_module, "REST_AFTER_BUG_S", 0.05)
    audio = speech(2 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, audio, frames=10)
        first = held(role, call)

        role.calls._on_bug(first, RuntimeError("a bug"))
        assert role.live_calls() == 0

        await wait_until(lambda: role.calls.find(call) not in (None, first), "it is claimed again")
        await wait_until(lambda: here.silent(call), "the reply was heard to its end")
        assert here.ingress.frames(call)[-1] == frames_of(audio)[-1]
        assert role.counters.calls_failed == 1


async def test_a_quiet_call_whose_card_is_gone_is_forgotten(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis came back empty and nothing rings: the slot is not held for ever."""
    monkeypatch.setattr(call_module, "SAVE_EVERY", 1)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)

        # From its first save on, nothing changes.
        await here.card_says(call, "n_frames", "0")

        await store.delete(KEYS.card(call), KEYS.control(call))

        await wait_until(owns(role, 0), "the call is forgotten")


async def test_a_call_that_is_claimed_twice_is_at_work_already(store: Store, redis_url: str) -> None:
    """By a repeated script; a higher epoch is another owner's, and takes its place."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        first = held(role, call)
        card = await here.card(call)

        role.calls.take(call, Claim(Answer.OK, first.owner.epoch, card))
        again = held(role, call)
        role.calls.take(call, Claim(Answer.OK, first.owner.epoch + 1, card))

        assert again is first
        assert held(role, call) is not first
        assert first.is_over
        assert role.live_calls() == 1


async def test_a_card_that_cannot_be_read_is_told_and_not_taken(store: Store, redis_url: str) -> None:
    """With the name of the field: it is not guessed at."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        card = await here.card(call)
        epoch = held(role, call).owner.epoch

        role.calls.take(call, Claim(Answer.OK, epoch + 1, {**card, "leg": "first"}))

        assert process.ownership.contract_errors == 1
        assert role.live_calls() == 0


async def test_the_next_owner_reads_control_on_from_where_the_last_one_was(
    store: Store, redis_url: str
) -> None:
    """The position is saved with the figures."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await steps.detach(store, KEYS, call, leg=1, ingress=INGRESS, cause="lost")
        await wait_until(lambda: held(role, call).delivery.detached, "egress knows")
        position = held(role, call).control.position
        assert position != FIRST
        (name,) = record.names(EgressControl)
        await here.card_says(call, name, position)
        claim = Claim(Answer.OK, held(role, call).owner.epoch + 1, await here.card(call))

        role.calls.take(call, claim)

        assert record.read(EgressView, claim.card).control_pos == position
        assert held(role, call).control.position == position


async def test_a_claim_that_met_a_broken_connection_is_made_again(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody rings twice: the first claim fails as the pool's connection is gone, the next one stands."""
    claim, failures = calls_module.claim_free, [LinkLost("the connection is gone")]

    async def claim_free(process: Process, call_sid: str) -> Claim | None:
        if failures:
            raise failures.pop()
        return await claim(process, call_sid)

    monkeypatch.setattr(calls_module, "claim_free", claim_free)
    async with (
        world(store, redis_url) as here,
        egress(here, 0) as (process, role),
        egress(here, 1) as (late, other),
    ):
        late.draining = True  # It takes no new call by itself.
        call = await here.served(role)
        late.draining, process.draining = False, True

        role.calls.release(held(role, call), late.name)

        await wait_until(owns(other), "the other one has the call")
    assert failures == []


async def test_a_call_that_another_has_is_not_taken_over(store: Store, redis_url: str) -> None:
    """A ring that was repeated, or that came late: nothing is claimed, nothing is refused."""
    async with (
        world(store, redis_url) as here,
        egress(here, 0) as (_, role),
        egress(here, 1) as (late, other),
    ):
        late.draining = True  # It takes no new call by itself.
        call = await here.served(role)
        late.draining = False
        before = (late.ownership.claims, late.ownership.claims_refused)

        await other.calls.take_over(call)
        await other.calls.take_over("CA" + "f" * 32)
        await steps.end(store, KEYS, call, outcome="completed", by="test")
        await other.calls.take_over(call)

        assert other.live_calls() == 0
        assert (late.ownership.claims, late.ownership.claims_refused) == before
