"""How calls come and go, on a real server: taken, fenced, lost, given back, taken over."""

from __future__ import annotations

import pytest

from egress.calls import call as call_module
from egress.calls import calls as calls_module
from egress.pacing.pacer import LEAD_MS
from egress.role import EgressRole
from shared.audio import FRAME_MS
from shared.contract import record
from shared.contract.card import EgressControl
from shared.contract.claiming import Claim
from shared.contract.entry import FIRST, NOTHING
from shared.contract.lua.scripts import ENDED, Answer, Refusal
from shared.contract.steps import Held, Restored, restore
from shared.contract.streams.pairs import BackKind, Name, OutKind, back_commands
from shared.contract.views import EgressView
from shared.ownership import steps
from shared.ownership.liveness import How
from shared.ownership.owner import Owner
from shared.process.beat import keep_own_keys
from shared.process.role import Process
from shared.store.client import Store
from shared.store.errors import LinkLost
from tests.egress.stage import frames_of, speech
from tests.egress.world import BRAIN, INGRESS, KEYS, SECOND, a_stream, egress, held, owns, world
from tests.support.waiting import wait_until

OTHER = "egress-9@h#9"


async def test_after_a_kill_the_next_owner_goes_on_with_the_next_frame(store: Store, redis_url: str) -> None:
    """Egress ends without a word; who claims the call continues at the frame that ingress had last."""
    audio = speech(4 * SECOND)
    async with world(store, redis_url) as here, egress(here, 1) as (rival, sibling):
        rival.draining = True  # It takes no new call by itself.
        async with egress(here, 0) as (_, role):
            call = await here.served(role)
            await here.play(call, audio, frames=80)
        rival.draining = False  # Else it would hand the call over.
        before = await here.owners(call)
        claim = await steps.claim(
            store,
            KEYS,
            call,
            role="egress",
            worker=rival.name,
            seen=before.egress_epoch + 1,
        )

        sibling.calls.take(call, claim)
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)
        assert claim.epoch > before.egress_epoch


async def taken_by_another(store: Store, role: EgressRole, call: str) -> None:
    """Another worker has seen a higher epoch than the card has, and takes the call."""
    seen = held(role, call).owner.epoch + 1
    await steps.claim(store, KEYS, call, role="egress", worker="egress-9@h#9", seen=seen)


async def test_a_fenced_owner_lets_go(store: Store, redis_url: str) -> None:
    """Another worker claims the call: the next fenced write is refused, and nothing more is sent."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, speech(10 * SECOND), frames=10)

        await taken_by_another(store, role, call)
        await wait_until(owns(role, 0), "the fenced owner has let go")

        assert role.counters.calls_lost == 1


async def test_a_call_that_redis_had_lost_is_served_again(store: Store, redis_url: str) -> None:
    """By the same worker, which is rung: the next reply is heard from its first frame."""
    first, second = speech(2 * SECOND, 1), speech(SECOND, 2)
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        here.say(call, first)
        await wait_until(lambda: len(here.ingress.frames(call)) == 100, "the first reply is sent")
        epoch = held(role, call).owner.epoch
        await store.redis.flushall()
        await keep_own_keys(process, role.own_streams)
        await store.xadd(KEYS.out(INGRESS), NOTHING, maxlen=0, approximate=False)
        restored = Restored(
            stream=a_stream(call), leg=1, brain=Held(BRAIN, 1, 1), egress=Held(process.name, epoch, 1), cut=0,
            last_frame=100, started_at_ms=1, resumes=0,
        )  # fmt: skip
        await steps.run(store, restore(KEYS, restored, wall_ms=1))
        await wait_until(lambda: _epoch(role, call) > epoch, "it is claimed again")
        here.pens[call] = Owner(here.outbox, KEYS, call, "brain", 1, lambda _answer: None, BRAIN)
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

        await here.detach(call)
        delivery = held(role, call).delivery
        await wait_until(lambda: delivery.detached, "egress knows")
        before = len(here.ingress.frames(call))
        await steps.attach(store, KEYS, a_stream(call, 2), max_resumes=3)
        await wait_until(lambda: here.silent(call), "the reply was heard")

        frames = [(name.leg, value) for _, name, value in here.ingress.out if name.kind == OutKind.FRAME]
        second = [value for leg, value in frames if leg == 2]
        resumed_at = frames_of(audio).index(second[0])
        assert before - 2 * LEAD_MS / FRAME_MS <= resumed_at <= before
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

        role.calls.metronome._on_bug(first, RuntimeError("a bug"))
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
    """By a repeated script; a higher epoch takes its place, and goes on with what it has."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        first = held(role, call)
        card = await here.card(call)

        role.calls.take(call, Claim(Answer.OK, first.owner.epoch, card))
        again = held(role, call)
        epoch = first.owner.epoch + 1
        role.calls.take(call, Claim(Answer.OK, epoch, card))

        assert again is first
        assert held(role, call) is first
        assert first.owner.epoch == epoch
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
        await here.detach(call)
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
        late.capacity = 0  # It takes no new call by itself.
        call = await here.served(role)
        process.draining = True

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


