"""Plays one row: calls, the fault at the right step of one of them, the record of it all.

Why it exists: "while the tool runs" must mean the same for every fault. Owns: the calls of a row, the moment,
the end of the row. Must not know: how a fault is brought about, or what is allowed.

The call that is looked at begins last, once all others have their owners: the process that has it is hit,
with all that it has besides.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from console.stack.readiness import why_not_ready
from proofs.prove.chaos import census, story, trouble
from proofs.prove.chaos.evidence.shapes import Call, Census, Evidence, Length
from proofs.prove.chaos.faults import Nothing, Role, Row, Soaked, Step, Stopped, Story
from proofs.prove.chaos.patience import Patience
from proofs.prove.chaos.recorder import call_of
from proofs.prove.chaos.stage import Stage
from proofs.prove.roles import failpoint
from shared.contract.card import PeopleView
from shared.contract.keys import Keys
from shared.ownership.steps import read_view
from shared.process.tasks import cancel_all
from shared.store.errors import STORE_ERRORS
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallPlan, Do, LiveCall
from simulators.twilio.caller.plan import DialOutcome
from simulators.twilio.phone_call import new_sid

POLL_S: Final = 0.01
LOOK_S: Final = 0.1
SAMPLE_S: Final = 0.25
BEGIN_WITHIN_S: Final = 1.0
"""All calls but the last one begin in this time, by chance."""

MOMENT_WITHIN_S: Final = 40.0
INTO_MS: Final = 1_000.0
SPEAKING_MS: Final = 900.0
FAREWELL_MS: Final = 400.0
LONGEST_MS: Final = 90_000.0
BASE_LINE_WITHIN_S: Final = 30.0
BACK_WITHIN_S: Final = 120.0
SERVED_S: Final = 0.05
"""How often it is asked whether a role is served again."""

DEPLOY_WITHIN_S: Final = 120.0
SLOW_OPENING_MS: Final = 1_400.0
"""Of the call whose opening is to be hit: long enough to be."""

KEYS: Final = Keys(1)


@dataclass(slots=True)
class _Player:
    """One call of a row."""

    number: int
    call: LiveCall
    patience: Patience
    is_finished: bool = False
    is_hit: bool = False


@dataclass(slots=True)
class Director:
    """Of one row on one stage; `play` it once."""

    stage: Stage
    row: Row
    seed: int
    _players: list[_Player] = field(default_factory=list)
    _lengths: list[Length] = field(default_factory=list)
    _faults_ms: list[float] = field(default_factory=list)
    _back_ms: float | None = None
    _is_over: bool = False
    """The fault has passed: callers need say no more."""

    async def play(self) -> Evidence:
        """Makes the calls and records them. Cancelling it hangs them up and takes the fault away."""
        stage, row = self.stage, self.row
        runs = len(stage.tool.runs)
        before = await self._census()
        helpers = [asyncio.create_task(self._look()), asyncio.create_task(self._sample())]
        problem = ""
        fault: asyncio.Task[None] | None = None
        try:
            await self._begin_others()
            armed = self._arm()
            lead = self._begin()
            if row.step is Step.OPENING:
                stage.cast.opening_ms[lead.call.call_sid] = SLOW_OPENING_MS
            fault = asyncio.create_task(self._fault(lead, armed))
            await asyncio.gather(*(player.call.finished() for player in self._players))
            await fault
        except* (trouble.TroubleFailed, TimeoutError) as errors:
            problem = str(errors.exceptions[0]) or f"expected the step {row.step} of a call, got none"
        finally:
            self._is_over = True
            for player in self._players:
                player.call.hang_up()
            await cancel_all([*helpers, *([fault] if fault is not None else [])])
        await asyncio.gather(*(player.call.finished() for player in self._players))
        after = await self._until_base_line(before)
        evidence = Evidence(
            row=row.name,
            seed=self.seed,
            problem=problem,
            faults_ms=self._faults_ms,
            back_ms=self._back_ms,
            network_ms=stage.network_ms,
            calls=[self._recorded(player) for player in self._players],
            tool_runs=stage.tool.runs[runs:],
            lengths=self._lengths,
            before=before,
            after=after,
        )
        for player in self._players:
            _forget(stage.sessions_of(player.call.call_sid))
        return evidence

    # Private.

    # Calls.

    async def _begin_others(self) -> None:
        chance = Random(f"{self.seed}/{self.row.name}")
        for _ in range(self.row.calls - 1):
            self._begin()
            await asyncio.sleep(chance.uniform(0, 2 * BEGIN_WITHIN_S / self.row.calls))
        for player in self._players:
            async with asyncio.timeout(MOMENT_WITHIN_S):
                while not await self._owner(player, "egress"):  # noqa: ASYNC110 - Redis is asked
                    await asyncio.sleep(LOOK_S)

    def _begin(self) -> _Player:
        stage, row = self.stage, self.row
        call_sid, number = new_sid("CA"), len(self._players) + 1
        stage.cast.numbers[call_sid] = number
        stage.cast.stories[call_sid] = row.story

        def finish() -> None:
            player.is_finished = True

        steps = story.steps(
            row.story,
            number,
            row.turns,
            lambda: player.patience.is_settled,
            lambda: self._is_over or not row.is_outlasted,
            Do(finish),
        )
        longest_ms = LONGEST_MS
        if row.is_outlasted:
            longest_ms += 1000 * (row.fault.lasts_s if isinstance(row.fault, Soaked) else DEPLOY_WITHIN_S)
        plan = CallPlan(
            steps,
            to_number=story.NUMBER,
            status_callback=f"{stage.stack.public_url}/call-status",
            hang_up_after_ms=longest_ms,
            stop_at_failure=False,
            dials=(DialOutcome("no-answer", 2_000),),
        )
        call = stage.twilio.start_call(plan, call_sid=call_sid)
        player = _Player(number, call, Patience(call, lambda: stage.sessions_of(call_sid)))
        self._players.append(player)
        return player

    def _recorded(self, player: _Player) -> Call:
        sessions = self.stage.sessions_of(player.call.call_sid)
        return call_of(
            player.number,
            player.call.record,
            sessions,
            is_hit=player.is_hit,
            is_finished=player.is_finished,
        )

    async def _look(self) -> None:
        while True:
            for player in self._players:
                player.patience.look()
            await asyncio.sleep(LOOK_S)

    # The fault.

    def _arm(self) -> failpoint.Armed | None:
        """Before the call begins whose claim is to be hit."""
        role = self.row.role
        if self.row.step is not Step.CLAIM or role is None:
            return None
        number = signal.SIGSTOP if isinstance(self.row.fault, Stopped) else signal.SIGKILL
        point = "attach" if role == "ingress" else "claim"
        return failpoint.arm(self.stage.failpoints, role, point, number)

    async def _fault(self, lead: _Player, armed: failpoint.Armed | None) -> None:
        row = self.row
        try:
            async with asyncio.TaskGroup() as group:
                if row.bounds.with_boot and row.role is not None:
                    group.create_task(self._note_back(row.role))
                if armed is not None:
                    await self._hit_by_itself(lead, armed)
                else:
                    await self._strike(lead)
        finally:
            self._is_over = True
        if await self.stage.is_whole() and self._back_ms is None:
            self._back_ms = time.monotonic() * 1000

    async def _strike(self, lead: _Player) -> None:
        """At the row's step of the call that is looked at."""
        row = self.row
        await self._until(self._moments(lead)[row.step])
        process = "" if row.role is None else await self._owner(lead, row.role)
        if not process and isinstance(row.fault, trouble.OF_ONE):
            raise trouble.TroubleFailed(f"expected a {row.role} that has the call, got none")
        await self._mark_hit(process)
        await trouble.bring(self.stage, row.fault, process, self._faults_ms, self.seed)

    async def _note_back(self, role: Role) -> None:
        """When a process of the role is ready again, after none was."""
        stack = self.stage.stack
        ports = [stack.admin_port(role, number) for number in range(stack.options.workers.get(role, 0))]

        async def is_served() -> bool:
            return not all(await asyncio.gather(*(why_not_ready(port) for port in ports)))

        async with asyncio.timeout(BACK_WITHIN_S):
            while await is_served():  # noqa: ASYNC110 - processes are asked
                await asyncio.sleep(SERVED_S)
            while not await is_served():  # noqa: ASYNC110 - processes are asked
                await asyncio.sleep(SERVED_S)
        self._back_ms = time.monotonic() * 1000

    async def _hit_by_itself(self, lead: _Player, armed: failpoint.Armed) -> None:
        """The process meets the step that was armed."""
        pids = await self.stage.stack.pids()
        await self._until(lambda: armed.pid is not None)
        self._faults_ms.append(time.monotonic() * 1000)
        pid = armed.pid
        assert pid is not None
        lead.is_hit = True
        await self._mark_hit(next((name for name, each in pids.items() if each == pid), ""))
        armed.clear()
        if isinstance(self.row.fault, Stopped):
            await trouble.let_go(pid, self.row.fault.lasts_s)

    async def _mark_hit(self, process: str) -> None:
        """Which calls the fault is about: those of one process, or all where it is not one."""
        row = self.row
        if isinstance(row.fault, Nothing):
            return
        for player in self._players:
            is_of_all = row.role is None or not isinstance(row.fault, trouble.OF_ONE)
            if is_of_all or (process and await self._owner(player, row.role or "brain") == process):
                player.is_hit = True

    async def _owner(self, player: _Player, role: Role) -> str:
        """supervisord's name of the process that has a role of the call; empty: nobody has."""
        try:
            card = await read_view(self.stage.store, KEYS, player.call.call_sid, PeopleView)
        except STORE_ERRORS:
            return ""
        if card is None:
            return ""
        workers = {"ingress": card.ingress, "brain": card.brain, "egress": card.egress}
        return workers[role].partition("@")[0]

    # Moments.

    def _moments(self, lead: _Player) -> dict[Step, Callable[[], bool]]:
        call_sid, record, cast = lead.call.call_sid, lead.call.record, self.stage.cast

        def plays_for(ms: float) -> bool:
            playout = record.playout
            return playout.playing and playout.reply_played_ms(lead.call.now_ms()) >= ms

        def has_spoken() -> bool:
            words = record.utterances
            return bool(words) and lead.call.now_ms() > words[0].voice_ended_at_ms

        def is_answered(ms: float) -> bool:
            if not has_spoken() or not record.playbacks:
                return False
            began_ms = record.playbacks[-1].started_at_ms
            return began_ms > record.utterances[0].voice_ended_at_ms and plays_for(ms)

        def speaks() -> bool:
            words = record.utterances
            return bool(words) and lead.call.now_ms() >= words[0].started_at_ms + SPEAKING_MS

        def transfers() -> bool:
            items = [item for each in self.stage.sessions_of(call_sid) for item in each.items.values()]
            return any(item.role == "function_call" for item in items)

        return {
            Step.CLAIM: lambda: bool(record.streams),
            Step.OPENING: lambda: cast.asked.get(call_sid, 0) > 0,
            Step.GREETING: lambda: plays_for(INTO_MS),
            Step.CALLER: speaks,
            Step.MODEL: lambda: is_answered(INTO_MS),
            Step.TOOL: lambda: call_sid in self.stage.tool.running,
            Step.TRANSFER: transfers,
            Step.FAREWELL: lambda: self.row.story is Story.FAREWELL and is_answered(FAREWELL_MS),
        }

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(MOMENT_WITHIN_S):
            while not condition():  # noqa: ASYNC110 - the simulators' records, which tell nobody of a change
                await asyncio.sleep(POLL_S)

    # What is left.

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            sids = [player.call.call_sid for player in self._players]
            try:
                async with self.stage.store.pipeline(transaction=False) as pipeline:
                    for sid in sids:
                        pipeline.xlen(KEYS.caller(sid))
                        pipeline.xlen(KEYS.reply(sid))
                    found = await pipeline.execute()
            except STORE_ERRORS:
                continue  # Redis may be what is hit: one sample less.
            now_ms = time.monotonic() * 1000
            for at, sid in enumerate(sids):
                self._lengths.append(Length(now_ms, sid, found[2 * at], found[2 * at + 1]))

    async def _census(self) -> Census:
        return await census.take(self.stage.stack, self.stage.store, self.stage.model.sessions)

    async def _until_base_line(self, before: Census) -> Census:
        """What there is once nothing is left of the row, or after all the time that it may take."""
        deadline_s = time.monotonic() + BASE_LINE_WITHIN_S
        while True:
            after = await self._census()
            is_back = after.sessions <= before.sessions and all(
                count <= before.keys.get(kind, 0) for kind, count in after.keys.items()
            )
            if is_back or time.monotonic() > deadline_s:
                return after
            await asyncio.sleep(LOOK_S * 5)


# Private.


def _forget(sessions: Iterable[SessionRecord]) -> None:
    """What is written down need not be kept for a hundred rows more."""
    for session in sessions:
        session.appended_audio.clear()
        session.appended_at.clear()
        session.sent.clear()
        session.received.clear()
