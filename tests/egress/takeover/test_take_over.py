"""Live calls change hands on a real server: by a death, by a drain, by a Redis that has lost them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from egress.calls import calls as calls_module
from egress.calls.call import EgressCall
from egress.pacing.pacer import AHEAD_MS, LEAD_MS
from egress.role import EgressRole
from shared.audio import FRAME_MS
from shared.clock import now_ms
from shared.contract.entry import NOTHING
from shared.contract.steps import Held, Restored, restore
from shared.contract.streams.control import Audible, Flushed, Heard, Silent
from shared.contract.streams.doorbell import Why, ring_command
from shared.contract.streams.pairs import OutKind
from shared.contract.streams.reply import ReplyKind
from shared.ownership import steps
from shared.ownership.liveness import How
from shared.process.beat import keep_own_keys
from shared.process.role import Process
from shared.store.client import Store
from tests.egress.stage import frames_of, speech
from tests.egress.world import (
    BRAIN,
    INGRESS,
    KEYS,
    SECOND,
    World,
    a_stream,
    egress,
    held,
    kill,
    owns,
    sees,
    world,
)
from tests.support.waiting import running, wait_until

PIDFD_MS = 60.0
"""The kernel tells of an exit within 20 to 60 ms on a busy machine."""

Worker = tuple[Process, EgressRole]


LATE_FACTOR = 10
"""So many steps in a row may each be late by what the slowest turn of the loop took."""

slowest_ms = 0.0


@pytest.fixture(autouse=True)
async def watched() -> AsyncIterator[None]:
    """How late the loop of the test itself runs: all processes live in it."""
    global slowest_ms
    slowest_ms = 0.0

    async def watch() -> None:
        global slowest_ms
        while True:
            at_ms = now_ms()
            await asyncio.sleep(0.005)
            slowest_ms = max(slowest_ms, now_ms() - at_ms - 5.0)

    async with running(watch()):
        yield


def slack_ms() -> float:
    """What bounds in time are widened by: nothing on a machine that is not overloaded."""
    return LATE_FACTOR * slowest_ms if slowest_ms > 25.0 else 0.0


@asynccontextmanager
async def heirs(here: World) -> AsyncIterator[tuple[str, Worker, Worker]]:
    """A call on one egress, and another that came later and knows the first."""
    async with egress(here, 0) as first:
        call = await here.served(first[1])
        async with egress(here, 1) as second:
            await sees(second[0], first[0])
            await sees(first[0], second[0])
            yield call, first, second


async def dies(process: Process, role: EgressRole) -> None:
    """As by kill -9: not a word more."""
    role.calls.metronome.stop()
    await kill(process)


async def test_a_death_in_mid_answer_is_not_heard(store: Store, redis_url: str) -> None:
    """From the kernel's word to the next frame at ingress less passes than the lead covers: no frame comes
    twice, none is left out, the telephone never runs dry, and the brain is told of the rest as if by one."""
    audio = speech(4 * SECOND)
    async with world(store, redis_url) as here, heirs(here) as (call, (process, role), (heir, sibling)):
        await here.play(call, audio, frames=60)
        await dies(process, role)

        await heir.neighbours.on_dead(process.name, How.EXITED)
        await wait_until(lambda: here.silent(call), "the reply was heard")

        times = [at_ms for at_ms, _ in here.ingress.given[call][50:]]
        gap_ms = max(later_ms - at_ms for at_ms, later_ms in pairwise(times))
        print(f"from the last frame of the dead to the first of its heir: {gap_ms:.0f} ms")
        assert here.ingress.heard(call) == frames_of(audio)
        assert gap_ms < LEAD_MS - FRAME_MS - PIDFD_MS + slack_ms()
        assert here.ingress.ran_dry_ms(call) <= slack_ms()
        assert [kind for kind in await here.kinds(call) if kind is not Heard] == [Audible, Silent]
        assert owns(sibling)()


async def test_ten_calls_of_one_that_died_are_all_in_time(store: Store, redis_url: str) -> None:
    """They are claimed one after another: the last one's caller hears nothing of it either."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here, 0) as (process, role):
        calls = [await here.call(number) for number in range(1, 11)]
        await wait_until(owns(role, 10), "egress has them all")
        async with egress(here, 1) as (heir, sibling):
            await sees(heir, process)
            for call in calls:
                here.say(call, audio)
            await wait_until(lambda: all(len(here.ingress.frames(call)) > 40 for call in calls), "they play")
            await dies(process, role)

            await heir.neighbours.on_dead(process.name, How.EXITED)
            await wait_until(owns(sibling, 10), "the sibling has them all")
            for call in calls:
                await wait_until(lambda call=call: here.silent(call), "the reply was heard")

        dry_ms = [here.ingress.ran_dry_ms(call) for call in calls]
        print(f"dry, of ten calls: {[round(ms) for ms in dry_ms]} ms")
        for call in calls:
            assert here.ingress.heard(call) == frames_of(audio)
        assert max(dry_ms) <= slack_ms()


