"""Sessions of a call, one behind the other, with engines that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model import attempts, lifeline
from brain.model import sessions as sessions_module
from brain.model.engine import Engine, Listener, Opened, SeedItem, ToModel
from brain.model.lifeline import Lifeline, Rollover
from brain.model.sessions import Sessions
from brain.sequencer.actions import SendCancel
from brain.sequencer.inputs import Input
from shared.logs.log import get_log
from tests.support.waiting import wait_until

PAST = (SeedItem(kind="message", role="user", text="שלום"),)


class Clock:
    ms = 5_000.0


@dataclass
class FakeEngine:
    """A session that lives until it is told to end."""

    number: int
    seeded: bool
    life_ms: float = 0.0
    open_fails: EngineError | None = None
    seed_fails: EngineError | None = None
    appended_id: bytes = b""
    proven_id: bytes = b""
    queued_events: int = 0
    seeds: list[tuple[SeedItem, ...]] = field(default_factory=list)
    done: list[ToModel] = field(default_factory=list)
    is_told: bool = False
    is_stuck: bool = False
    is_running: bool = False
    is_closed: bool = False
    opens: asyncio.Event | None = None
    """None: at once."""
    takes_seeds: asyncio.Event | None = None
    closes: asyncio.Event | None = None
    _end: asyncio.Future[EngineError] | None = None
    _ended: EngineError | None = None
    """It ended between its beginning, which the host is told of, and its run."""

    async def open(self) -> Opened:
        if self.opens is not None:
            await self.opens.wait()
        if self.open_fails is not None:
            raise self.open_fails
        return Opened(session_id=f"sess_{self.number}", life_ms=self.life_ms)

    async def seed(self, items: tuple[SeedItem, ...]) -> None:
        self.is_told = True
        if self.takes_seeds is not None:
            await self.takes_seeds.wait()
        if self.seed_fails is not None:
            raise self.seed_fails
        self.seeds.append(items)

    async def run(self, listener: Listener) -> EngineError:
        self.is_running = True
        self._end = asyncio.get_running_loop().create_future()
        return self._ended or await self._end

    def end(self, cause: str, *, fatal: bool = False) -> None:
        if self._end is None:
            self._ended = EngineError(cause, fatal=fatal)
        elif not self._end.done():
            self._end.set_result(EngineError(cause, fatal=fatal))

    def do(self, action: ToModel) -> None:
        if self.is_stuck:
            raise EngineError("socket_stuck")
        self.done.append(action)

    async def become(self, agent: object, tools: object) -> bool:
        return True

    def rewrite(self, item_id: str, text: str) -> None: ...

    def append(self, audio: bytes, entry_id: bytes) -> bool:
        return True

    def when_drained(self, then: Callable[[], None]) -> None: ...

    async def close(self) -> None:
        if self.closes is not None:
            await self.closes.wait()
        self.is_closed = True
        if self._end is not None:
            self.end("closed_1000")


@dataclass
class FakeHost:
    """Notes what it is told."""

    told: list[str] = field(default_factory=list)
    knows: asyncio.Event | None = None
    """When it is known who answers; None: at once."""
    casts: list[bool | EngineError] = field(default_factory=list)
    """What becomes of the next engines that are to serve; all others can."""
    asked: int = 0
    """How often it was asked who answers."""
    lives_ms: list[float] = field(default_factory=list)

    def seed(self) -> tuple[SeedItem, ...]:
        return PAST

    async def cast(self, engine: Engine) -> bool:
        self.asked += 1
        if self.knows is not None:
            await self.knows.wait()
        answer = self.casts.pop(0) if self.casts else True
        if isinstance(answer, EngineError):
            raise answer
        return answer

    def session_begins(self, engine: Engine, opened: Opened) -> None:
        self.lives_ms.append(opened.life_ms)
        self.told.append(f"begins {opened.session_id}")

    def session_ends(self, cause: str) -> None:
        self.told.append(f"ends {cause}")

    def rollover_due(self, rollover: Rollover) -> None:
        self.told.append("rollover due")


class FakeListener:
    """Hears nothing of interest."""

    def on_input(self, input_: Input) -> None: ...

    def on_audio(self, response_id: str, item_id: str, audio: bytes) -> None: ...

    def on_said(self, said: object) -> None: ...

    def on_server_tool(self, tool: object) -> None: ...

    def on_voice(self, item_id: str, *, begins: bool, ago_ms: float) -> None: ...

    def on_usage(self, used: object) -> None: ...

    def on_trouble(self, code: str, *, known: bool) -> None: ...


@dataclass
class Stage:
    """Sessions under test, and every engine that they made. `plans`: how the n-th engine behaves."""

    plans: dict[int, Callable[[FakeEngine], None]] = field(default_factory=dict)
    host: FakeHost = field(default_factory=FakeHost)
    engines: list[FakeEngine] = field(default_factory=list)
    counters: BrainCounters = field(default_factory=BrainCounters)
    has_past: bool = False

    def make(self, number: int, seeded: bool) -> Engine:
        engine = FakeEngine(number, seeded)
        self.plans.get(number, lambda _: None)(engine)
        self.engines.append(engine)
        return engine

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Sessions, asyncio.Task[EngineError]]]:
        sessions = Sessions(
            self.make,
            self.host,
            FakeListener(),
            Lifeline(),
            self.counters,
            get_log(),
            has_past=self.has_past,
        )
        task = asyncio.create_task(sessions.run())
        try:
            yield sessions, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await sessions.close()
        assert all(engine.is_closed for engine in self.engines), "an engine was left open"

    async def told(self, what: str) -> None:
        await wait_until(lambda: what in self.host.told, f"the host is told {what!r}")


async def test_the_first_session_of_a_call_is_told_nothing() -> None:
    """Without a past there is no seed, and the server may answer from the beginning."""
    stage = Stage()
    async with stage.running():
        await stage.told("begins sess_1")

        assert (stage.engines[0].seeded, stage.engines[0].seeds) == (False, [])


async def test_a_taken_over_call_is_told_its_past() -> None:
    """Another brain had the call: its first session here is seeded."""
    stage = Stage(has_past=True)
    async with stage.running():
        await stage.told("begins sess_1")

        assert (stage.engines[0].seeded, stage.engines[0].seeds) == (True, [PAST])


async def test_a_lost_session_is_replaced_and_told_what_was_said() -> None:
    """The end is told before the beginning of the next, which knows the past."""
    stage = Stage()
    async with stage.running():
        await stage.told("begins sess_1")
        stage.engines[0].end("closed_1006")
        await stage.told("begins sess_2")

        assert stage.host.told == ["begins sess_1", "ends closed_1006", "begins sess_2"]
        assert stage.engines[1].seeds == [PAST]
        assert stage.counters.sessions_lost == 1


async def test_a_session_that_is_given_up_is_replaced_like_a_lost_one() -> None:
    """At once, though its socket says nothing; asked between two sessions, it is nobody's."""
    stage = Stage()
    async with stage.running() as (sessions, _):
        sessions.replace("too early")
        await stage.told("begins sess_1")
        sessions.replace("create_unanswered")
        sessions.replace("again")
        await stage.told("begins sess_2")

        assert stage.host.told == ["begins sess_1", "ends create_unanswered", "begins sess_2"]
        assert stage.counters.sessions_lost == 1


