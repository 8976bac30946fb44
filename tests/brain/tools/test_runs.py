"""The tools of one call beside everything else: what is run, what is refused, what is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from brain.counters import BrainCounters
from brain.sequencer import inputs
from brain.sequencer.actions import RunTool
from brain.sequencer.inputs import Input
from brain.tools.attempts import ToolAttempts
from brain.tools.builtin import end_call, hand_over
from brain.tools.function import tool
from brain.tools.runs import GOODBYE, MAX_AT_ONCE, MAX_ROUNDS, ToolRuns
from brain.tools.toolbox import Hold, Toolbox, ToolContext
from shared.clock import wall_ms
from shared.contract.streams.history import ToolState
from shared.logs.log import get_log
from tests.support.waiting import wait_until

CONTEXT = ToolContext(call_sid="CA" + "0" * 32, caller="…11", called="+15550001", agent="default")


@dataclass
class Shop:
    """A tool of the user's own, and what the sequencer and the user's systems hear."""

    ran: int = 0
    told: list[Input] = field(default_factory=list)
    failures: list[tuple[str, str, str, str]] = field(default_factory=list)
    noted: list[tuple[str, ToolState]] = field(default_factory=list)
    quiet_for_ms: int = 0
    opens: asyncio.Event = field(default_factory=asyncio.Event)
    attempts: ToolAttempts = field(default_factory=ToolAttempts)

    is_written: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_written.set()

    async def tool_started(self, call_id: str, name: str, arguments: str) -> None:
        self.noted.append((call_id, ToolState.STARTED))
        await self.is_written.wait()

    def tool(self, call_id: str, name: str, state: ToolState, value: str) -> None:
        self.noted.append((call_id, state))

    def quiet_until(self, at_ms: int) -> None:
        self.quiet_for_ms = at_ms - wall_ms()

    def hold(self, _now_ms: float, for_ms: float) -> float:
        return min(for_ms, 300_000.0)

    def runs(self) -> ToolRuns:
        @tool
        async def stock() -> int:
            """Count."""
            self.ran += 1
            await self.opens.wait()
            return 3

        @tool
        async def wait() -> Hold:
            """Wait."""
            return Hold(3_600)

        return ToolRuns(
            Toolbox.of([stock, end_call, wait], 5.0),
            CONTEXT,
            BrainCounters(),
            self,
            get_log(),
            self.told.append,
            self.hold,
            lambda *failure: self.failures.append(failure),
            self.attempts,
        )

    @property
    def outputs(self) -> list[str]:
        return [told.output for told in self.told if isinstance(told, inputs.ToolFinished)]


def called(number: int, name: str = "stock", response: str = "") -> RunTool:
    return RunTool(
        response_id=response or f"resp_{number}", call_id=f"call_{number}", name=name, arguments="{}"
    )


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_loop_of_tools_is_ended(shop: Shop) -> None:
    """The model is told to answer; it may end the call; the caller's next word begins anew."""
    shop.opens.set()
    runs = shop.runs()
    for number in range(MAX_ROUNDS + 2):
        await runs.run(called(number))
    assert shop.ran == MAX_ROUNDS
    assert ["too many tools in a row" in output for output in shop.outputs[-3:]] == [False, True, True]
    assert [outcome for _, _, outcome, _ in shop.failures] == ["refused"] * 2

    await runs.run(called(98, "end_call"))
    end = shop.told[-1]
    assert isinstance(end, inputs.HangUpWished)
    # No words were given: what was said will do; if nothing was, this.
    assert (end.farewell, end.only_if_unsaid) == (GOODBYE, True)

    runs.caller_active()
    await runs.run(called(99))
    assert shop.ran == MAX_ROUNDS + 1


async def test_many_tools_of_one_response_are_one_round(shop: Shop) -> None:
    """They are no loop."""
    shop.opens.set()
    runs = shop.runs()
    for number in range(MAX_ROUNDS * 2):
        await runs.run(called(number, response="resp"))

    assert shop.ran == MAX_ROUNDS * 2


async def test_tools_at_once_are_bounded(shop: Shop) -> None:
    """The one too many is answered at once; the others go on."""
    runs = shop.runs()
    tasks = [asyncio.create_task(runs.run(called(n, response="resp"))) for n in range(MAX_AT_ONCE + 1)]
    await wait_until(lambda: shop.ran == MAX_AT_ONCE and bool(shop.outputs), "all but one run")

    (refused,) = shop.outputs
    assert f"{MAX_AT_ONCE} tools are under way" in refused
    shop.opens.set()
    await asyncio.gather(*tasks)
    assert shop.outputs[1:] == ["3"] * MAX_AT_ONCE


async def test_a_tool_outlives_its_call(shop: Shop) -> None:
    """The caller says "book it" and hangs up: it is booked. Nobody is told of the result any more."""
    task = asyncio.create_task(shop.runs().run(called(1)))
    await wait_until(lambda: shop.ran == 1, "the tool runs")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    shop.opens.set()
    await shop.attempts.finished()

    assert (shop.outputs, shop.failures) == ([], [])


