"""The caller's first second: the session is opened while the carrier opens the stream, not after it.

Judged by what came before what: how long anything took is the machine's.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shared.contract.worker import ROLES
from simulators.realtime import Knobs, SessionRecord
from simulators.twilio import CallRecord, HangUp, Pause, WaitForSpeech
from simulators.twilio import Knobs as TwilioKnobs
from simulators.twilio.knobs import Pace
from tests.e2e.conftest import KEYS, QUICK, Bridge, own_stack, plan
from tests.support.servers import server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

OPENING_MS = 1_200.0
SLOW_MODEL = Knobs(opening_ms=OPENING_MS)
SLOW_CARRIER = TwilioKnobs(pace=Pace(answer_to_socket_ms=(600.0, 600.0)))


async def first_second(bridge: Bridge) -> tuple[CallRecord, SessionRecord, list[str]]:
    """A caller who waits for the greeting and hangs up; what the model saw; the kinds of the journal."""
    async with bridge.realtime(SLOW_MODEL) as model, bridge.twilio() as twilio:
        call = await twilio.call(plan(WaitForSpeech(), HangUp()), SLOW_CARRIER)
        (session,) = model.sessions
        await wait_until(lambda: session.closed_at_ms is not None, "the session is closed")
        await bridge.until_ended(call.call_sid)
    return call, session, await bridge.kinds(call.call_sid)


def heard_after_ms(call: CallRecord) -> float:
    """From the webhook to the first sound."""
    return call.playbacks[0].started_at_ms - call.webhooks[0].asked_at_ms


def asked_before_stream(call: CallRecord, session: SessionRecord) -> bool:
    """Whether the model was asked for the session before the stream began."""
    started_at_ms = call.streams[0].started_at_ms
    assert started_at_ms is not None
    return session.opened_at_ms - OPENING_MS < call.zero_ms + started_at_ms


async def test_the_session_is_opened_before_the_stream(bridge: Bridge, tmp_path: Path) -> None:
    """And not, where that is switched off: the caller waits for one after the other."""
    early, session, kinds = await first_second(bridge)
    assert asked_before_stream(early, session)
    assert kinds.index("attached") < kinds.index("session_early") < kinds.index("session_ready")

    one_each = dict.fromkeys(ROLES, 1)
    off = {"TRUNKLINE_EARLY_SESSIONS": "false"}
    with server(valkey_binary(), tmp_path) as url:
        async with own_stack("late", url, off, workers=one_each) as other:
            late, session, kinds = await first_second(other)
    assert not asked_before_stream(late, session)
    assert "session_early" not in kinds
    print(f"webhook to sound: {heard_after_ms(early):.0f} ms early, {heard_after_ms(late):.0f} ms late")
    assert heard_after_ms(early) < heard_after_ms(late)


async def test_a_call_that_gets_no_stream_leaves_no_session(bridge: Bridge) -> None:
    """Its caller hangs up before the carrier has opened one: the session is closed, unused."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        calling = asyncio.create_task(twilio.call(plan(Pause(100), HangUp()), SLOW_CARRIER))
        await wait_until(lambda: len(model.sessions) == 1, "a session is opened")
        call = await calling
        (session,) = model.sessions
        assert not call.streams
        assert await bridge.store.xlen(KEYS.ringing(0)) == 0
        await wait_until(lambda: session.closed_at_ms is not None, "the session is closed", timeout_s=15)
        assert session.received_of("response.create") == []


async def test_calls_that_come_at_once_have_one_session_each(bridge: Bridge) -> None:
    """Whoever expects a call serves it: none is opened twice, none is left open."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        await asyncio.gather(*(twilio.call(plan(WaitForSpeech(), HangUp()), QUICK) for _ in range(8)))
        await wait_until(
            lambda: all(session.closed_at_ms is not None for session in model.sessions),
            "all sessions are closed", timeout_s=15,
        )  # fmt: skip
        assert len(model.sessions) == 8