async def test_a_fatal_end_is_not_tried_again() -> None:
    """A key that was refused is refused again."""
    stage = Stage()
    async with stage.running() as (_, task):
        await stage.told("begins sess_1")
        stage.engines[0].end("insufficient_quota", fatal=True)

        assert (await task).cause == "insufficient_quota"
        assert len(stage.engines) == 1


async def test_a_session_that_cannot_be_opened_is_tried_again() -> None:
    """One refusal that may pass does not end the call; the engine that failed is closed."""

    def refuse(engine: FakeEngine) -> None:
        engine.open_fails = EngineError("connect_failed")

    stage = Stage(plans={1: refuse})
    async with stage.running():
        await stage.told("begins sess_2")

        assert stage.engines[0].is_closed
        assert stage.counters.sessions_failed == 1


async def test_a_seed_that_fails_costs_that_session_only() -> None:
    """The next one is told the same."""

    def forget(engine: FakeEngine) -> None:
        engine.seed_fails = EngineError("seed_timeout")

    stage = Stage(plans={2: forget})
    async with stage.running():
        await stage.told("begins sess_1")
        stage.engines[0].end("closed_1011")
        await stage.told("begins sess_3")

        assert stage.engines[2].seeds == [PAST]


def short(engine: FakeEngine) -> None:
    engine.life_ms = 600.0