async def test_a_released_call_waits_for_the_next_egress(store: Store, redis_url: str) -> None:
    """The only one is restarted: nobody is rung, and the next boot goes on with the next frame."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here:
        async with egress(here, 0) as (_, role):
            call = await here.served(role)
            await here.play(call, audio, frames=60)
            await role.stop()
            assert await here.outbox.flushed(5)
        async with egress(here, 0) as (_, role):
            await wait_until(owns(role), "the next boot has the call")
            await wait_until(lambda: here.silent(call), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)


async def test_the_calls_of_a_dead_sibling_are_taken(store: Store, redis_url: str) -> None:
    """As soon as its death is known: it is disowned, and whoever has room claims."""
    async with world(store, redis_url) as here:
        call = await here.call()
        await steps.claim(store, KEYS, call, role="egress", worker=OTHER)
        async with egress(here) as (process, role):
            await process.neighbours.on_dead(OTHER, How.SILENT)

            await wait_until(owns(role), "it has a new owner")
            assert process.ownership.disowned == 1


async def test_a_call_that_names_us_and_that_we_do_not_know_is_served(store: Store, redis_url: str) -> None:
    """A claim of ours arrived late, or a failover has forgotten that we gave the call back."""
    async with world(store, redis_url) as here:
        call = await here.call()
        async with egress(here) as (process, role):
            await wait_until(owns(role), "egress has the call")
            before = held(role, call).owner.epoch
            role.calls._forget(held(role, call))

            await wait_until(owns(role), "it has taken it up again")

            assert held(role, call).owner.epoch > before
            assert process.ownership.found == 1


@pytest.mark.parametrize("how", ["redis", "ingress"])
async def test_an_owner_whose_claim_was_lost_claims_again(store: Store, redis_url: str, how: str) -> None:
    """A failover has forgotten it, or ingress has seen a higher epoch: it is still the owner, under a higher
    one, and the reply goes on."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        await here.play(call, audio, frames=20)
        before = held(role, call).owner.epoch

        if how == "redis":
            await store.hset(KEYS.card(call), mapping={"egress": OTHER, "egress_epoch": str(before - 50)})
            higher = before
        else:
            higher = before + 1000
            name = Name(BackKind.OUTRANKED, call, 1, higher, 0, 0)
            for command in back_commands(KEYS, process.name, INGRESS.encode(), 0, [(name.encode(), b"")]):
                here.outbox.send(command)
        await wait_until(lambda: _epoch(role, call) > higher, "it has claimed again")
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)
        assert role.counters.calls_lost == 0
        assert process.ownership.claims_again == 1
        role.calls.claim_again(call, before)  # The answer to a write from before: it came late.
        assert not role.calls._claiming


async def test_a_normal_end_is_no_loss(store: Store, redis_url: str) -> None:
    """A write that meets the end is refused like one of a lost call: nobody is warned of it."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        role.calls._on_fenced(call, held(role, call).owner, Refusal(Answer.FENCED, ENDED, 1))

        assert role.live_calls() == 0
        assert (role.counters.calls_lost, role.counters.calls_ended) == (0, 1)
        assert process.ownership.losses["fenced"] == 0
