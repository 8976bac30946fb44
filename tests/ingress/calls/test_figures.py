"""What ingress tells the card by itself, and what it does when the card says no."""

from __future__ import annotations

from shared.contract.record import CONTRACT
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
    assert int(card["egress_epoch"]) > 3
    assert await bridge.store.xlen(bridge.process.keys.calls(0)) == 1
    await kept.media()
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 1, "audio flows")
    assert keys_without_ttl(valkey_url) == []