async def test_a_rollover_opens_the_next_session_before_it_leaves_the_old() -> None:
    """The old one serves until the quiet moment; the standby is seeded then, not before."""
    stage = Stage(plans={1: short})
    async with stage.running() as (sessions, _):
        await stage.told("rollover due")
        standby = stage.engines[1]
        assert (standby.seeded, standby.seeds, stage.engines[0].is_closed) == (True, [], False)
        sessions.roll()
        await stage.told("begins sess_2")

        assert stage.host.told == ["begins sess_1", "rollover due", "ends rollover", "begins sess_2"]
        assert standby.seeds == [PAST]
        await wait_until(lambda: stage.engines[0].is_closed, "the old session is closed")
        assert (stage.counters.rollovers, stage.counters.sessions_lost) == (1, 0)


async def test_a_session_lost_while_its_successor_waits_is_followed_by_it() -> None:
    """The standby saves the time of connecting."""
    stage = Stage(plans={1: short})
    async with stage.running():
        await stage.told("rollover due")
        stage.engines[0].end("session_expired")
        await stage.told("begins sess_2")

        assert len(stage.engines) == 2


async def test_closing_ends_everything_at_once() -> None:
    """No session is opened any more, and none is left open."""
    stage = Stage()
    async with stage.running() as (sessions, task):
        await stage.told("begins sess_1")
        await sessions.close()
        await asyncio.wait_for(task, 5)

        assert len(stage.engines) == 1


async def test_the_engine_that_serves_is_told_and_between_two_nobody() -> None:
    """What the sequencer asks for while there is no session is owed to the next one."""
    stage = Stage()
    action = SendCancel(event_id="e", response_id="r")
    async with stage.running() as (sessions, _):
        await wait_until(lambda: sessions.serving is not None, "a session serves")
        assert sessions.do(action)
        stage.engines[0].queued_events = 3
        assert sessions.queued_events == 3
        await sessions.close()

        assert not sessions.do(action)
        assert sessions.queued_events == 0
        assert stage.engines[0].done == [action]


async def test_an_engine_that_takes_nothing_any_more_is_replaced() -> None:
    """Closing it makes its reader report the loss; the next one serves."""
    stage = Stage()
    async with stage.running() as (sessions, _):
        await wait_until(lambda: bool(stage.engines and stage.engines[0].is_running), "the first serves")
        stage.engines[0].is_stuck = True

        assert not sessions.do(SendCancel(event_id="e", response_id="r"))
        assert sessions.serving is None
        await wait_until(lambda: len(stage.engines) == 2 and stage.engines[1].is_running, "the next serves")
        assert stage.engines[0].is_closed


