"""Processes that come, go and are killed, under real calls and the real supervisord."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from shared.store.client import make_store
from simulators.realtime import RealtimeSimulator
from simulators.twilio import (
    HangUp,
    Pause,
    Speak,
    WaitForEnd,
    WaitForSilence,
    WaitForSpeech,
    WaitUntil,
)
from tests.e2e.conftest import ENVIRONMENT, QUICK, Bridge, clip, own_stack, plan
from tests.e2e.promises import assert_protocol_kept, assert_whole_items_heard
from tests.support.servers import OWN_TIMEOUT_S, free_port, server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

ONE_EACH = {"ingress": 1, "brain": 1, "egress": 1}


async def test_a_killed_process_comes_back_and_takes_calls(
    started_stack: tuple[Stack, int], e2e_redis: str
) -> None:
    """supervisord starts it again; the next call works."""
    stack, port = started_stack
    before = await stack.pids()
    for name in ("ingress-0", "brain-0", "egress-0"):
        await stack.signal(name, signal.SIGKILL)
    await wait_until(lambda: _restarted(stack, before), "all three run again", timeout_s=20)
    await stack.until_ready(30)
    store = make_store(e2e_redis, name="e2e", timeout_s=OWN_TIMEOUT_S)
    bridge = Bridge(stack, port, store)
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        call = await twilio.call(plan(WaitForSpeech(), WaitForSilence(300), HangUp()), QUICK)
        await bridge.until_ended(call.call_sid)
    assert_protocol_kept(call, model.sessions[0])
    assert_whole_items_heard(call, model.sessions[0])
    await store.aclose()


async def _restarted(stack: Stack, before: dict[str, int]) -> bool:
    now = await stack.pids()
    return all(now.get(name, 0) not in (0, before[name]) for name in ("ingress-0", "brain-0", "egress-0"))


@pytest.fixture
async def small_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bridge]:
    """One process of each role, for tests that stop them."""
    with server(valkey_binary(), tmp_path_factory.mktemp("small")) as url:
        async with own_stack("small", url, workers=ONE_EACH, drain_s=20) as bridge:
            yield bridge


async def test_sigterm_under_a_live_call(small_stack: Bridge) -> None:
    """Ingress lets it finish. Brain and egress have no siblings: their next boots go on with it, and the
    caller is answered as if nothing had been."""
    bridge, go_on = small_stack, asyncio.Event()
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        waiting = WaitUntil(go_on.is_set, "the next boots have the call")
        steps = (WaitForSpeech(), waiting, Speak(clip("en_caller_ask")), WaitForSpeech(), Pause(500))
        live = twilio.start_call(plan(*steps, HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.playbacks), "the greeting plays")
        before = await bridge.card(live.record.call_sid)
        for name in ("brain-0", "egress-0"):
            await bridge.stack.signal(name, signal.SIGTERM)
        sid = live.record.call_sid
        await wait_until(lambda: _has_new_owners(bridge, sid, before), "next boots have it", timeout_s=30)
        await bridge.stack.signal("ingress-0", signal.SIGTERM)  # Now: without the others it would not wait.
        go_on.set()
        call = await live.finished()
        await bridge.until_ended(call.call_sid)
    assert_protocol_kept(call, model.sessions[-1])
    assert len(model.sessions) == 2
    assert call.streams[0].close_code is None, "the bridge closed the caller's socket"
    assert call.end_reason == "caller_hung_up"
    await wait_until(lambda: bridge.logs().count('"reason":"ok"') == 3, "all three have stopped as asked")


async def _has_new_owners(bridge: Bridge, call_sid: str, before: dict[str, str]) -> bool:
    now = await bridge.card(call_sid)
    return all(now[role] not in ("", before[role]) for role in ("brain", "egress"))


async def test_a_second_sigterm_ends_the_drain(small_stack: Bridge) -> None:
    """At once, with a code of its own; the live call comes back to the next boot."""
    bridge, go_on = small_stack, asyncio.Event()
    async with bridge.realtime(), bridge.twilio() as twilio:
        waiting = WaitUntil(go_on.is_set, "it is back")
        steps = (WaitForSpeech(), waiting, Speak(clip("en_caller_ask")), WaitForSpeech(), Pause(500))
        live = twilio.start_call(plan(*steps, HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.playbacks), "the greeting plays")
        before = await bridge.stack.pids()
        await bridge.stack.signal("ingress-0", signal.SIGTERM)
        await wait_until(lambda: '"event":"draining"' in bridge.logs(), "it drains")
        await bridge.stack.signal("ingress-0", signal.SIGTERM)
        await wait_until(lambda: '"reason":"drain_forced"' in bridge.logs(), "it has ended", timeout_s=10)
        await wait_until(lambda: len(live.record.streams) == 2, "the call is back", timeout_s=20)
        go_on.set()
        call = await live.finished()
        await bridge.until_ended(call.call_sid)
    assert [stream.close_code for stream in call.streams] == [1001, None]
    assert call.end_reason == "caller_hung_up"
    now = await bridge.stack.pids()
    assert [now[name] for name in ("brain-0", "egress-0")] == [
        before[name] for name in ("brain-0", "egress-0")
    ]


async def test_redis_late_at_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The processes wait and say so; callers hear an apology at once; then it works by itself."""
    model_port, redis_port = free_port(), free_port()
    options = StackOptions(
        name="late",
        workers=ONE_EACH,
        redis_url=f"redis://127.0.0.1:{redis_port}/0",
        model_base_url=f"http://127.0.0.1:{model_port}/v1",
        environment=ENVIRONMENT,
    )
    stack = Stack(options)
    starting = asyncio.create_task(stack.start())
    try:
        await wait_until(lambda: _says_unreachable(stack), "each role says that Redis is away", timeout_s=40)
        await _is_told_the_apology(stack)
        folder = tmp_path_factory.mktemp("late")
        with server(valkey_binary(), folder, port=redis_port) as url:
            await starting
            store = make_store(url, name="e2e", timeout_s=OWN_TIMEOUT_S)
            bridge = Bridge(stack, model_port, store)
            async with RealtimeSimulator(port=model_port) as model, bridge.twilio() as twilio:
                call = await twilio.call(plan(WaitForSpeech(), WaitForSilence(300), HangUp()), QUICK)
            assert_whole_items_heard(call, model.sessions[0])
            await store.aclose()
            await stack.stop()
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await stack.stop()


async def _is_told_the_apology(stack: Stack) -> None:
    """A call while Redis is away: spoken within a second, and over."""
    store = make_store(stack.redis_url, name="e2e", timeout_s=OWN_TIMEOUT_S)
    async with Bridge(stack, 0, store).twilio() as twilio:
        call = await twilio.call(plan(WaitForEnd(10_000)), QUICK)
    await store.aclose()
    assert [verb.detail for verb in call.verbs if verb.name.lower() == "say"]
    (webhook,) = [webhook for webhook in call.webhooks if webhook.purpose == "voice"]
    assert webhook.status == 200


def _says_unreachable(stack: Stack) -> bool:
    logs = [stack.log(f"{role}-0") for role in ONE_EACH]
    return all(path.exists() and "redis_unreachable" in path.read_text("utf-8") for path in logs)
