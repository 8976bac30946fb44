"""Redis refuses writes, or is emptied, under real calls: words are answered, the call goes on, its end is
true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import redis as sync_redis

from simulators.twilio import HangUp, Pause, Speak, WaitForEnd, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, clip, own_stack, plan
from tests.e2e.promises import assert_protocol_kept, assert_whole_items_heard
from tests.shared.store.writing.test_outbox_refused import refusing
from tests.support.servers import server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

REFUSED_S = 5.0
"""Within the 8 s after which a fault may end a call."""

FROZEN_MS = 20_000


@pytest.fixture(scope="module")
def redis_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that may be broken."""
    with server(valkey_binary(), tmp_path_factory.mktemp("refusing")) as url:
        yield url


@pytest.fixture
async def bridge(redis_of_its_own: str) -> AsyncIterator[Bridge]:
    """Two brains and two egress: a call must find back to those that had it."""
    workers = {"ingress": 1, "brain": 2, "egress": 2}
    async with own_stack("refusing", redis_of_its_own, workers=workers) as bridge:
        yield bridge


async def greeted(bridge: Bridge, call_sid: str) -> None:
    """Waits until the greeting was heard."""

    async def was_heard() -> bool:
        return "silent" in await bridge.kinds(call_sid)

    await wait_until(was_heard, "the greeting was heard", timeout_s=20)


@pytest.mark.parametrize("word", ["OOM", "NOREPLICAS"])
async def test_what_is_said_while_redis_refuses_is_answered(
    bridge: Bridge, redis_of_its_own: str, word: str
) -> None:
    """On the live call, when the fault is over; the log has one line for its beginning, one for its end."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        steps = (WaitForSpeech(), WaitForSilence(300), Pause(1500), Speak(clip("en_caller_ask")))
        live = twilio.start_call(plan(*steps, Pause(12_000), HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.call_sid), "the call has begun")
        await greeted(bridge, live.record.call_sid)
        with refusing(redis_of_its_own, word):
            await asyncio.sleep(REFUSED_S)  # The length of the fault.
        call = await live.finished()
        card = await bridge.until_ended(call.call_sid)
        (session,) = model.sessions
    assert card["outcome"] == "completed"
    assert_protocol_kept(call, session)
    assert_whole_items_heard(call, session)
    assert [response.reason for response in session.responses.values()] == ["client", "turn"]
    for event in ("redis_refuses_writes", "redis_takes_writes"):
        said = [line for line in bridge.logs().splitlines() if f'"event":"{event}"' in line]
        assert 1 <= len(said) <= 5  # Each process says it, and no more than once.


async def test_a_call_goes_on_in_a_redis_that_was_emptied(bridge: Bridge) -> None:
    """By the same brain and egress, with its memory and its age; nobody is greeted twice."""
    async with bridge.realtime() as model, bridge.twilio() as twilio:
        steps = (WaitForSpeech(), WaitForSilence(300), Pause(4000), Speak(clip("en_caller_ask")))
        live = twilio.start_call(plan(*steps, WaitForSpeech(), WaitForSilence(500), HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.call_sid), "the call has begun")
        await greeted(bridge, live.record.call_sid)
        before = await bridge.card(live.record.call_sid)
        await bridge.store.redis.flushall()
        call = await live.finished()
        card = await bridge.until_ended(call.call_sid)
        first, second = model.sessions
    for name in ("brain", "egress", "started_at_ms", "agent", "leg"):
        assert card[name] == before[name]
    assert len(first.received_of("response.create")) == 1
    # By the server's own word, or, if the session was replaced in mid-turn, by ours.
    answers = [(each.reason, each.status) for each in second.responses.values()]
    assert len(answers) == 1, f"the turn was answered once, not by {answers}"
    assert_whole_items_heard(call, second)
    assert card["outcome"] == "completed"


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """A server that answers nobody for some seconds."""
    with sync_redis.Redis.from_url(url) as client:
        client.execute_command("CLIENT", "PAUSE", str(FROZEN_MS), "ALL")
    yield


@pytest.mark.parametrize("fault", ["refusing", "frozen"])
async def test_the_apology_of_a_call_without_redis_is_its_outcome(
    bridge: Bridge, redis_of_its_own: str, fault: str
) -> None:
    """Though the carrier calls it completed: the card says what the caller was told, and why."""
    async with bridge.realtime(), bridge.twilio() as twilio:
        live = twilio.start_call(plan(WaitForSpeech(), WaitForEnd(30_000), HangUp()), QUICK)
        await wait_until(lambda: bool(live.record.call_sid), "the call has begun")
        await greeted(bridge, live.record.call_sid)
        began_s = time.monotonic()
        broken = frozen(redis_of_its_own) if fault == "frozen" else refusing(redis_of_its_own, "NOREPLICAS")
        with broken:
            call = await live.finished()
            assert time.monotonic() - began_s < FROZEN_MS / 1000
            rest_s = FROZEN_MS / 1000 - (time.monotonic() - began_s)
            # The length of the fault, which outlasts the call: what was said can be written only afterwards.
            await asyncio.sleep(rest_s if fault == "frozen" else 3.0)
        card = await bridge.until_ended(call.call_sid)
    assert "say" in [verb.name.lower() for verb in call.verbs]
    assert card["outcome"] == "apology"
    word = "no_redis" if fault == "frozen" else "redis_refuses"
    # The webhook's word, or that of the socket's holder.
    assert card["cause"] in (word, f"silence_{word}")