async def test_a_session_that_does_not_answer_is_replaced_at_once() -> None:
    """Handled as a lost one; nothing is told to it from then on, and its close is not waited for."""

    def slow_to_close(engine: FakeEngine) -> None:
        engine.closes = asyncio.Event()

    stage = Stage(plans={1: slow_to_close})
    async with stage.running() as (sessions, _):
        await stage.told("begins sess_1")
        sessions.replace("create_unanswered")
        sessions.replace("once is enough")

        assert not sessions.do(SendCancel(event_id="e", response_id="r"))
        await stage.told("begins sess_2")
        assert stage.host.told == ["begins sess_1", "ends create_unanswered", "begins sess_2"]
        assert not stage.engines[0].is_closed
        assert stage.counters.sessions_lost == 1
        assert stage.engines[0].closes is not None
        stage.engines[0].closes.set()


async def test_replacing_without_end_ends() -> None:
    """A model that never works is not asked for ever: the caller hears an apology."""
    stage = Stage()
    async with stage.running() as (sessions, task):
        for number in range(1, 6):
            await stage.told(f"begins sess_{number}")
            sessions.replace("silent")

        assert (await task).cause == "session_unstable"


async def test_where_no_session_serves_none_is_replaced() -> None:
    """The next one is not to blame."""
    stage = Stage()
    async with stage.running() as (sessions, _):
        sessions.replace("too early")
        await stage.told("begins sess_1")

        assert sessions.serving is not None


async def test_a_rollover_ends_with_its_session() -> None:
    """What was planned for one that is gone is nobody's plan."""
    stage = Stage(plans={1: short})
    async with stage.running() as (sessions, _):
        await stage.told("begins sess_1")
        assert sessions.rollover is not None
        sessions.replace("silent")

        assert sessions.rollover is None
        await stage.told("begins sess_2")
        assert sessions.rollover is None


async def test_a_session_that_hangs_gets_another_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that is ready serves; the other is closed."""
    monkeypatch.setattr(attempts, "BESIDE_AFTER_MS", 20.0)

    def hang(engine: FakeEngine) -> None:
        engine.opens = asyncio.Event()

    stage = Stage(plans={1: hang})
    async with stage.running():
        await stage.told("begins sess_2")

        assert stage.host.told == ["begins sess_2"]
        await wait_until(lambda: stage.engines[0].is_closed, "the one that hangs is closed")
        assert stage.counters.sessions_beside == 1


async def test_a_standby_that_does_not_take_the_past_gets_another_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may have died while it waited."""
    monkeypatch.setattr(attempts, "BESIDE_AFTER_MS", 20.0)

    def deaf(engine: FakeEngine) -> None:
        engine.takes_seeds = asyncio.Event()

    stage = Stage(plans={1: short, 2: deaf})
    async with stage.running() as (sessions, _):
        await stage.told("rollover due")
        sessions.roll()
        await stage.told("begins sess_3")

        assert stage.engines[2].seeds == [PAST]
        await wait_until(lambda: stage.engines[1].is_closed, "the deaf one is closed")


