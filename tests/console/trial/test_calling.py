"""One call of a try, with a stack in its place that only notes what is asked of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import pytest
from rich.console import Console

from console.demo import staging
from console.demo.staging import Placed
from console.demo.timeline import Timeline, Who
from console.demo.watch import Watch
from console.trial.agents import Listed
from console.trial.calling import Call, Part, complaints_of
from console.trial.model import ModelVoice, script_of
from console.trial.scenario import Say, Scenario, Words
from console.trial.sounds import Voice
from console.trial.wanted import Way
from shared.contract.keys import Keys
from shared.contract.streams.control import InWriting, read_message
from shared.settings import load
from shared.store.client import make_store
from simulators.twilio.caller.plan import CALLED_NUMBER, CallPlan, Do
from simulators.twilio.codes import CLOSED_BY_SERVER, MALFORMED_MESSAGE
from simulators.twilio.record import CallRecord, Logged, MediaStream
from simulators.twilio.simulator import LiveCall
from tests.support.redis_samples import KEYS, ONE, make_call
from tests.support.waiting import wait_until

SCENARIO = Scenario(
    name="x",
    agent="sales",
    from_number="+15550006789",
    limit_ms=5000.0,
    steps=(Say(line=1, words=Words(text="Hello?"), now=True),),
)


class Stack:
    """As far as a call asks."""

    public_url = "https://demo.trunkline.test"

    def __init__(self, redis_url: str = "redis://127.0.0.1:9/0") -> None:
        self.redis_url = redis_url


class Live:
    """A call that has just begun."""

    def __init__(self) -> None:
        self.call_sid = ONE
        self.record = CallRecord(call_sid=ONE, from_number="", to_number="", zero_ms=0.0)

    def now_ms(self) -> float:
        return 1234.0


def call(stack: Stack, way: Way = Way.SCENARIO) -> Call:
    part = Part(
        scenario=SCENARIO, files="x", agent=Listed("sales", "en", [], []), language="en",
        voice=Voice.WRITTEN, clips={}, script=script_of(SCENARIO, "en"), model_voice=ModelVoice(),
    )  # fmt: skip
    console = Console(file=io.StringIO())
    return Call(
        stack=cast(Any, stack),
        settings=load(env_file=None),
        console=console,
        part=part,
        way=way,
        handset=None,
    )


Placing = Callable[[CallPlan, Timeline, Watch, str], Any]


def placed_by(monkeypatch: pytest.MonkeyPatch, does: Placing) -> None:
    """`staging.place` with a caller of the test's own."""

    async def place(
        _stack: object,
        _settings: object,
        _console: object,
        timeline: Timeline,
        plan: CallPlan,
        *,
        agent: str,
        begun: Callable[[LiveCall, Watch], None],
    ) -> Placed:
        live = Live()
        watch = Watch(
            redis_url="", keys=Keys(1), call_sid=ONE, now_ms=live.now_ms, on_seen=lambda _seen: None
        )
        begun(cast(LiveCall, live), watch)
        await does(plan, timeline, watch, agent)
        live.record.end_reason = "caller_hung_up"
        return Placed(watch=watch, record=live.record)

    monkeypatch.setattr(staging, "place", place)


async def test_a_scenario_becomes_a_caller_who_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers, its agent, its limit; a call that ended before its end went on to that limit."""
    plans: list[tuple[CallPlan, str]] = []

    async def does(plan: CallPlan, _timeline: Timeline, _watch: Watch, agent: str) -> None:
        plans.append((plan, agent))

    placed_by(monkeypatch, does)
    tried = await call(Stack()).place()
    ((plan, agent),) = plans
    assert (plan.from_number, plan.to_number, agent) == ("+15550006789", CALLED_NUMBER, "sales")
    assert (plan.hang_up_after_ms, plan.stop_at_failure) == (5000.0, False)
    assert plan.status_callback == "https://demo.trunkline.test/call-status"
    course = next(each for each in tried.verdicts if "comes to the end" in each.expected)
    assert course.got.startswith("it went on to its limit of 5 s")


async def test_what_cannot_be_spoken_reaches_the_brain_in_writing(
    monkeypatch: pytest.MonkeyPatch, valkey_url: str
) -> None:
    """As the caller's own words, and stands in the timeline."""
    store = make_store(valkey_url, name="test")
    await make_call(store, ONE, 1_000)
    lines: list[tuple[Who, str]] = []

    async def written() -> list[object]:
        entries = await store.xrange(KEYS.control(ONE))
        return [read_message(entry_id, fields).message for entry_id, fields in entries]

    async def does(plan: CallPlan, timeline: Timeline, _watch: Watch, _agent: str) -> None:
        step = next(iter(plan.steps))
        assert isinstance(step, Do)
        step.action()

        async def is_there() -> bool:
            return InWriting(text="Hello?") in await written()

        await wait_until(is_there, "it was written")
        lines.extend((line.who, line.said) for line in timeline.take_rest())

    placed_by(monkeypatch, does)
    await call(Stack(valkey_url)).place()
    await store.aclose()
    assert lines == [(Who.CALLER, "Hello?")]


@pytest.mark.parametrize(
    ("close_code", "complaints"),
    [(1000, []), (None, []), (1011, ["31921 the bridge closed the socket"])],
)
def test_a_stream_that_we_end_properly_is_no_complaint(close_code: int | None, complaints: list[str]) -> None:
    """That is how an agent hangs up; Twilio warns of it all the same."""
    record = CallRecord(call_sid=ONE, from_number="", to_number="", zero_ms=0.0)
    stream = MediaStream(number=1, stream_sid="MZ", url="", parameters={}, asked_at_ms=0.0)
    stream.close_code = close_code
    record.streams.append(stream)
    record.logged.append(Logged(CLOSED_BY_SERVER, "the bridge closed the socket", 0.0))
    stream.violations.append(Logged(MALFORMED_MESSAGE, "x", 0.0))
    assert complaints_of(record) == [*complaints, "31950 x"]