async def test_a_tool_that_fails_after_its_call_is_told_to_the_users_systems(shop: Shop) -> None:
    """At its time limit: whoever relies on it must know."""
    runs = shop.runs()
    runs.toolbox.time_limit_s = 0.05
    task = asyncio.create_task(runs.run(called(1)))
    await wait_until(lambda: shop.ran == 1, "the tool runs")
    task.cancel()
    await shop.attempts.finished()

    assert shop.failures == [("call_1", "stock", "timed_out", "default")]
    assert (runs.counters.tools_run, runs.counters.tools_failed) == (1, 1)


async def test_a_tool_that_the_end_of_the_process_cuts_off_has_failed(shop: Shop) -> None:
    """Nobody knows what it has done."""
    task = asyncio.create_task(shop.runs().run(called(1)))
    await wait_until(lambda: shop.ran == 1, "the tool runs")
    task.cancel()
    await shop.attempts.stop()

    assert shop.failures == [("call_1", "stock", "failed", "default")]


async def test_a_farewell_that_has_words_is_said_in_any_case(shop: Shop) -> None:
    """Whatever the response that called the tool has said."""
    end = replace(called(1, "end_call"), arguments='{"farewell": "It is booked. Goodbye."}')

    await shop.runs().run(end)

    hang_up = shop.told[-1]
    assert isinstance(hang_up, inputs.HangUpWished)
    assert (hang_up.farewell, hang_up.only_if_unsaid) == ("It is booked. Goodbye.", False)


async def test_a_moment_that_the_caller_asked_for_is_noted(shop: Shop) -> None:
    """For a next brain, as long as it may last; the model says nothing to it."""
    await shop.runs().run(called(1, "wait"))
    assert 299_000 < shop.quiet_for_ms <= 300_000
    (told,) = shop.told
    assert isinstance(told, inputs.ToolFinished)
    assert not told.reply


async def test_a_tool_is_not_run_before_it_is_written_down(shop: Shop) -> None:
    """Its brain may die in the next moment, and another one must not run it again."""
    shop.is_written.clear()
    running = asyncio.create_task(shop.runs().run(called(1)))
    await wait_until(lambda: shop.noted == [("call_1", ToolState.STARTED)], "it is noted")
    await asyncio.sleep(0)
    assert shop.ran == 0

    shop.is_written.set()
    await wait_until(lambda: shop.ran == 1, "it is run")
    shop.opens.set()
    await running


async def test_a_tool_that_hands_over_is_answered_by_what_became_of_it(shop: Shop) -> None:
    """When it has: until then nobody speaks."""
    asked: list[tuple[str, str]] = []
    changes = asyncio.Event()

    async def change(agent: str, response_id: str) -> str:
        asked.append((agent, response_id))
        await changes.wait()
        return '{"status":"changed"}'

    runs = shop.runs()
    runs.toolbox, runs.change_agent = Toolbox.of([hand_over({"sales": "Prices."})], 5.0), change
    arguments = '{"agent": "sales"}'
    action = RunTool(response_id="resp_1", call_id="call_1", name="hand_over", arguments=arguments)
    running = asyncio.create_task(runs.run(action))
    await wait_until(lambda: bool(asked), "another agent is asked for")
    assert (asked, shop.outputs) == ([("sales", "resp_1")], [])
    changes.set()
    await running

    assert shop.outputs == ['{"status":"changed"}']


async def test_a_tool_is_that_of_the_agent_who_called_it(shop: Shop) -> None:
    """Another one has the call before it is run, or before it fails; its tools are not theirs."""
    for when in ("written", "under way"):
        runs = shop.runs()
        runs.toolbox.time_limit_s, shop.ran = 0.05, 0
        shop.is_written.clear()
        running = asyncio.create_task(runs.run(called(1)))
        await wait_until(lambda: bool(shop.noted), "it is noted")
        if when == "under way":
            shop.is_written.set()
            await wait_until(lambda: shop.ran == 1, "the tool runs")
        runs.toolbox, runs.context = Toolbox.of([end_call], 5.0), replace(CONTEXT, agent="sales")
        shop.is_written.set()
        await running

        assert shop.ran == 1
        assert shop.failures == [("call_1", "stock", "timed_out", "default")]
        shop.failures.clear()
        shop.noted.clear()


async def test_where_there_is_no_other_agent_none_is_found(shop: Shop) -> None:
    """The model is told so."""
    runs = shop.runs()
    runs.toolbox = Toolbox.of([hand_over({"sales": "Prices."})], 5.0)
    arguments = '{"agent": "sales"}'
    await runs.run(RunTool(response_id="resp_1", call_id="call_1", name="hand_over", arguments=arguments))

    assert "there is no other agent" in shop.outputs[0]