async def test_a_barge_in_right_after_a_death_tells_what_was_heard(store: Store, redis_url: str) -> None:
    """The flush stands in the reply before there is an heir: it reports what the dead one has sent too."""
    async with world(store, redis_url) as here, heirs(here) as (call, (process, role), (heir, _)):
        await here.play(call, speech(6 * SECOND), frames=100)
        await dies(process, role)
        here.write(call, ReplyKind.FLUSH, 1, "item_a", 0, b"")

        await heir.neighbours.on_dead(process.name, How.EXITED)
        await wait_until(lambda: _was_flushed(here, call), "the brain is told")

        (flushed,) = [told for told in await here.told(call) if isinstance(told, Flushed)]
        (item,) = flushed.read_items()
        sent_ms = len(here.ingress.heard(call)) * FRAME_MS
        assert item.sent_ms == sent_ms
        assert sent_ms - LEAD_MS - AHEAD_MS - 2 * FRAME_MS - slack_ms() <= item.heard_ms <= sent_ms
        await wait_until(lambda: len(here.ingress.at(call, OutKind.CLEAR)) == 1, "Twilio is told")


async def _was_flushed(here: World, call: str) -> bool:
    return Flushed in await here.kinds(call)


async def test_a_drain_gives_a_call_away_in_mid_word(store: Store, redis_url: str) -> None:
    """At the next frame, at once: nothing is heard of it."""
    audio = speech(4 * SECOND)
    async with world(store, redis_url) as here, heirs(here) as (call, (process, role), (_, sibling)):
        await here.play(call, audio, frames=30)

        process.draining = True
        await role.drain()
        await wait_until(owns(sibling), "the sibling has the call")
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert here.ingress.heard(call) == frames_of(audio)
        assert here.ingress.ran_dry_ms(call) <= slack_ms()
        assert role.counters.calls_released == 1


