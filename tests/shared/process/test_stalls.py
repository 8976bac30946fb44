"""The thread that says which line blocks the event loop: its rule, and itself under uvloop."""

from __future__ import annotations

import asyncio
import io
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import uvloop

from shared.exit_codes import Exit
from shared.logs.log import configure, get_log
from shared.process.lag import LoopLag
from shared.process.stalls import (
    LOOK_MS,
    STALL_MS,
    STUCK_MS,
    TELL_EVERY_MS,
    Blocked,
    Freed,
    Stalls,
    StallWatch,
    Stuck,
)
from tests.support.waiting import wait_until

BLOCKED_S = 0.6
STOPPED_S = 1.5
SECRET = "do not tell"

TURNING = f"""
import asyncio, itertools, signal, sys, time
import uvloop
from shared.logs.log import configure, get_log
from shared.process import stalls
from shared.process.lag import LoopLag

stalls.STUCK_MS = 500.0
writer = configure("info", "json", sys.stderr)

def block_the_loop():
    secret = "{SECRET}"
    while secret:
        time.sleep(0.01)

async def turn():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, block_the_loop)
    lag = LoopLag()
    lag.start()
    watch = stalls.StallWatch(lag, get_log(role="egress"), writer.close)
    watch.start()
    time.sleep(1)
    watch.begin_to_give_up()
    for number in itertools.count():
        print(number, flush=True)
        await asyncio.sleep(0.02)

uvloop.run(turn())
"""
"""A process whose loop turns, and is blocked for good by a signal; what it did before it was watched is not
held against it."""


def looks(stalls: Stalls, ticks: dict[int, float], until_ms: int) -> list[tuple[int, Blocked | Freed]]:
    """What is told at which look. `ticks`: from when on the loop's last tick is which."""
    found: list[tuple[int, Blocked | Freed]] = []
    for now in range(int(stalls.looked_at_ms + LOOK_MS), until_ms + 1, int(LOOK_MS)):
        ticked_at = max((tick for since, tick in ticks.items() if since <= now), default=0.0)
        told = stalls.look(ticked_at, float(now))
        if told is not None:
            found.append((now, told))
    return found


def test_a_loop_that_ticks_is_not_told_of() -> None:
    """A tick may be a look old and late itself."""
    ticks = {now: now - 99.0 for now in range(1_000, 9_000, 100)}

    assert looks(Stalls(1_000.0), ticks, 8_900) == []


def test_a_stall_is_told_once_and_its_end_with_its_length() -> None:
    """However long it lasts."""
    ticks = {1_000: 1_000.0, 3_050: 3_050.0, **{now: float(now) for now in range(3_100, 5_000, 100)}}

    assert looks(Stalls(1_000.0), ticks, 4_900) == [
        (1_000 + int(STALL_MS), Blocked(STALL_MS, 0)),
        (3_100, Freed(2_100.0)),
    ]


def test_a_loop_that_stalls_again_and_again_is_told_of_every_ten_seconds() -> None:
    """What was left out is counted, and a log is not filled."""
    ticks = {now: float(now) for now in range(1_000, 24_000, 500)}  # 500 ms between two ticks, always
    told = looks(Stalls(1_000.0), ticks, 23_900)
    blocked = [(now, each) for now, each in told if isinstance(each, Blocked)]

    assert [each.untold for _, each in blocked] == [0, 19, 19]
    assert [late - early for (early, _), (late, _) in itertools.pairwise(blocked)] == [TELL_EVERY_MS] * 2
    assert sum(isinstance(each, Freed) for _, each in told) == 3


def test_a_process_that_stood_still_blames_no_line() -> None:
    """The watcher itself was late: SIGSTOP, a host that slept. A loop that is still stuck then is told of."""
    stalls = Stalls(1_000.0)
    assert stalls.look(1_000.0, 9_000.0) is None
    assert stalls.look(9_050.0, 9_100.0) is None

    assert stalls.look(9_050.0, 19_000.0) is None
    assert stalls.look(9_050.0, 19_100.0) == Blocked(10_050.0, 0)


