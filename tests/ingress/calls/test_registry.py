"""Steps in Redis are asked again until it answers, and given up after their time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ingress.calls import registry as registry_module
from ingress.calls.registry import Gone, Registry
from ingress.counters import CallCounters
from shared.contract.card import Next
from shared.contract.steps import Due, Leg, NewStream
from shared.contract.streams.control import Dialled, Stream, read_message
from shared.ownership import steps
from shared.process.life import make_process
from shared.process.role import Process
from tests.ingress.harness import call_sid, make_settings, stream_sid
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until

STREAM = NewStream(
    call_sid=call_sid(), stream_sid=stream_sid(), ingress="ingress-0@h#a", nonce="0" * 32,
    caller_number="", called_number="", agent="",
)  # fmt: skip
LEG = Leg(call_sid(), 1, stream_sid())


@pytest.fixture
async def process(valkey_url: str) -> AsyncIterator[Process]:
    made = make_process("ingress", 0, make_settings(valkey_url, ended_keep_s=90))
    yield made
    await made.store.aclose()


async def test_steps_of_a_call(process: Process) -> None:
    """Attach, detach with what is planned, end; each may be asked twice."""
    counters, other = CallCounters(), replace(LEG, number=2)
    registry = Registry(process, counters)
    for is_new in (True, False):
        answer = await registry.attach(STREAM, wanted=lambda: True)
        assert answer is not None
        assert (answer.leg, answer.is_new, answer.refused) == (1, is_new, "")
    assert await registry.detach(other, "lost") is None
    assert await registry.detach(LEG, "lost") == Gone(Next.NOTHING)
    await registry.end_due(Due(other, "lost"))
    assert counters.ended == 0
    for _ in range(2):
        await registry.end(call_sid(), "completed")
    assert counters.ended == 1
    assert await registry.detach(LEG, "lost") is None


async def test_a_stream_that_was_asked_for_is_told_of(process: Process) -> None:
    """We could not reach Redis for a while, and counted as dead: the carrier was sent elsewhere."""
    registry, keys = Registry(process, CallCounters()), process.keys
    await registry.attach(STREAM, wanted=lambda: True)
    other = replace(LEG, stream_sid=stream_sid(9))
    taken = await steps.rescue(process.store, keys, LEG, worker="ingress-1@h#1", lease_ms=1000)
    assert taken.is_ours
    assert await registry.detach(other, "stop") is None
    assert await registry.detach(LEG, "stop") == Gone(Next.NOTHING, is_asked_for=True)


@pytest.mark.parametrize("is_asked_for", [True, False])
async def test_a_new_stream_says_whether_it_was_asked_for(process: Process, is_asked_for: bool) -> None:
    """Then the socket of the last one was open until then, whatever became of its ingress."""
    registry, keys = Registry(process, CallCounters()), process.keys
    await registry.attach(STREAM, wanted=lambda: True)
    if is_asked_for:
        await steps.rescue(process.store, keys, LEG, worker="ingress-1@h#1", lease_ms=1000)
    second = replace(STREAM, stream_sid=stream_sid(2), nonce="1" * 32, ingress="ingress-1@h#b")
    third = replace(STREAM, stream_sid=stream_sid(3), nonce="2" * 32)
    for stream in (second, third):
        await registry.attach(stream, wanted=lambda: True)
    found = await process.store.xrange(keys.control(call_sid()))
    told = [read_message(entry_id, fields).message for entry_id, fields in found]
    assert [message.rescued for message in told if isinstance(message, Stream)] == [is_asked_for, False]


async def test_a_call_that_is_over_stays_as_long_as_the_settings_say(process: Process) -> None:
    """Its card and journal; and it is listed for as long."""
    registry, keys = Registry(process, CallCounters()), process.keys
    await registry.attach(STREAM, wanted=lambda: True)
    await registry.end(call_sid(), "completed")
    lane = keys.lane(call_sid())
    for key in (keys.card(call_sid()), keys.journal(call_sid()), keys.ended(lane)):
        assert 89_000 < await process.store.pttl(key) <= 90_000
    assert await process.store.zrange(keys.ended(lane), 0, -1) == [call_sid().encode()]


@pytest.mark.parametrize(("word", "planned", "errors"), [("dial", Next.DIAL, 0), ("unheard of", None, 1)])
async def test_what_is_planned_is_read(
    process: Process, word: str, planned: Next | None, errors: int
) -> None:
    """A plan of a newer version is counted, and the stream is ours to detach all the same."""
    registry = Registry(process, CallCounters())
    await registry.attach(STREAM, wanted=lambda: True)
    await process.store.hset(process.keys.card(call_sid()), "next", word)
    assert await registry.detach(LEG, "lost") == Gone(planned)
    assert process.ownership.contract_errors == errors


async def test_a_dial_in_vain_is_told_the_brain(process: Process) -> None:
    """As a control message; asked twice by Twilio it has one number."""
    registry = Registry(process, CallCounters())
    await registry.attach(STREAM, wanted=lambda: True)
    for _ in range(2):
        await registry.tell_dialled(call_sid(), "busy", 2)
    found = await process.store.xrange(process.keys.control(call_sid()))
    letters = [read_message(entry_id, fields) for entry_id, fields in found]
    assert [(letter.message, letter.number) for letter in letters] == [
        (Dialled(status="busy"), "dialled-2")
    ] * 2


async def test_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis a detach and an unwanted attach end; a wanted attach goes on."""
    monkeypatch.setattr(registry_module, "RETRY_S", 0.001)
    process = make_process("ingress", 0, make_settings(f"redis://127.0.0.1:{free_port()}/0"))
    counters = CallCounters()
    registry = Registry(process, counters)
    is_wanted = True
    monkeypatch.setattr(registry_module, "UNKNOWN_ATTACH_MS", 10.0)
    async with running(registry.attach(STREAM, wanted=lambda: is_wanted)) as (task,):
        await wait_until(lambda: counters.store_errors > 20, "twenty attempts")
        assert not task.done()
        is_wanted = False
        assert await task is None
    await process.store.aclose()


