"""What ingress tells the card by itself, and what it does when the card says no."""

from __future__ import annotations

import asyncio

from shared.audio import FRAME_MS
from shared.clock import wall_ms
from shared.contract.claiming import OWN_NUMBERS
from shared.contract.record import CONTRACT
from shared.contract.streams.caller import read_caller
from shared.contract.streams.control import Dtmf, read_message
from shared.contract.window import IngressWindow, load
from shared.ownership import steps
from tests.conftest import keys_without_ttl
from tests.ingress.harness import Ingress, call_sid, frame
from tests.support.waiting import wait_until


async def test_figures_stand_on_the_card(bridge: Ingress) -> None:
    """Every three seconds: frames, unsent bytes, and the window that egress judges."""
    caller = await bridge.live()
    await caller.media()

    async def has_figures() -> bool:
        return (await bridge.card()).get("n_caller_frames") == "1"

    await wait_until(has_figures, "the figures are written")
    card = await bridge.card()
    assert {"n_forwarded", "unsent_bytes"} <= set(card)
    window = load(IngressWindow, card["w_ingress"])
    assert (window.worker, window.v) == (bridge.process.name, CONTRACT)
    assert (window.unsent_bytes, window.overflowed) == (int(card["unsent_bytes"]), 0)


async def test_ended_call_loses_its_socket_and_empty_redis_gets_its_card_back(
    bridge: Ingress, valkey_url: str
) -> None:
    """The figures' answer says that a call has ended elsewhere, or that Redis forgot it."""
    ended, kept = await bridge.live(1), await bridge.live(2)
    await bridge.out(frame(2, 1, epoch=3), frame(2, 2, epoch=3, cut=2))
    await kept.receive(2)
    await steps.end(bridge.process.store, bridge.process.keys, call_sid(1), outcome="operator", by="test")
    assert await ended.closed() == (1000, "call ended or moved")
    await bridge.store.flushall()
    await wait_until(lambda: bridge.is_in_state("attached", 2), "the card is there again")
    card = await bridge.card(2)
    assert (card["leg"], card["cut"], card["frame_n"]) == ("1", "2", "2")
    assert (card["egress_epoch"], card["egress_claims"], card["brain_claims"]) == ("3", "1", "0")
    assert (card["brain"], card["egress"]) == ("", "")
    assert await bridge.store.xlen(bridge.process.keys.orphans(0)) == 2
    await kept.media()
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 1, "audio flows")
    assert keys_without_ttl(valkey_url) == []


async def test_a_call_that_redis_lost_keeps_its_owners_and_its_age(bridge: Ingress, valkey_url: str) -> None:
    """What its figures were answered last: written again at once, for owners that are rung."""
    process, sid = bridge.process, call_sid()
    epochs: list[int] = []
    await bridge.live()
    for role, worker in (("brain", "brain-0@h#1"), ("egress", "egress-0@h#1")):
        epochs.append((await steps.claim(process.store, process.keys, sid, role=role, worker=worker)).epoch)
    await process.store.hset(process.keys.card(sid), mapping={"started_at_ms": "5"})
    await wait_until(lambda: _has_figures(bridge), "the figures are written")
    await bridge.store.flushall()
    process.emptied += 1
    await wait_until(lambda: bridge.is_in_state("attached"), "the card is there again", timeout_s=1.5)

    card = await bridge.card()
    assert (card["brain"], card["brain_epoch"]) == ("brain-0@h#1", str(epochs[0]))
    assert (card["egress"], card["egress_epoch"]) == ("egress-0@h#1", str(epochs[1]))
    assert (card["started_at_ms"], card["resumes"], card["brain_attempts"]) == ("5", "0", "1")
    assert await bridge.store.xlen(process.keys.orphans(0)) == 0
    assert await bridge.store.xlen(process.keys.wake(0, "brain-0@h#1")) == 1
    assert keys_without_ttl(valkey_url) == []


async def test_what_a_caller_says_while_redis_has_lost_the_call_is_said_afterwards(bridge: Ingress) -> None:
    """Every frame and every key, once, in their order: also those that come while the card is written."""
    process, sid = bridge.process, call_sid()
    caller = await bridge.live()
    await wait_until(lambda: _has_figures(bridge), "the figures are written")
    await bridge.store.flushall()
    for _ in range(10):
        await caller.media()
    await caller.event("dtmf", track="inbound_track", digit="7")
    counters = bridge.role.switchboard.counters
    await wait_until(lambda: counters.caller_frames == 10, "they are sent")
    assert await bridge.store.exists(process.keys.caller(sid)) == 0
    process.emptied += 1
    async with asyncio.timeout(10):
        while not await bridge.is_in_state("attached"):
            await caller.media()
            await asyncio.sleep(FRAME_MS / 1000)  # The pace of who speaks.
    for _ in range(10):
        await caller.media()

    async def is_there() -> bool:
        return await bridge.store.xlen(process.keys.caller(sid)) >= caller.chunk

    await wait_until(is_there, "all is there")
    await wait_until(lambda: process.outbox.flushed(1), "nothing more is to be written")
    frames = [
        read_caller([word for pair in fields.items() for word in pair])
        for _, fields in await bridge.store.xrange(process.keys.caller(sid))
    ]
    assert [frame.chunk for frame in frames] == list(range(1, caller.chunk + 1))
    letters = [read_message(*entry).message for entry in await bridge.store.xrange(process.keys.control(sid))]
    assert letters == [Dtmf(digit="7", leg=1)]
    assert counters.unheard >= 11


async def test_an_owner_who_came_after_the_last_figures_is_not_overruled(bridge: Ingress) -> None:
    """A higher epoch was seen since: who has the role is not known, and the call is dispatched."""
    process, sid = bridge.process, call_sid()
    caller = await bridge.live()
    for role, worker in (("brain", "brain-0@h#1"), ("egress", "egress-0@h#1")):
        await steps.claim(process.store, process.keys, sid, role=role, worker=worker)
    higher = (wall_ms() + 60_000) * OWN_NUMBERS
    await wait_until(lambda: _has_figures(bridge), "the figures are written")
    await bridge.out(frame(0, 1, epoch=higher))
    await caller.receive()
    await bridge.store.flushall()
    process.emptied += 1
    await wait_until(lambda: bridge.is_in_state("attached"), "the card is there again")

    card = await bridge.card()
    assert (card["brain"], card["egress"], card["egress_epoch"]) == ("brain-0@h#1", "", str(higher))
    assert await bridge.store.xlen(process.keys.orphans(0)) == 1


async def _has_figures(bridge: Ingress) -> bool:
    return "w_ingress" in await bridge.card()
