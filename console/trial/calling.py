"""One call of a try: its caller by scenario, by keyboard or by microphone, from the webhook to its verdicts.

Owns: which caller that is, what connects them with the call, what of the call is judged. Must not know: how a
caller acts (acting, typed), when an expectation is met (judge).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.markup import escape

from console.demo import staging
from console.demo.staging import Placed
from console.demo.timeline import Line, Timeline, Who
from console.demo.watch import Watch
from console.stack.launcher import Stack
from console.style import BRIDGE, DIM
from console.trial import sounds
from console.trial.acting import Acting, Stage
from console.trial.agents import Listed
from console.trial.heard import heard
from console.trial.judge import Story, Verdict, judge
from console.trial.model import ModelVoice, add_turn
from console.trial.scenario import Scenario
from console.trial.sounds import SoundError, Voice
from console.trial.typed import Lines, Said, TypedCaller
from console.trial.wanted import Way
from shared.contract.keys import Keys
from shared.contract.streams.control import InWriting, operator_command
from shared.process.tasks import cancel_all
from shared.settings import Settings
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS
from simulators.realtime.script import Script
from simulators.telephone.handset import Handset
from simulators.twilio import measures
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.plan import CALLED_NUMBER, CALLER_NUMBER, CallPlan, HangUp, Step, WaitUntil
from simulators.twilio.codes import CLOSED_BY_SERVER
from simulators.twilio.record import CallRecord
from simulators.twilio.simulator import LiveCall

NORMAL_CLOSE: Final = 1000
"""RFC 6455, section 7.4.1."""

TALK_LIMIT_MS: Final = 3_600_000.0

NO_MORE: Final = ""
"""In place of a line: there will be none any more. Blank lines are passed over."""


@dataclass(slots=True, kw_only=True)
class Part:
    """One scenario, ready to be played."""

    scenario: Scenario
    files: str
    """What its recording and its picture are called, without a suffix."""
    agent: Listed
    language: str
    voice: Voice
    """What becomes of texts that the caller says."""
    clips: dict[int, Clip]
    script: Script
    model_voice: ModelVoice


@dataclass(slots=True, kw_only=True)
class Tried:
    """What became of it."""

    part: Part
    placed: Placed
    verdicts: list[Verdict] = field(default_factory=list)
    """Empty where nothing was expected."""
    without_picture: str = ""
    """Why there is none."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call to come."""

    stack: Stack
    settings: Settings
    console: Console
    part: Part
    way: Way
    handset: Handset | None
    _timeline: Timeline = field(default_factory=Timeline)
    _live: LiveCall | None = None
    _watch: Watch | None = None
    _writing: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    _to_speak: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def place(self) -> Tried:
        """Places it, shows it, judges it. Cancelling it ends the call."""
        match self.way:
            case Way.SCENARIO:
                return await self._by_scenario()
            case Way.TYPED:
                return await self._by_keyboard()
            case Way.TALK:
                return await self._by_microphone()

    # Private.

    async def _by_scenario(self) -> Tried:
        acting = Acting(self.part.scenario, self.part.clips)

        def begun(live: LiveCall, watch: Watch) -> None:
            acting.stage = Stage(
                now_ms=live.now_ms,
                seen=watch.seen,
                hearing=live.record.playout,
                write=self._writing.put_nowait,
                tell=self._timeline.add,
            )

        placed = await self._place(acting.steps(), self.part.scenario.limit_ms, begun)
        return Tried(
            part=self.part, placed=placed, verdicts=judge(self.part.scenario, _story(acting, placed))
        )

    async def _by_keyboard(self) -> Tried:
        is_person = sys.stdin.isatty()
        give = self._to_speak.put_nowait
        lines = Lines(sys.stdin.fileno(), give, lambda: give(NO_MORE))
        typed = TypedCaller(write=self._write_by_hand, in_turn=not is_person, begun=lines.one_less)
        if is_person:
            self.console.print(f"[{BRIDGE}]Type what the caller says; Ctrl-D hangs up.[/]")

        def begun(_live: LiveCall, _watch: Watch) -> None:
            lines.open()

        speaking = asyncio.create_task(self._speak(typed), name="speak")
        try:
            placed = await self._place(typed.steps(), TALK_LIMIT_MS, begun)
        finally:
            lines.close()
            await cancel_all([speaking])
        return Tried(part=self.part, placed=placed)

    async def _by_microphone(self) -> Tried:
        over = asyncio.Event()
        lines = Lines(sys.stdin.fileno(), lambda _line: over.set(), over.set)
        self.console.print(f"[{BRIDGE}]Speak; Ctrl-D hangs up.[/]")

        def steps() -> Iterable[Step]:
            yield WaitUntil(over.is_set, "the end of the talk", TALK_LIMIT_MS)
            yield HangUp()

        try:
            placed = await self._place(steps(), TALK_LIMIT_MS, lambda _live, _watch: lines.open())
        finally:
            lines.close()
        return Tried(part=self.part, placed=placed)

    async def _place(
        self, steps: Iterable[Step], limit_ms: float, begun: Callable[[LiveCall, Watch], None]
    ) -> Placed:
        scenario = self.part.scenario
        plan = CallPlan(
            steps,
            from_number=scenario.from_number or CALLER_NUMBER,
            to_number=scenario.to_number or CALLED_NUMBER,
            status_callback=f"{self.stack.public_url}/call-status",
            fallback_url=f"{self.stack.public_url}/voice/fallback",
            hang_up_after_ms=limit_ms,
            stop_at_failure=False,
            handset=self.handset,
        )

        def known(live: LiveCall, watch: Watch) -> None:
            self._live = live
            begun(live, watch)

        async with self._writer():
            return await staging.place(
                self.stack,
                self.settings,
                self.console,
                self._timeline,
                plan,
                agent=scenario.agent,
                begun=known,
            )

    # What is written, and what is typed.

    def _write_by_hand(self, text: str) -> None:
        """A typed line that cannot be spoken."""
        assert self._live is not None, "the call has begun before anything is said"
        self._timeline.add(Line(at_ms=self._live.now_ms(), who=Who.CALLER, text="", said=text))
        self._writing.put_nowait(text)

    @contextlib.asynccontextmanager
    async def _writer(self) -> AsyncIterator[None]:
        """Within it texts of the caller's reach the call's brain in writing."""
        writing = asyncio.create_task(self._write(), name="write")
        try:
            yield
        finally:
            await cancel_all([writing])

    async def _write(self) -> None:
        keys = Keys(self.settings.lanes)
        store = make_store(self.stack.redis_url, name="try")
        try:
            while True:
                text = await self._writing.get()
                assert self._live is not None, "the call has begun before anything is said"
                try:
                    await store.execute(operator_command(keys, self._live.call_sid, InWriting(text=text)))
                except STORE_ERRORS as error:
                    self.console.print(f"[{DIM}]not written: {escape(str(error))}[/]")
        finally:
            await store.aclose()

    async def _speak(self, typed: TypedCaller) -> None:
        """Makes each line that is typed ready to be said, one after another."""
        while True:
            text = await self._to_speak.get()
            if text == NO_MORE:
                typed.end()
                return
            try:
                clip = await asyncio.to_thread(sounds.caller, text, self.part.language, self.part.voice)
            except SoundError as error:
                self.console.print(f"[{DIM}]{escape(str(error))}[/]")
                typed.begun()
                continue
            add_turn(self.part.script, text)
            typed.add(Said(text, clip))


def complaints_of(record: CallRecord) -> list[str]:
    """What Twilio's debugger would show, but for the warning of a stream that we ended properly: so a call
    ends that the agent ends."""
    is_proper = all(stream.close_code in (None, NORMAL_CLOSE) for stream in record.streams)
    return [
        f"{each.code} {each.text}"
        for each in (*record.logged, *record.violations)
        if not (is_proper and each.code == CLOSED_BY_SERVER)
    ]


# Private.


def _story(acting: Acting, placed: Placed) -> Story:
    record = placed.record
    return Story(
        heard=heard(placed.watch.seen),
        marks=acting.marks,
        owners=acting.owners,
        ran_out=record.end_reason == "caller_hung_up" and not acting.hung_up,
        failures=record.failures,
        complaints=complaints_of(record),
        ended_ms=record.ended_at_ms or 0.0,
        answers_ms=measures.response_times_ms(record),
        silences_ms=[
            each.silent_after_ms for each in measures.barge_ins(record) if each.clear_after_ms is not None
        ],
    )
