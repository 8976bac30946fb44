"""A whole call through the public interface; cleanup; many calls at once."""

from __future__ import annotations

import asyncio

import pytest

from simulators.twilio import (
    FAST,
    CallPlan,
    HangUp,
    InterruptAfter,
    Knobs,
    Pause,
    PlanFailed,
    Speak,
    TwilioSimulator,
    WaitForEnd,
    WaitForSilence,
    WaitForSpeech,
    measures,
)
from simulators.twilio.simulator import asking_for, parse_address
from tests.simulators.twilio.calls import VOICE, call, greet, simulator
from tests.simulators.twilio.reference_bridge import (
    SECOND,
    BridgeSocket,
    listen,
    reference_bridge,
)
from tests.support.waiting import wait_until


async def test_a_call_goes_through_and_both_sides_are_heard() -> None:
    """The caller hears the greeting whole, speaks, hangs up; Twilio has nothing to log."""
    record, bridge = await call(WaitForSpeech(), WaitForSilence(100), Speak(VOICE), HangUp())

    assert record.heard_bytes == SECOND[:4000]
    assert record.end_reason == "caller_hung_up"
    assert record.codes == []
    [socket] = bridge.sockets
    assert [m["event"] for m in socket.messages[:2]] == ["connected", "start"]
    assert socket.messages[-1]["event"] == "stop"
    times = [
        record.webhooks[0].asked_at_ms,
        record.answered_at_ms,
        record.streams[0].open_at_ms,
        record.streams[0].first_media_at_ms,
        record.utterances[0].started_at_ms,
        record.ended_at_ms,
    ]
    assert times == sorted(times, key=lambda at_ms: at_ms or 0.0)


async def test_a_barge_in_is_measured_from_voice_to_silence() -> None:
    """The bridge clears when it hears the caller."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("start")
        socket.play(SECOND * 5)
        silent = socket.messages.__len__()
        while True:
            await socket.until("media", len(socket.of("media")) + 1)
            new = socket.messages[silent:]
            if any("/" * 20 not in m["media"]["payload"] for m in new if m["event"] == "media"):
                socket.clear()
                return

    record, _ = await call(InterruptAfter(300, VOICE), WaitForSilence(100), talk=talk)

    [barge_in] = measures.barge_ins(record)
    assert barge_in.clear_after_ms is not None
    assert 0 < barge_in.silent_after_ms < 3000
    assert barge_in.dropped_ms > 1000
    assert measures.stale_after_clear_ms(record) == 0


async def test_a_step_that_does_not_come_true_raises_with_the_record() -> None:
    """The message says what was expected and what came; the call was hung up in order."""
    async with reference_bridge(listen) as bridge, simulator(bridge) as twilio:
        with pytest.raises(PlanFailed, match="expected the bridge to begin to speak") as raised:
            await twilio.call(CallPlan([WaitForSpeech(limit_ms=200)]), Knobs(pace=FAST))

        assert raised.value.record.end_reason == "caller_hung_up"


async def test_a_live_call_can_be_watched_and_hung_up_from_outside() -> None:
    """A test that kills processes needs a hand on the call."""
    async with reference_bridge(greet) as bridge, simulator(bridge) as twilio:
        live = twilio.start_call(CallPlan([WaitForEnd()]), Knobs(pace=FAST))
        await wait_until(lambda: bool(live.record.playbacks), "the bridge speaks")
        assert live.call_sid == live.record.call_sid
        live.hang_up()

        record = await live.finished()

        assert record.end_reason == "caller_hung_up"
        assert twilio.live_calls == 0


async def test_leaving_the_block_ends_calls_and_leaves_no_task_behind() -> None:
    """Cleanup is the context manager's."""
    before = asyncio.all_tasks()
    async with reference_bridge(greet) as bridge:
        async with simulator(bridge) as twilio:
            live = twilio.start_call(CallPlan([Pause(60_000)]), Knobs(pace=FAST))
            await wait_until(lambda: bool(live.record.playbacks), "the bridge speaks")
        await bridge.idle()

        assert live.task.done()
        assert live.record.streams[0].end == "simulator_closed"
    assert asyncio.all_tasks() == before


async def test_many_calls_at_once_are_kept_apart() -> None:
    """Each hears its own audio, whole."""

    async def talk(socket: BridgeSocket) -> None:
        [start] = await socket.until("start")
        socket.play(start["start"]["callSid"].encode() * 20)

    async with reference_bridge(talk) as bridge, simulator(bridge) as twilio:
        plan = CallPlan([WaitForSpeech(), WaitForSilence(100)])
        records = await asyncio.gather(*(twilio.call(plan, Knobs(pace=FAST)) for _ in range(12)))

        assert len({record.call_sid for record in records}) == 12
        for record in records:
            assert record.heard_bytes == record.call_sid.encode() * 20


async def test_calls_differ_and_the_same_seed_gives_the_same_clock() -> None:
    """Seeded wobble."""
    stamps = []
    for seed in (1, 1, 2):
        _, bridge = await call(Pause(500), talk=listen, knobs={"seed": seed})
        media = bridge.sockets[0].of("media")[:12]
        stamps.append([m["media"]["timestamp"] for m in media])

    assert stamps[0] == stamps[1]
    assert stamps[0] != stamps[2]


def test_wrong_addresses_are_named() -> None:
    """Before anything is dialled."""
    assert parse_address("127.0.0.1:80") == ("127.0.0.1", 80)
    assert parse_address("[::1]:80") == ("::1", 80)
    with pytest.raises(ValueError, match="expected host:port, got 'x'"):
        parse_address("x")
    with pytest.raises(ValueError, match="expected an http"):
        TwilioSimulator(voice_url="ftp://x", auth_token="t")


def test_an_agent_is_asked_for_in_the_webhooks_address() -> None:
    """Beside what stands there already; what is behind # stays behind it."""
    assert asking_for("https://b.example.com/voice", "") == "https://b.example.com/voice"
    assert (
        asking_for("https://b.example.com/voice#rc=2", "sales")
        == "https://b.example.com/voice?agent=sales#rc=2"
    )
    assert asking_for("https://b.example.com/voice?x=1", "a b&c") == (
        "https://b.example.com/voice?x=1&agent=a%20b%26c"
    )
