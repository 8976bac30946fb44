"""Faults on purpose, on live calls: the verdict names each, once, and blames no other call.

Simulators make the faults of model and Twilio, signals those of our processes, CLIENT PAUSE those of Redis.
What was noticed when is read from the records: journal, card, log. `make prove-operations` does the same with
twenty calls each.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from shared.rolling import WINDOW_MS
from simulators.realtime import Knobs, ResponseKnobs
from simulators.twilio import CallRecord
from simulators.twilio.plan import HangUp, Pause, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, plan
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

STOPPED_S, RUNS_S, TIMES = 0.45, 0.3, 8

TALKATIVE = """
language = "en"
greeting = [{ say = "en_model_long" }, { say = "en_model_long" }, { say = "en_model_long" }]
idle = [{ say = "en_model_idle" }]
other = [{ say = "en_model_long" }]

[[turns]]
heard = "en_caller_ask"
reply = [{ say = "en_model_long" }]
"""


@pytest.fixture
def talkative(tmp_path: Path) -> str:
    """A model that talks all the time: whatever stands still, stands still with audio in it."""
    path = tmp_path / "script.toml"
    path.write_text(TALKATIVE)
    return str(path)


async def verdicts(bridge: Bridge, call: CallRecord) -> list[dict[str, str]]:
    return [line for line in await bridge.journal(call.call_sid) if line["kind"] == "verdict"]


def pipelines(bridge: Bridge, call: CallRecord) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in bridge.logs().splitlines() if '"event":"pipeline"' in line]
    return [line for line in lines if line["call"] == call.call_sid]


async def test_a_slow_model_is_named_on_its_call_alone(bridge: Bridge) -> None:
    """It owes a greeting for 6 s: one warning, and its end with the peak."""
    slow = Knobs(response=ResponseKnobs(first_audio_ms=6_000))

    async with (
        bridge.realtime(knobs_for=lambda number: slow if number == 1 else Knobs()) as model,
        bridge.twilio() as twilio,
    ):
        first = asyncio.create_task(twilio.call(plan(WaitForSpeech(), Pause(10_000), HangUp()), QUICK))
        await model.wait_for(lambda: bool(model.sessions))
        second = await twilio.call(plan(WaitForSpeech(), Pause(5_000), HangUp()), QUICK)
        call = await first
        for each in (call, second):
            await bridge.until_ended(each.call_sid)

    (verdict,) = await verdicts(bridge, call)
    assert verdict["verdict"] == "model_slow"
    (over,) = [line for line in await bridge.journal(call.call_sid) if line["kind"] == "verdict_over"]
    assert 2_000 <= int(over["peak"]) <= 7_000
    assert await verdicts(bridge, second) == []


async def test_a_model_that_falls_silent_in_mid_word_is_named(bridge: Bridge, talkative: str) -> None:
    """The reply runs dry inside an item."""
    stalling = Knobs(response=ResponseKnobs(stall_after_deltas=10, stall_ms=3_000))
    async with bridge.realtime(stalling, script=talkative), bridge.twilio() as twilio:
        call = await twilio.call(plan(WaitForSpeech(), Pause(9_000), HangUp()), QUICK)
        await bridge.until_ended(call.call_sid)

    (verdict,) = await verdicts(bridge, call)
    assert verdict["verdict"] == "model_slow"


async def concerned(
    bridge: Bridge, talkative: str, inject: Callable[[str], Awaitable[None]]
) -> tuple[CallRecord, list[dict[str, str]]]:
    """A talking call, a fault injected into it, and its verdicts. `inject` gets the call's sid."""
    async with bridge.realtime(script=talkative), bridge.twilio() as twilio:
        before = set(await bridge.store.zrange(b"tl:{0}:live", 0, -1))
        calling = asyncio.create_task(twilio.call(plan(WaitForSpeech(), Pause(13_000), HangUp()), QUICK))
        sid = ""

        async def talks() -> bool:
            nonlocal sid
            new = set(await bridge.store.zrange(b"tl:{0}:live", 0, -1)) - before
            sid = next(iter(new)).decode() if new else ""
            return bool(sid) and "audible" in await bridge.kinds(sid)

        await wait_until(talks, "the caller hears the model")
        await inject(sid)
        call = await calling
        await bridge.until_ended(call.call_sid)
    return call, await verdicts(bridge, call)


@pytest.mark.parametrize("role", ["ingress", "brain", "egress"])
async def test_a_process_that_does_not_get_to_run_is_named(bridge: Bridge, talkative: str, role: str) -> None:
    """Again and again it stands still for half a second, as on a host without enough CPU."""

    async def stand_still(sid: str) -> None:
        worker = (await bridge.card(sid))[role].partition("@")[0]
        pid = (await bridge.stack.pids())[worker]
        for _ in range(TIMES):
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(STOPPED_S)
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(RUNS_S)

    _, found = await concerned(bridge, talkative, stand_still)

    assert [line["verdict"] for line in found] == [f"cpu({role})"]


async def test_a_redis_that_keeps_us_waiting_is_named(bridge: Bridge, talkative: str) -> None:
    """Not the processes that wait for it."""

    async def pause(_sid: str) -> None:
        for _ in range(TIMES):
            await cast(Any, bridge.store.client_pause(round(STOPPED_S * 1000), all=True))
            await asyncio.sleep(STOPPED_S + RUNS_S)

    _, found = await concerned(bridge, talkative, pause)

    assert [line["verdict"] for line in found] == ["redis_slow"]


async def test_a_healthy_call_has_a_line_every_three_seconds_and_no_verdict(
    bridge: Bridge, talkative: str
) -> None:
    """Its frames are counted over the time that passed, from the first window on."""

    async def nothing(_sid: str) -> None:
        """No fault."""

    call, found = await concerned(bridge, talkative, nothing)

    lines = pipelines(bridge, call)
    moments = [line["mono_ms"] for line in lines]
    assert len(lines) >= 3
    assert all(late - early >= WINDOW_MS for early, late in itertools.pairwise(moments))
    assert [line["tx_fps"] for line in lines] == [
        pytest.approx(line["sent"] * 1000 / line["window_ms"], abs=0.1) for line in lines
    ]
    assert lines[0]["sent"] > 0
    assert lines[1]["ai_speaking"]
    assert found == []
