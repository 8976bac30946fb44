"""The thread that says which line blocks the event loop: its rule, and itself under uvloop."""

from __future__ import annotations

import asyncio
import io
import itertools
import threading
import time

import orjson
import uvloop

from shared.logs.log import configure, get_log
from shared.process.lag import LoopLag
from shared.process.stalls import LOOK_MS, STALL_MS, TELL_EVERY_MS, Blocked, Freed, Stalls, StallWatch
from tests.support.waiting import wait_until

BLOCKED_S = 0.6


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
        time.sleep(BLOCKED_S)

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
