"""Whole calls by the Twilio simulator through a running ingress; egress is played by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ingress.calls import ending
from ingress.media.gate import CloseCode
from shared.contract.card import Next
from shared.contract.streams.pairs import Name
from simulators.twilio.caller.plan import CallPlan, HangUp, Pause, WaitForSpeech, WaitUntil
from simulators.twilio.simulator import LiveCall, TwilioSimulator
from tests.conftest import keys_without_ttl
from tests.ingress.harness import ACCOUNT, AUTH_TOKEN, PUBLIC_URL, Ingress
from tests.support.waiting import wait_until

LOUD = bytes([0x80, 0x00] * 80)


@pytest.fixture
async def twilio(bridge: Ingress) -> AsyncIterator[TwilioSimulator]:
    """A Twilio whose number points at the bridge."""
    async with TwilioSimulator(
        voice_url=f"{PUBLIC_URL}/voice",
        auth_token=AUTH_TOKEN,
        account_sid=ACCOUNT,
        dial=f"127.0.0.1:{bridge.port}",
    ) as simulator:
        yield simulator


async def speak(bridge: Ingress, call: LiveCall, *, leg: int, first: int, frames: int) -> None:
    """What an egress would send: frames, then a mark."""
    names = [Name("frame", call.call_sid, leg, 1, 0, first + index) for index in range(frames)]
    mark = Name("mark", call.call_sid, leg, 1, 0, first + frames - 1)
    await bridge.out(*[(name.encode(), LOUD) for name in names], (mark.encode(), f"{leg}.0.i.1".encode()))


async def test_call_and_hang_up(bridge: Ingress, twilio: TwilioSimulator, valkey_url: str) -> None:
    """Audio both ways, marks echoed, nothing that Twilio would warn of, and the call ends."""
    counters = bridge.role.switchboard.counters
    call = twilio.start_call(CallPlan([WaitForSpeech(), Pause(900), HangUp()]))
    await wait_until(lambda: counters.attached == 1, "the call is attached")
    await speak(bridge, call, leg=1, first=1, frames=25)
    record = await call.finished()
    assert record.violations == []
    assert record.media_messages == 25
    assert [mark.name for mark in record.marks] == ["1.0.i.1"]
    await wait_until(lambda: counters.ended == 1, "the call has ended")
    assert counters.echoes == 1
    assert counters.caller_frames > 0
    assert keys_without_ttl(valkey_url) == []


async def test_moved_call_goes_on(bridge: Ingress, twilio: TwilioSimulator) -> None:
    """A socket that we close comes back by /voice/resume: the same call, the next leg, a new token."""
    counters = bridge.role.switchboard.counters
    plan = [WaitForSpeech(), WaitUntil(lambda: counters.resumed == 1, "a new leg"), WaitForSpeech(), HangUp()]
    call = twilio.start_call(CallPlan(plan))
    await wait_until(lambda: counters.attached == 1, "the call is attached")
    await speak(bridge, call, leg=1, first=1, frames=10)
    await wait_until(lambda: counters.echoes == 1, "the first words are heard")
    bridge.role.switchboard.close_all(CloseCode.GOING_AWAY, "moving")
    await wait_until(lambda: counters.resumed == 1, "the call is back")
    await speak(bridge, call, leg=1, first=11, frames=5)
    await speak(bridge, call, leg=2, first=11, frames=10)
    record = await call.finished()
    assert [stream.close_code for stream in record.streams][:1] == [1001]
    assert [len(stream.received_at_ms) for stream in record.streams] == [10, 10]
    assert record.violations == []
    assert counters.out_drops["old_leg"] >= 5


async def test_who_took_a_transferred_call_keeps_it(
    bridge: Ingress, twilio: TwilioSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialled number rings no longer, and the caller does not come back: our part is over."""
    monkeypatch.setitem(ending.AFTER, Next.DIAL, ending.EndLater(0.3, "transferred"))
    counters = bridge.role.switchboard.counters
    call = twilio.start_call(CallPlan([WaitForSpeech(), Pause(3_000), HangUp()], stop_at_failure=False))
    await wait_until(lambda: counters.attached == 1, "the call is attached")
    card = bridge.process.keys.card(call.call_sid)
    await bridge.store.hset(card, mapping={"next": "dial", "next_arg": "+15550003333"})  # type: ignore[misc]
    bridge.role.switchboard.close_all(CloseCode.NORMAL, "move")

    async def outcome() -> bool:
        return await bridge.store.hget(card, "outcome") == b"transferred"  # type: ignore[misc]

    await wait_until(outcome, "the call is transferred")
    await call.finished()
