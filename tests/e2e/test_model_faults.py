"""When the model cannot be had: the caller hears an apology from Twilio, never dead air."""

from __future__ import annotations

import pytest

from simulators.realtime import Knobs
from simulators.twilio import CallRecord, WaitForEnd
from tests.e2e.conftest import QUICK, Bridge, plan

pytestmark = pytest.mark.timeout(60)

FAULTS = {
    "refused session.update": Knobs(refuse_updates=1),
    "wrong key": Knobs(connect_status=401),
    "quota": Knobs(account_error="insufficient_quota"),
    "quota at the first response": Knobs(account_error="insufficient_quota", account_error_at="response"),
    "unknown model": Knobs(connect_status=404),
}


def apologies(call: CallRecord) -> list[str]:
    return [verb.detail for verb in call.verbs if verb.name.lower() == "say"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_spoken_apology(bridge: Bridge, fault: str) -> None:
    """By way of /voice/resume, and then the call is over."""
    bridge.provoked.add("call_given_up")
    async with bridge.realtime(FAULTS[fault]), bridge.twilio() as twilio:
        call = await twilio.call(plan(WaitForEnd(20_000)), QUICK)
        await bridge.until_ended(call.call_sid)
    assert len(apologies(call)) == 1
    assert "sorry" in apologies(call)[0]
    assert call.end_reason == "bridge_hung_up", call.end_reason
    kinds = await bridge.kinds(call.call_sid)
    assert "error" in kinds, kinds


async def test_nobody_at_the_models_address(bridge: Bridge) -> None:
    """Connection refused: tried again for a bounded time, then the apology."""
    bridge.provoked.add("caller_heard_nothing")
    async with bridge.twilio() as twilio:
        call = await twilio.call(plan(WaitForEnd(30_000)), QUICK)
        await bridge.until_ended(call.call_sid)
    assert len(apologies(call)) == 1