def test_the_line_that_blocks_a_uvloop_is_named_while_it_blocks() -> None:
    """From another thread, with the places on the stack and nothing of what variables hold."""
    stream = io.StringIO()
    writer = configure("info", "json", stream)
    secret = "do not tell"

    def block_the_loop() -> None:
        assert secret
        time.sleep(BLOCKED_S)  # The length of the fault.

    def lines(event: str) -> list[dict[str, object]]:
        found = [orjson.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in found if line["event"] == event]

    async def stalled() -> None:
        lag = LoopLag()
        lag.start()
        watch = StallWatch(lag, get_log(role="egress"))
        watch.start()
        before = lag.ticked_at_ms
        await wait_until(lambda: lag.ticked_at_ms > before, "the loop ticks")
        asyncio.get_running_loop().call_soon(block_the_loop)
        await wait_until(lambda: bool(lines("loop_stall_over")), "the end of the stall is told")
        watch.stop()
        lag.stop()

    uvloop.run(stalled())
    writer.close()

    (line,) = lines("loop_stalled")
    assert "tests/shared/process/test_stalls.py:" in str(line["line"])
    assert str(line["line"]).endswith(" block_the_loop")
    assert isinstance(line["stack"], list)
    assert line["stack"][-1] == line["line"]
    assert line["role"] == "egress"
    assert secret not in stream.getvalue()
    (over,) = lines("loop_stall_over")
    assert isinstance(over["took_ms"], int)
    assert over["took_ms"] >= BLOCKED_S * 1000
    assert not [thread for thread in threading.enumerate() if thread.name == "stall-watch"]


def test_a_loop_that_ticks_is_looked_at_no_oftener_than_it_must_be() -> None:
    """The next look is when the last tick would be a stall old: not ten a second, and no later than that."""
    stalls = Stalls(1_000.0)
    assert stalls.look(1_090.0, 1_100.0) is None
    assert stalls.pause_ms == 1_090.0 + STALL_MS - 1_100.0

    assert stalls.look(1_090.0, 1_100.0 + stalls.pause_ms) == Blocked(STALL_MS, 0)
    assert stalls.pause_ms == LOOK_MS


def stuck_at(stuck: Stuck, ticked_at_ms: float, times_ms: range) -> int:
    """At which look the loop is given up; 0: at none."""
    return next((now for now in times_ms if stuck.look(ticked_at_ms, float(now))), 0)


def test_a_loop_that_makes_no_turn_for_ten_seconds_is_given_up() -> None:
    """From its last tick on; each tick begins anew."""
    step = int(LOOK_MS)
    assert stuck_at(Stuck(1_000.0), 1_000.0, range(1_100, 20_000, step)) == 1_000 + STUCK_MS

    stuck = Stuck(1_000.0)
    assert stuck_at(stuck, 1_000.0, range(1_100, 10_900, step)) == 0
    assert stuck_at(stuck, 10_950.0, range(11_000, 30_000, step)) == pytest.approx(
        10_950 + STUCK_MS, abs=step
    )


def test_time_in_which_the_process_did_not_run_gives_up_no_loop() -> None:
    """It was stopped for a minute, again and again, or got no CPU: the watcher itself was late."""
    stuck, now = Stuck(1_000.0), 1_000
    for _ in range(50):
        now += 60_000
        assert not stuck.look(1_000.0, float(now))
    assert stuck_at(stuck, now - 50.0, range(now + 100, now + 9_000, int(LOOK_MS))) == 0


@contextmanager
def turning() -> Iterator[subprocess.Popen[str]]:
    """A process of its own: one that ends, or that is stopped, may not be the test."""
    with subprocess.Popen(
        [sys.executable, "-c", TURNING],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def turns(process: subprocess.Popen[str], number: int) -> int:
    """Reads until it has made so many turns; how many it has said."""
    assert process.stdout is not None
    return next(made for line in process.stdout if (made := int(line)) >= number)


def test_a_process_whose_loop_is_blocked_for_good_ends_and_says_where() -> None:
    """By its own exit code, with the places on the stack and nothing of what variables hold."""
    with turning() as process:
        turns(process, 10)
        process.send_signal(signal.SIGUSR1)
        _, told = process.communicate(timeout=30)
    assert process.returncode == Exit.STUCK
    (line,) = [found for each in told.splitlines() if (found := orjson.loads(each))["event"] == "loop_stuck"]
    assert line["line"].endswith(" block_the_loop")
    assert line["stack"][-1] == line["line"]
    assert (line["level"], line["exit_code"]) == ("error", Exit.STUCK)
    assert line["for_ms"] >= 500
    assert SECRET not in told


@pytest.mark.skipif(sys.platform != "linux", reason="the stop is a signal")
def test_a_process_that_was_stopped_goes_on() -> None:
    """Three times as long as a loop may be stuck: neither its loop nor its watch ran."""
    with turning() as process:
        made = turns(process, 10)
        process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)  # The length of the fault.
        process.send_signal(signal.SIGCONT)
        turns(process, made + 100)
        process.terminate()
        _, told = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert "loop_stuck" not in told