async def test_a_drain_without_a_sibling_leaves_calls_to_whoever_comes(store: Store, redis_url: str) -> None:
    """It waits a moment for one; then they are offered to all."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)

        process.draining = True
        await role.drain()
        assert await process.outbox.flushed(5)

        assert (await here.owners(call)).egress == ""
        assert await store.xlen(KEYS.orphans(0)) == 1


async def test_an_operators_ring_gives_calls_to_siblings(store: Store, redis_url: str) -> None:
    """Without a signal, and without an end of the process; nobody is given back to nobody."""
    audio = speech(4 * SECOND)
    async with world(store, redis_url) as here, heirs(here) as (call, (process, role), (_, sibling)):
        await here.play(call, audio, frames=30)
        here.outbox.send(ring_command(KEYS, 0, process.name, "", Why.DRAIN))
        await wait_until(owns(sibling), "the sibling has the call")
        await wait_until(lambda: here.silent(call), "the reply was heard")
        assert here.ingress.heard(call) == frames_of(audio)
        assert role.live_calls() == 0


async def test_calls_go_on_here_while_all_siblings_are_full(store: Store, redis_url: str) -> None:
    """An orphan that nobody could take would be silent."""
    async with world(store, redis_url) as here, heirs(here) as (call, (process, role), (heir, _)):
        heir.capacity = -100
        await wait_until(lambda: _is_full(here, heir), "its beat says so")
        process.draining = True
        drain = process.spawn(role.drain(), "drain")

        await here.play(call, speech(SECOND // 2), frames=20)
        await wait_until(lambda: here.silent(call), "the reply was heard")
        assert owns(role)()
        assert not drain.done()
        drain.cancel()


async def _is_full(here: World, process: Process) -> bool:
    return await here.store.hget(KEYS.worker(process.name), "capacity") == b"-100"


async def forget_all(here: World, process: Process, role: EgressRole) -> None:
    """Redis comes back empty; those who live make their streams again."""
    await here.store.redis.flushall()
    await keep_own_keys(process, role.own_streams)
    for key in (KEYS.out(INGRESS), KEYS.wake(0, BRAIN)):
        await here.store.xadd(key, NOTHING, maxlen=0, approximate=False)


async def test_an_empty_redis_does_not_break_a_reply_off(store: Store, redis_url: str) -> None:
    """What egress has in memory is heard to its end; what was refused meanwhile is told."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        await here.play(call, audio, frames=50)
        first = held(role, call)
        epoch = first.owner.epoch

        await forget_all(here, process, role)
        await wait_until(lambda: first.absent_since_ms is not None, "egress knows that there is no card")
        restored = Restored(
            stream=a_stream(call), leg=1, brain=Held(BRAIN, 1, 1), egress=Held(process.name, epoch, 1), cut=0,
            last_frame=here.ingress.forwarded[call], started_at_ms=1, resumes=0,
        )  # fmt: skip
        await steps.run(store, restore(KEYS, restored, wall_ms=1))
        await wait_until(lambda: first.owner.epoch > epoch, "it has claimed again")
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert held(role, call) is first
        # What stood unread in `out` is lost, at that place; nothing else is.
        heard, said = here.ingress.heard(call), frames_of(audio)
        lost = [index for index, frame in enumerate(said) if frame not in heard]
        assert heard == [frame for frame in said if frame in heard]
        assert lost == list(range(lost[0], lost[-1] + 1)) if lost else True
        assert len(lost) <= LEAD_MS // FRAME_MS
        assert len(said) - 1 not in lost
        assert first.delivery.counters.frames_skipped == 0
        assert role.counters.calls_lost == 0


async def test_a_call_whose_card_does_not_come_back_is_let_go_of(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ingress is gone too."""
    monkeypatch.setattr(calls_module, "ABSENT_MS", 1_500.0)
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        await here.play(call, speech(SECOND), frames=10)

        await forget_all(here, process, role)
        await wait_until(owns(role, 0), "the call is let go of")

        assert role.counters.calls_lost == 1
        assert process.ownership.losses["absent"] == 1


async def test_what_was_refused_is_told_under_the_new_epoch(store: Store, redis_url: str) -> None:
    """A failover has lost the claim just when the reply ends: the brain hears of its end all the same."""
    audio = speech(SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, audio, frames=20)
        first = held(role, call)
        epoch = first.owner.epoch

        await store.hset(
            KEYS.card(call), mapping={"egress": "", "egress_epoch": str(epoch - 50), "egress_claims": "0"}
        )
        await wait_until(_claimed_above(first, epoch), "it has claimed again")
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert held(role, call) is first
        assert await here.kinds(call) == [Audible, Heard, Silent]
        assert here.ingress.heard(call) == frames_of(audio)
        assert here.ingress.ran_dry_ms(call) <= slack_ms()


def _claimed_above(call: EgressCall, epoch: int) -> Callable[[], bool]:
    return lambda: call.owner.epoch > epoch


async def test_an_owner_whom_another_followed_begins_again_from_the_card(
    store: Store, redis_url: str
) -> None:
    """What it remembers is older than what the other one did."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, speech(3 * SECOND), frames=20)
        first = held(role, call)

        await store.hset(
            KEYS.card(call), mapping={"egress": "", "egress_epoch": str(first.owner.epoch - 50),
                                      "egress_claims": "7"},
        )  # fmt: skip
        await wait_until(lambda: role.calls.find(call) not in (None, first), "it has claimed again")

        await wait_until(lambda: here.silent(call), "the reply was heard")
        assert first.is_over
        assert here.ingress.heard(call) == frames_of(speech(3 * SECOND))