async def test_an_outage_of_servers_that_say_nothing_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many attempts hang side by side."""
    monkeypatch.setattr(attempts, "BESIDE_AFTER_MS", 10.0)
    monkeypatch.setattr(attempts, "BESIDE_AGAIN_MS", 10.0)
    monkeypatch.setattr(lifeline, "OUTAGE_MS", 150.0)

    def hang(engine: FakeEngine) -> None:
        engine.opens = asyncio.Event()

    stage = Stage(plans=dict.fromkeys(range(1, 99), hang))
    async with stage.running() as (_, task):
        assert (await task).cause == "session_unconfirmed"
        assert len(stage.engines) == attempts.MAX_ATTEMPTS


async def test_closing_ends_attempts_that_hang() -> None:
    """The caller hung up while the session was opened."""

    def hang(engine: FakeEngine) -> None:
        engine.opens = asyncio.Event()

    stage = Stage(plans={1: hang})
    async with stage.running() as (sessions, task):
        await wait_until(lambda: bool(stage.engines), "an attempt is under way")
        await sessions.close()

        assert (await asyncio.wait_for(task, 5)).cause == "closed"
        assert len(stage.engines) == 1


async def test_no_session_serves_before_it_is_known_who_answers() -> None:
    """It is open by then, and waits; a call that ends meanwhile has none."""
    stage = Stage(host=FakeHost(knows=asyncio.Event()))
    async with stage.running() as (sessions, _):
        await wait_until(lambda: stage.host.asked == 1, "the first is open, and waits")
        assert (stage.host.told, sessions.serving) == ([], None)
        assert stage.host.knows is not None
        stage.host.knows.set()
        await stage.told("begins sess_1")

    waiting = Stage(host=FakeHost(knows=asyncio.Event()))
    async with waiting.running():
        await wait_until(lambda: bool(waiting.engines), "the first is opened")
    assert waiting.host.told == []


@pytest.mark.parametrize("answer", [False, EngineError("session_refused")])
async def test_a_session_that_cannot_be_whoever_answers_is_followed_by_one_that_can(
    answer: bool | EngineError,
) -> None:
    """It is closed, and nobody hears of it."""
    stage = Stage(host=FakeHost(casts=[answer]))
    async with stage.running():
        await stage.told("begins sess_2")

        assert stage.host.told == ["begins sess_2"]
        await wait_until(lambda: stage.engines[0].is_closed, "the first is closed")


async def test_a_change_over_opens_the_next_session_before_it_leaves_the_old() -> None:
    """As a rollover does; and it knows the past."""
    stage = Stage()
    async with stage.running() as (sessions, _):
        await stage.told("begins sess_1")
        await sessions.change_over()
        await stage.told("begins sess_2")

        assert stage.host.told == ["begins sess_1", "ends rollover", "begins sess_2"]
        assert stage.engines[1].seeds == [PAST]
        assert (stage.counters.rollovers, stage.counters.sessions_lost) == (1, 0)


async def test_a_change_over_that_fails_leaves_all_as_it_was() -> None:
    """Whoever asked for it is told."""

    def refuse(engine: FakeEngine) -> None:
        engine.open_fails = EngineError("connect_failed")

    stage = Stage(plans={2: refuse})
    async with stage.running() as (sessions, _):
        await stage.told("begins sess_1")
        with pytest.raises(EngineError, match="connect_failed"):
            await sessions.change_over()

        assert stage.host.told == ["begins sess_1"]
        assert sessions.serving is stage.engines[0]
        await wait_until(lambda: stage.engines[1].is_closed, "the one that failed is closed")


async def test_a_change_over_takes_the_place_of_a_standby() -> None:
    """That was opened for whoever answered before."""
    stage = Stage(plans={1: short})
    async with stage.running() as (sessions, _):
        await stage.told("rollover due")
        await sessions.change_over()
        await stage.told("begins sess_3")

        await wait_until(lambda: stage.engines[1].is_closed, "the standby is closed")


@pytest.mark.parametrize("is_change", [True, False])
async def test_a_session_ages_from_when_it_was_opened(
    is_change: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from when it serves: it was opened before, or was told the past for a while."""
    hour_ms, clock = 3_600_000.0, Clock()
    for module in (attempts, sessions_module):
        monkeypatch.setattr(module, "now_ms", lambda: clock.ms)

    def slow(engine: FakeEngine) -> None:
        engine.life_ms, engine.takes_seeds = hour_ms, asyncio.Event()

    stage = Stage(plans={2: slow})
    async with stage.running() as (sessions, _):
        await stage.told("begins sess_1")
        if is_change:
            await sessions.change_over()
        else:
            stage.engines[0].end("closed_1006")
        await wait_until(lambda: stage.engines[-1].is_told, "the next one is told the past")
        clock.ms += 600.0
        seeded = stage.engines[1].takes_seeds
        assert seeded is not None
        seeded.set()
        await stage.told("begins sess_2")

        assert stage.host.lives_ms[-1] == hour_ms - 600.0
        assert sessions.rollover is not None
        assert sessions.rollover.force_at_ms == Clock.ms + hour_ms - lifeline.FORCE_BEFORE_MS
