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
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.figures.rolling import WINDOW_MS
from simulators.realtime import Knobs, ResponseKnobs
from simulators.twilio import FAST, CallRecord
from simulators.twilio import Knobs as TwilioKnobs
from simulators.twilio.caller.plan import HangUp, Pause, WaitForSpeech
from simulators.twilio.knobs import Window
from simulators.twilio.measures import arrivals_ms
from tests.e2e.conftest import QUICK, Bridge, plan
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

STALLED_FROM_MS, STALLED_MS = 4_000.0, 4_000.0
SEEN_WITHIN_MS = 1_500.0
QUIET_TRIES = 4
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


def warnings(bridge: Bridge, call: CallRecord) -> list[dict[str, Any]]:
    """Lines of the log that warn of a call."""
    lines = [json.loads(line) for line in bridge.logs().splitlines() if '"pipeline_warning"' in line]
    return [line for line in lines if line["call"] == call.call_sid]


def pipelines(bridge: Bridge, call: CallRecord) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in bridge.logs().splitlines() if '"event":"pipeline"' in line]
    return [line for line in lines if line["call"] == call.call_sid]


def wall_ms(call: CallRecord, at_ms: float) -> float:
    """A moment of the record, on the journal's clock."""
    return call.zero_ms + at_ms + (time.time() - time.monotonic()) * 1000


async def stalled_among_others(bridge: Bridge, talkative: str) -> tuple[CallRecord, list[CallRecord]]:
    """Four calls that hear the model talk; Twilio stops reading the first one's socket for a while."""
    stalled = TwilioKnobs(
        pace=FAST, stalls=(Window(STALLED_FROM_MS, STALLED_MS),), receive_buffer_bytes=4_096
    )
    steps = (WaitForSpeech(), Pause(10_000), HangUp())
    async with bridge.realtime(script=talkative), bridge.twilio() as twilio:
        call, *others = await asyncio.gather(
            *(twilio.call(plan(*steps), knobs) for knobs in (stalled, QUICK, QUICK, QUICK))
        )
        for each in (call, *others):
            await bridge.until_ended(each.call_sid)
    return call, others


async def test_a_twilio_that_reads_nothing_is_seen_and_slows_no_other_call(
    bridge: Bridge, talkative: str
) -> None:
    """Within 1.5 s of the moment at which it stops reading, beside what the machine itself was late by;
    meanwhile the other calls get their audio, and no verdict."""
    for _ in range(QUIET_TRIES):
        call, others = await stalled_among_others(bridge, talkative)
        found = [line["verdict"] for each in (call, *others) for line in await verdicts(bridge, each)]
        if not any(name.startswith(("cpu", "redis")) for name in found):
            break  # A machine that was too busy to serve four calls is rightly blamed first.
    assert found == ["twilio_slow"]
    (verdict,), (warning,) = await verdicts(bridge, call), warnings(bridge, call)
    stalled_at_ms = wall_ms(call, opened_at_ms(call) + STALLED_FROM_MS)
    # A figure that nobody has said is None: it excuses nothing.
    told_ms = [value for name, value in warning.items() if name.startswith("lag_") or name == "redis_ms"]
    late_ms = sum(value or 0.0 for value in told_ms)
    allowed_ms = SEEN_WITHIN_MS + late_ms + call.worst_tick_late_ms
    assert 0 < int(verdict["t"]) - stalled_at_ms <= allowed_ms, warning

    for other in others:
        begin_ms = opened_at_ms(other) + STALLED_FROM_MS
        frames = [at for at in arrivals_ms(other) if begin_ms <= at < begin_ms + STALLED_MS]
        assert len(frames) > STALLED_MS / 20 / 2


def opened_at_ms(call: CallRecord) -> float:
    """From when its media flows: the simulator's faults count from there."""
    at_ms = call.streams[0].first_media_at_ms
    assert at_ms is not None
    return at_ms


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
            await asyncio.sleep(STOPPED_S)  # The length of the fault, here and below.
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(RUNS_S)

    _, found = await concerned(bridge, talkative, stand_still)

    assert [line["verdict"] for line in found] == [f"cpu({role})"]


async def test_a_redis_that_keeps_us_waiting_is_named(bridge: Bridge, talkative: str) -> None:
    """Not the processes that wait for it."""

    async def pause(_sid: str) -> None:
        for _ in range(TIMES):
            await bridge.store.redis.client_pause(round(STOPPED_S * 1000), all=True)
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
