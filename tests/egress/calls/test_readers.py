"""What others write to the process, on a real server: rings, reports, and what nobody rang for."""

from __future__ import annotations

from shared.clock import now_ms
from shared.contract.streams.doorbell import Why, ring_command
from shared.contract.streams.pairs import BackKind, Name, back_commands
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.figures.diagnosis import UNSENT_BYTES
from shared.store.client import Store
from tests.egress.stage import speech
from tests.egress.world import INGRESS, KEYS, egress, held, owns, sid, world
from tests.support.waiting import wait_until


async def test_a_spoilt_entry_does_no_harm(store: Store, redis_url: str) -> None:
    """Entries of another version in reply, doorbell and back are counted and passed over."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        here.write(call, ReplyKind.AUDIO, 0, "item_a", 0, speech(800))
        await here.outbox.flushed(5)

        await store.xadd(KEYS.reply(call), {"v": "9"})
        await store.xadd(KEYS.back(process.name), {"nonsense": "x"})
        await store.xadd(KEYS.wake(0, process.name), {"v": "9", "call": call})
        await wait_until(lambda: role.counters.unreadable == 3, "all three were counted")

        here.write(call, ReplyKind.ITEM_END, 0, "item_a", 800, b"")
        here.write(call, ReplyKind.RESPONSE_END, 0, "item_a", 0, b"")
        await wait_until(lambda: here.silent(call), "the reply was heard")
        assert len(here.ingress.frames(call)) == 5


async def test_a_reply_whose_ring_was_lost_is_found(store: Store, redis_url: str) -> None:
    """No doorbell: the sweep sees the entries within a second or so."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        process.inboxes[0].unwatch(KEYS.reply(call))

        entry = ReplyEntry(ReplyKind.AUDIO, 1, 0, "resp_a", "item_a", 0, now_ms(), speech(1600))
        here.pens[call].reply(entry, wake=False)

        await wait_until(lambda: len(here.ingress.frames(call)) == 10, "the reply was found and sent")


async def test_what_an_operator_types_is_read_though_nobody_rang(store: Store, redis_url: str) -> None:
    """The position moves on, so that it is not read again; it is the brain that answers."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)

        typed = await store.xadd(KEYS.control(call), {"kind": "say", "text": "hello"})

        assert typed is not None
        await wait_until(lambda: held(role, call).control.position == typed.decode(), "it was read")


async def test_a_worker_is_taken_out_by_its_doorbell(store: Store, redis_url: str) -> None:
    """Its calls go on; it asks for no more."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        await here.served(role)

        here.outbox.send(ring_command(KEYS, 0, process.name, "", Why.DRAIN))

        await wait_until(lambda: process.draining, "it drains")
        assert not role.calls.has_room()
        assert role.live_calls() == 1


async def test_an_ending_that_is_rung_ends_the_call_at_once(store: Store, redis_url: str) -> None:
    """Its control message says how; that is no matter of egress."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)

        here.outbox.send(ring_command(KEYS, 0, process.name, call, Why.ENDED))

        await wait_until(owns(role, 0), "the call is over")
        assert role.counters.calls_ended == 1


async def test_reports_on_calls_of_others_are_counted(store: Store, redis_url: str) -> None:
    """A call was just released or has ended; those behind it in the entry are read."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        pairs = [
            (Name(BackKind.FORWARDED, call_sid, 1, 1, 0, 0).encode(), b"%d" % UNSENT_BYTES)
            for call_sid in (sid(99), call)
        ]

        for command in back_commands(KEYS, process.name, INGRESS.encode(), now_ms(), pairs):
            here.outbox.send(command)

        await wait_until(lambda: held(role, call).delivery.unsent_bytes == UNSENT_BYTES, "it was read")
        assert role.counters.back_for_others == 1