async def test_a_call_that_a_webhook_gave_up_ends_as_that(process: Process) -> None:
    """Whoever ends it first: Twilio's word comes as well, and would call it completed."""
    registry = Registry(process, CallCounters())
    await registry.attach(STREAM, wanted=lambda: True)
    registry._apologised[call_sid()] = "no_redis"
    await registry.end(call_sid(), "completed")
    card = await process.store.hgetall_text(process.keys.card(call_sid()))
    assert (card["outcome"], card["cause"]) == ("apology", "no_redis")
    assert registry._apologised == {}


async def test_after_an_outage_the_carriers_word_comes_last(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has apologised: what it knows is how the call ended, whoever was asked first."""
    monkeypatch.setattr(registry_module, "OTHERS_FIRST_S", 0.5)
    here, there = Registry(process, CallCounters()), Registry(process, CallCounters())
    await here.attach(STREAM, wanted=lambda: True)
    await process.store.redis.client_pause(1_500)
    by_status = asyncio.create_task(here.end_by_status(call_sid(), "completed"))
    await wait_until(lambda: here._counters.store_errors > 0, "Redis is away")
    await asyncio.gather(by_status, there.apologised(call_sid(), "no_redis"))
    card = await process.store.hgetall_text(process.keys.card(call_sid()))
    assert (card["outcome"], card["cause"]) == ("apology", "no_redis")


async def test_what_is_remembered_of_apologies_is_bounded(process: Process) -> None:
    """While Redis is away for long; the oldest is forgotten."""
    registry = Registry(process, CallCounters())
    registry._apologised = {str(number): "no_redis" for number in range(registry_module.APOLOGISED_MOST)}
    await registry.apologised(call_sid(), "no_redis")
    assert len(registry._apologised) < registry_module.APOLOGISED_MOST
    assert "0" not in registry._apologised
