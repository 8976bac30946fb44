"""What Twilio would not send, and others might: that call ends or goes on, no other is disturbed.

All cases of a kind run at once, beside healthy calls that must not notice.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from simulators.twilio import CallRecord, HangUp, Pause, PlanFailed, WaitForSilence, WaitForSpeech
from simulators.twilio import knobs as faults
from simulators.twilio.media.messages import MediaFormat
from tests.e2e.conftest import QUICK, Bridge, plan

pytestmark = pytest.mark.timeout(60)

HEALTHY = 3

Cases = dict[str, dict[str, Any]]

REFUSED: Cases = {
    "no signature": {"signature": "absent", "faults_on_stream": 0},
    "wrong signature": {"signature": "wrong", "faults_on_stream": 0},
    "signature over https": {"signature": "https", "faults_on_stream": 0},
}

CLOSED: Cases = {
    "no start": {"send_start": False},
    "wrong token": {"parameters": {"token": "forged"}},
    "no token": {"drop_parameters": ("token",)},
    "wrong format": {"media_format": MediaFormat(encoding="audio/x-l16", sampleRate=16000, channels=1)},
    "second start": {"second_start": True},
    "binary": {"injections": (faults.binary_frame(200),)},
    "over 64 KiB": {"injections": (faults.oversize_frame(200),)},
    "not JSON": {"injections": (faults.not_json(200, 60),)},
    "unknown events": {"injections": (faults.unknown_event(200, 60),)},
    "wrong stream": {"injections": (faults.wrong_stream_sid(200, 60),)},
    "empty payloads": {"injections": (faults.empty_payload(200, 60),)},
    "no base64": {"injections": (faults.not_base64(200, 60),)},
}
CLOSE_CODES = {"binary": 1003, "over 64 KiB": 1009}
"""All others: 1008."""

HARMLESS: Cases = {
    "signature with a slash": {"signature": "slash"},
    "no mediaFormat": {"media_format": None},
    "no chunk": {"omit_media_keys": frozenset({"chunk"})},
    "no timestamp": {"omit_media_keys": frozenset({"timestamp"})},
    "marks never return": {"echo_marks": False},
    "marks return twice": {"duplicate_marks": True},
    "a few bad messages": {"injections": (faults.not_json(200, 20),)},
    "media before start": {"media_before_start": 10},
    "webhook twice": {"repeat_webhook": "at_once"},
}


async def run(bridge: Bridge, cases: Cases) -> tuple[dict[str, CallRecord], list[CallRecord]]:
    """(the bad calls by case, the healthy ones beside them)."""
    async with bridge.realtime(), bridge.twilio() as twilio:

        async def bad(knobs: dict[str, Any]) -> CallRecord:
            try:
                steps = plan(WaitForSpeech(4500), Pause(1500), HangUp())
                return await twilio.call(steps, replace(QUICK, **knobs))
            except PlanFailed as failed:
                return failed.record

        good = plan(WaitForSpeech(), WaitForSilence(300), HangUp())
        results = await asyncio.gather(
            *(bad(knobs) for knobs in cases.values()),
            *(twilio.call(good, QUICK) for _ in range(HEALTHY)),
        )
        healthy = results[len(cases) :]
        for call in healthy:
            await bridge.until_ended(call.call_sid)
            assert call.failures == []
            assert call.violations == []
            assert len(call.playbacks) == 1, "a healthy call beside bad ones stumbled"
    return dict(zip(cases, results, strict=False)), healthy


async def test_a_handshake_without_a_good_signature(bridge: Bridge) -> None:
    """403 before the upgrade: Twilio logs 31920, and no key of a call is left."""
    calls, _ = await run(bridge, REFUSED)
    for case, call in calls.items():
        assert 31920 in call.codes, case
        assert not await bridge.card(call.call_sid), case


async def test_a_socket_is_closed_with_the_code_that_says_why(bridge: Bridge) -> None:
    """And the log names the reason."""
    calls, _ = await run(bridge, CLOSED)
    codes = {case: call.streams[0].close_code for case, call in calls.items()}
    assert codes == {case: CLOSE_CODES.get(case, 1008) for case in CLOSED}
    lines = bridge.logs().splitlines()
    for case in set(calls) - {"no start"}:  # Without a start nobody knows whose socket it was.
        own = [line for line in lines if calls[case].call_sid in line]
        told = [line for line in own if '"socket_closing"' in line or '"cause":"PayloadTooBig"' in line]
        assert told, f"no line says why the socket of {case!r} was closed"


async def test_oddities_do_no_harm(bridge: Bridge) -> None:
    """What is Twilio's right, or nobody's loss: the greeting is heard all the same."""
    calls, healthy = await run(bridge, HARMLESS)
    for case, call in calls.items():
        assert call.failures == [], case
        assert call.heard_bytes[:4000] == healthy[0].heard_bytes[:4000], case


async def test_no_traceback_was_logged(bridge: Bridge) -> None:
    """Whatever came in the tests before, nothing of it was an exception."""
    assert "Traceback" not in bridge.logs()
