"""Whole conversations through real processes, judged by what both ends saw.

The caller hears every reply to the byte, nothing stale, nothing of another call; whatever moment they
choose to interrupt or to leave.
"""

from __future__ import annotations

import asyncio

import pytest

from simulators.comparison import interrupted_items, item_audio, session_of
from simulators.realtime import Knobs, ResponseKnobs, SessionRecord
from simulators.twilio import (
    CallRecord,
    HangUp,
    InterruptAfter,
    Pause,
    Speak,
    Step,
    WaitForSilence,
    WaitForSpeech,
    WaitUntil,
)
from tests.e2e.conftest import QUICK, Bridge, clip, plan
from tests.e2e.promises import (
    assert_nothing_stale,
    assert_protocol_kept,
    assert_whole_items_heard,
    created_events,
    heard_items,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

GREETED: tuple[Step, ...] = (WaitForSpeech(), WaitForSilence(300))


async def test_a_plain_call(bridge: Bridge) -> None:
    """Greeting, a question, a function call and its answer, hang-up: all heard whole, once."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        steps = (*GREETED, Speak(clip("en_caller_ask")), InterruptAfter(600, clip("en_caller_interrupt")))
        after = (WaitForSpeech(), WaitForSilence(900), HangUp())
        call = await twilio.call(plan(*steps, *after), QUICK)
        (session,) = model.sessions
        await wait_until(lambda: session.closed_at_ms is not None, "the session is closed")
        card = await bridge.until_ended(call.call_sid)
    assert_protocol_kept(call, session)
    assert_whole_items_heard(call, session)
    assert_nothing_stale(call, session)
    outputs = [e for e in session.received_of("conversation.item.create") if "call_id" in str(e)]
    assert len(outputs) == 1
    assert len(interrupted_items(session)) == 1
    assert card["outcome"]
    kinds = await bridge.kinds(call.call_sid)
    for kind in ("attached", "claimed", "session_ready", "response_create", "flush", "tool_started", "ended"):
        assert kind in kinds, f"{kind} is missing in the journal: {kinds}"


SPEEDS = {"generating": 1.1, "done but still playing": 20.0}
"""How fast the long reply is generated, so that the interruption meets it in that state."""


async def test_barge_in(bridge: Bridge) -> None:
    """The caller speaks into a reply: it is cut at once, and the model learns what was heard."""
    factors = list(SPEEDS.values())

    def knobs_for(number: int) -> Knobs:
        return Knobs(by_response={2: ResponseKnobs(speed_factor=factors[number - 1])})

    steps = (*GREETED, Speak(clip("en_caller_ask")), InterruptAfter(1500, clip("en_caller_interrupt")))
    whole = plan(*steps, WaitForSpeech(), Pause(500), HangUp())
    async with bridge.realtime(knobs_for=knobs_for) as model, bridge.twilio() as twilio:
        calls = await asyncio.gather(*(twilio.call(whole, QUICK) for _ in SPEEDS))
        for call in calls:
            await bridge.until_ended(call.call_sid)
    for call in calls:
        session = session_of(call, model.sessions)
        assert session is not None
        assert_protocol_kept(call, session)
        assert_nothing_stale(call, session)
        assert_barge_in(call, session, was_generating=session.number == 1)


def assert_barge_in(call: CallRecord, session: SessionRecord, *, was_generating: bool) -> None:
    """The long reply was cut, and truncated where the caller's ear was."""
    (truncation,) = session.truncations
    assert truncation.error == ""
    cut = next(stretch for stretch in call.playbacks if stretch.end == "cleared")
    heard_ms = cut.bytes / 8
    assert truncation.audio_end_ms <= heard_ms + 200, "the model believes that more was heard than was"
    assert truncation.audio_end_ms >= heard_ms - 600
    long_reply = session.responses[str(session.items[truncation.item_id].response_id)]
    assert long_reply.status == ("cancelled" if was_generating else "completed")
    # The server cancels by itself when the caller speaks, so our own cancel may find nothing to do.
    assert {error["code"] for error in session.errors} <= {"response_cancel_not_active"}


async def test_barge_in_while_requested(bridge: Bridge) -> None:
    """The caller speaks while an operator's words are asked for and not yet created: that response is
    cancelled at its birth and never heard; the words are said after the caller's turn was answered."""
    knobs = Knobs(by_response={2: ResponseKnobs(created_delay_ms=1500)})
    async with bridge.realtime(knobs) as model, bridge.twilio() as twilio:
        asked = WaitUntil(lambda: len(created_events(model.sessions[0])) == 2, "the words are asked for")
        spoken = WaitUntil(lambda: len(created_events(model.sessions[0])) == 3, "they are asked for again")
        steps = (*GREETED, asked, Speak(clip("en_caller_number")), spoken, Pause(3000), HangUp())
        live = twilio.start_call(plan(*steps), QUICK)
        await wait_until(lambda: len(live.record.playbacks) == 1, "the greeting plays")
        await wait_until(lambda: live.record.playbacks[0].end == "dry", "the greeting is over")
        await bridge.store.xadd(bridge.control(live.call_sid), {"kind": "say", "text": "We close at six."})
        call = await live.finished()
        (session,) = model.sessions
        await bridge.until_ended(call.call_sid)
    assert_protocol_kept(call, session)
    second, *later = list(session.responses.values())[1:]
    assert second.status == "cancelled"
    assert second.response_id not in {session.items[item].response_id for item in heard_items(call)}
    assert [response.status for response in later if response.metadata] == ["completed"]


async def test_two_calls_do_not_mix(bridge: Bridge) -> None:
    """Each model hears its own caller, each caller hears its own model."""
    async with bridge.realtime(keep_audio=True) as model, bridge.twilio() as twilio:

        async def one(name: str) -> CallRecord:
            steps = (*GREETED, Speak(clip(name)), WaitForSpeech(), Pause(1500), HangUp())
            return await twilio.call(plan(*steps), QUICK)

        english, hebrew = await asyncio.gather(one("en_caller_ask"), one("he_caller_ask"))
        for call in (english, hebrew):
            await bridge.until_ended(call.call_sid)
    sessions = model.sessions
    assert len(sessions) == 2
    for call, name in ((english, "en_caller_ask"), (hebrew, "he_caller_ask")):
        own = [session for session in sessions if clip(name).audio[:8000] in bytes(session.appended_audio)]
        assert len(own) == 1, f"{name} was heard by {len(own)} models"
        items = {mark.name.split(".")[2] for mark in call.marks}
        assert items <= set(own[0].items), "a caller was played items of another call"
        assert_protocol_kept(call, own[0])


@pytest.mark.timeout(120)
async def test_twenty_calls_at_once(bridge: Bridge) -> None:
    """Every caller is greeted and answered; nothing is lost, nothing is stale."""
    async with bridge.realtime(keep_audio=True) as model, bridge.twilio() as twilio:
        clips_ = [clip("en_caller_ask"), clip("en_caller_number")]
        calls = await asyncio.gather(
            *(
                twilio.call(
                    plan(
                        WaitForSpeech(),
                        WaitForSilence(400),
                        Speak(clips_[n % 2]),
                        WaitForSpeech(),
                        Pause(1000),
                        HangUp(),
                    ),
                    QUICK,
                )
                for n in range(20)
            )
        )
        for call in calls:
            await bridge.until_ended(call.call_sid)
    assert len(model.sessions) == 20
    for call in calls:
        session = session_of(call, model.sessions)
        assert session is not None
        assert_protocol_kept(call, session)
        greeting = next(iter(item_audio(session).values()))
        assert greeting in call.heard_bytes


STAGES: dict[str, tuple[Step, ...]] = {
    "greeting": (WaitForSpeech(),),
    "caller speaking": (*GREETED, Speak(clip("en_caller_ask"), wait=False), Pause(800)),
    "answer requested": (*GREETED, Speak(clip("en_caller_ask")), Pause(600)),
    "reply playing": (*GREETED, Speak(clip("en_caller_ask")), WaitForSpeech(), Pause(700)),
    "barge-in": (*GREETED, Speak(clip("en_caller_ask")), InterruptAfter(600, clip("en_caller_interrupt"))),
}


async def test_hang_up(bridge: Bridge) -> None:
    """Wherever the caller hangs up, the call ends once and leaves nothing behind."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        calls = await asyncio.gather(
            *(twilio.call(plan(*steps, HangUp()), QUICK) for steps in STAGES.values())
        )
        for stage, call in zip(STAGES, calls, strict=True):
            card = await bridge.until_ended(call.call_sid)
            assert card["outcome"] == "completed", stage
            assert call.violations == [], stage
        await wait_until(
            lambda: all(session.closed_at_ms is not None for session in model.sessions), "sessions are closed"
        )


async def test_hang_up_before_the_socket(bridge: Bridge) -> None:
    """The caller leaves while it rings: the reserved slot is free again."""
    async with bridge.twilio() as twilio:
        call = await twilio.call(plan(HangUp(), hang_up_after_ms=0), QUICK)
    assert call.end_reason == "caller_hung_up"


async def test_hang_up_before_the_session(bridge: Bridge) -> None:
    """The caller leaves while the session is being opened."""
    async with bridge.realtime(Knobs(updated_delay_ms=3000)) as model, bridge.twilio() as twilio:
        go_on = asyncio.Event()
        waiting = WaitUntil(go_on.is_set, "the brain has connected, and the call is attached")
        live = twilio.start_call(plan(waiting, HangUp()), QUICK)
        await wait_until(lambda: bool(model.sessions), "the brain has connected")  # While it still rang.

        async def is_attached() -> bool:
            return bool(await bridge.card(live.record.call_sid))

        await wait_until(is_attached, "the call is attached")
        go_on.set()
        call = await live.finished()
        await bridge.until_ended(call.call_sid)
        await wait_until(lambda: model.sessions[0].closed_at_ms is not None, "the session is closed")
