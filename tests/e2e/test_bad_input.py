"""What Twilio would not send, and others might: that call ends or goes on, no other is disturbed.

Each case runs beside a healthy call, which must not notice.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from simulators.twilio import CallRecord, HangUp, Pause, PlanFailed, WaitForSilence, WaitForSpeech
from simulators.twilio import knobs as faults
from simulators.twilio.messages import MediaFormat
from tests.e2e.conftest import QUICK, Bridge, plan

pytestmark = pytest.mark.timeout(60)


async def run(bridge: Bridge, **knobs: Any) -> tuple[CallRecord, CallRecord]:
    """(the bad call, a healthy one beside it)."""
    async with bridge.realtime(), bridge.twilio() as twilio:

        async def bad() -> CallRecord:
            try:
                steps = plan(WaitForSpeech(4500), Pause(1500), HangUp())
                return await twilio.call(steps, replace(QUICK, **knobs))
            except PlanFailed as failed:
                return failed.record

        healthy = plan(WaitForSpeech(), WaitForSilence(300), HangUp())
        first, second = await asyncio.gather(bad(), twilio.call(healthy, QUICK))
        await bridge.until_ended(second.call_sid)
    assert second.failures == []
    assert second.violations == []
    assert len(second.playbacks) == 1, "the healthy call beside it stumbled"
    return first, second


def close_codes(call: CallRecord) -> list[int | None]:
    return [stream.close_code for stream in call.streams]


@pytest.mark.parametrize("signature", ["missing", "wrong"])
async def test_a_handshake_without_a_good_signature(bridge: Bridge, signature: str) -> None:
    """403 before the upgrade: Twilio logs 31920, and no key is left."""
    call, _ = await run(bridge, signature=signature)
    assert 31920 in call.codes
    assert not await bridge.card(call.call_sid)


@pytest.mark.parametrize(
    ("what", "knobs", "code"),
    [
        ("no start", {"send_start": False}, 1008),
        ("wrong token", {"parameters": {"token": "forged"}}, 1008),
        ("no token", {"drop_parameters": ("token",)}, 1008),
        ("wrong format", {"media_format": MediaFormat("audio/x-l16", 16000, 1)}, 1008),
        ("second start", {"second_start": True}, 1008),
        ("binary", {"injections": (faults.binary_frame(200),)}, 1003),
        ("over 64 KiB", {"injections": (faults.oversize_frame(200),)}, 1009),
        ("not JSON", {"injections": (faults.not_json(200, 60),)}, 1008),
        ("unknown events", {"injections": (faults.unknown_event(200, 60),)}, 1008),
        ("wrong stream", {"injections": (faults.wrong_stream_sid(200, 60),)}, 1008),
        ("empty payloads", {"injections": (faults.empty_payload(200, 60),)}, 1008),
        ("no base64", {"injections": (faults.not_base64(200, 60),)}, 1008),
    ],
)
async def test_a_socket_is_closed(bridge: Bridge, what: str, knobs: dict[str, Any], code: int) -> None:
    """With the code that says why."""
    call, _ = await run(bridge, **knobs)
    assert close_codes(call)[0] == code, what


@pytest.mark.parametrize(
    ("what", "knobs"),
    [
        ("no mediaFormat", {"media_format": None}),
        ("no chunk", {"omit_media_keys": frozenset({"chunk"})}),
        ("no timestamp", {"omit_media_keys": frozenset({"timestamp"})}),
        ("marks never return", {"echo_marks": False}),
        ("marks return twice", {"duplicate_marks": True}),
        ("a few bad messages", {"injections": (faults.not_json(200, 20),)}),
        ("media before start", {"media_before_start": 10}),
        ("webhook twice", {"repeat_webhook": "at_once"}),
    ],
)
async def test_the_call_works(bridge: Bridge, what: str, knobs: dict[str, Any]) -> None:
    """Oddities that are Twilio's right, or harmless: the greeting is heard whole."""
    call, healthy = await run(bridge, **knobs)
    assert call.failures == [], what
    assert call.heard_bytes[:4000] == healthy.heard_bytes[:4000]
