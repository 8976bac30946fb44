"""Plays one row: calls, the fault at the right step of one of them, the record of it all.

Why it exists: a row is calls, one blow and what follows, whatever the blow is. Owns: the calls of a row, whom
the blow hits, the end of the row. Must not know: how a fault is brought about, or what is allowed.

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
from proofs.prove.chaos import outside, story, trouble
from proofs.prove.chaos.evidence.shapes import Call, Evidence, Length
from proofs.prove.chaos.faults import (
    Abandoned,
    HostLost,
    Line,
    ModelAnswers,
    ModelLost,
    ModelSession,
    Nothing,
    OfTheOutside,
    Role,
    Row,
    ServerFault,
    Step,
    Stopped,
)
from proofs.prove.chaos.moments import moments
from proofs.prove.chaos.patience import Patience
from proofs.prove.chaos.recorder import call_of
from proofs.prove.chaos.setting.far_host import HOST_NAME
from proofs.prove.chaos.setting.stage import Stage
from proofs.prove.chaos.shapes.programs import ShapeFailed
from proofs.prove.roles import failpoint
from shared.contract.views import PeopleView
from shared.ownership.steps import read_view
from shared.process.tasks import cancel_all
from shared.store.errors import STORE_ERRORS
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallPlan, Do, LiveCall
from simulators.twilio.caller.plan import DialOutcome
from simulators.twilio.phone_call import new_sid

POLL_S: Final = 0.01
CLAIMED_WITHIN_S: Final = 0.5
LOOK_S: Final = 0.1
SAMPLE_S: Final = 0.25
BEGIN_WITHIN_S: Final = 1.0
"""All calls but the last one begin in this time, by chance."""

MOMENT_WITHIN_S: Final = 40.0
LONGEST_MS: Final = 90_000.0
BACK_WITHIN_S: Final = 120.0
SERVED_S: Final = 0.05
"""How often it is asked whether a role is served again."""

DEPLOY_WITHIN_S: Final = 120.0
NO_HELP: Final = 1_000_000
"""Requests to Twilio's API that fail, one after another."""

SLOW_OPENING_MS: Final = 1_400.0
"""Of the call whose opening is to be hit: long enough to be."""

OWNED: Final = ("brain", "egress")
"""Fields of the card: who has these roles."""


@dataclass(slots=True)
class _Player:
    """One call of a row."""

    number: int
    call: LiveCall
    patience: Patience
    is_finished: bool = False
    is_hit: bool = False
    owners: dict[str, list[str]] = field(default_factory=dict)
    """Role → the workers that had it, as they were seen."""


@dataclass(slots=True)
class Director:
    """Of one row on one stage; `play` it once."""

    stage: Stage
    row: Row
    seed: int
    first_number: int = 1
    """Of its calls: what is played beside it has other numbers."""
    _players: list[_Player] = field(default_factory=list)
    _lengths: list[Length] = field(default_factory=list)
    _faults_ms: list[float] = field(default_factory=list)
    _back_ms: float | None = None
    _is_over: bool = False
    """The fault has passed: callers need say no more."""

    async def play(self) -> Evidence:
        """Makes the calls and records them, but for what was there before and is left. Cancelling it hangs
        them up and takes the fault away."""
        stage, row = self.stage, self.row
        helpers = [asyncio.create_task(self._look()), asyncio.create_task(self._sample())]
        problem = ""
        fault: asyncio.Task[None] | None = None
        try:
            await self._begin_others()
            armed = self._arm()
            lead = self._begin(is_lead=True)
            if row.step is Step.OPENING:
                stage.cast.opening_ms[lead.call.call_sid] = SLOW_OPENING_MS
            fault = asyncio.create_task(self._fault(lead, armed))
            await asyncio.gather(*(player.call.finished() for player in self._players))
            await fault
        except* (trouble.TroubleFailed, ShapeFailed, TimeoutError) as errors:
            problem = str(errors.exceptions[0]) or f"expected the step {row.step} of a call, got none"
        finally:
            self._is_over = True
            for player in self._players:
                player.call.hang_up()
            await cancel_all([*helpers, *([fault] if fault is not None else [])])
        await asyncio.gather(*(player.call.finished() for player in self._players))
        own = {player.call.call_sid for player in self._players}
        evidence = Evidence(
            row=row.name,
            seed=self.seed,
            problem=problem,
            faults_ms=self._faults_ms,
            back_ms=self._back_ms,
            network_ms=stage.network_ms,
            calls=[self._recorded(player) for player in self._players],
            tool_runs=[run for run in stage.tool.runs if run.call_sid in own],
            lengths=self._lengths,
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

    def _begin(self, *, is_lead: bool = False) -> _Player:
        stage, row = self.stage, self.row
        call_sid, number = new_sid("CA"), self.first_number + len(self._players)
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
            longest_ms += 1000 * (DEPLOY_WITHIN_S if row.lasts_s is None else row.lasts_s)
        plan = CallPlan(
            steps,
            to_number=story.NUMBER,
            status_callback=None
            if isinstance(row.fault, Abandoned)
            else f"{stage.stack.public_url}/call-status",
            hang_up_after_ms=longest_ms,
            stop_at_failure=False,
            dials=(DialOutcome("no-answer", 2_000),),
        )
        if is_lead and isinstance(row.fault, ModelAnswers):
            stage.cast.first_answer[call_sid] = row.fault.knobs
        elif is_lead and isinstance(row.fault, ModelSession):
            stage.cast.first_session[call_sid] = row.fault.knobs
        line = row.fault.knobs if is_lead and isinstance(row.fault, Line) else None
        call = stage.twilio.start_call(plan, line, call_sid=call_sid)
        player = _Player(number, call, Patience(call, lambda: stage.sessions_of(call_sid), row.alone_ms))
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
            owners=player.owners,
            stalls_ms=self.stage.twilio.metronome.stalls_ms,
            network_ms=self.stage.network_ms,
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
        row, fault = self.row, self.row.fault
        if isinstance(fault, ModelAnswers | ModelSession | Line):
            lead.is_hit = True
            self._faults_ms.append(time.monotonic() * 1000)  # It is there from the beginning.
            return
        await self._until(moments(self.stage, row.story, lead.call)[row.step])
        if isinstance(fault, OfTheOutside):
            await self._mark_outside(lead)
            await outside.bring(self.stage, fault, lead.call.call_sid, self._faults_ms)
            return
        if isinstance(fault, Abandoned):
            await self._abandon()
            return
        process = "" if row.role is None else await self._owner_soon(lead, row.role)
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

    async def _mark_outside(self, lead: _Player) -> None:
        """Of one call's model: that call; of a host or a server: the calls that it has; else all."""
        fault = self.row.fault
        is_of_server = isinstance(fault, ServerFault)
        sids = [player.call.call_sid for player in (lead, *self._players)] if is_of_server else []
        servers = await self.stage.servers_of(sids)
        for at, player in enumerate(self._players, 1):
            if isinstance(fault, HostLost):
                worker = await self._worker(player, fault.role)
                player.is_hit = f"@{HOST_NAME}#" in worker
            elif is_of_server:
                player.is_hit = servers[at] == servers[0]
            else:
                player.is_hit = player is lead or not isinstance(fault, ModelLost)
        if not any(player.is_hit for player in self._players):
            raise trouble.TroubleFailed("expected a call on the second host, got none")

    async def _abandon(self) -> None:
        """The callers go while nobody is there who could hear of it, and Twilio's API is of no help."""
        stage = self.stage
        stage.twilio.rest.faults.failures = NO_HELP
        await self._mark_hit("")
        self._faults_ms.append(time.monotonic() * 1000)
        await stage.stack.signal("ingress-0", signal.SIGKILL)
        for player in self._players:
            player.is_hit = True
            player.call.hang_up()

    async def _owner(self, player: _Player, role: Role) -> str:
        """supervisord's name of the process that has a role of the call; empty: nobody has."""
        return (await self._worker(player, role)).partition("@")[0]

    async def _owner_soon(self, player: _Player, role: Role) -> str:
        """The same; empty: nobody has, nor will in a moment."""
        for _ in range(round(CLAIMED_WITHIN_S / POLL_S)):
            found = await self._owner(player, role)
            if found:
                return found
            await asyncio.sleep(POLL_S)
        return ""

    async def _worker(self, player: _Player, role: Role) -> str:
        try:
            card = await read_view(self.stage.store, self.stage.keys, player.call.call_sid, PeopleView)
        except STORE_ERRORS:
            return ""
        if card is None:
            return ""
        return {"ingress": card.ingress, "brain": card.brain, "egress": card.egress}[role]

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(MOMENT_WITHIN_S):
            while not condition():  # noqa: ASYNC110 - the simulators' records, which tell nobody of a change
                await asyncio.sleep(POLL_S)

    # What is left.

    async def _sample(self) -> None:
        keys = self.stage.keys
        while True:
            await asyncio.sleep(SAMPLE_S)
            sids = [player.call.call_sid for player in self._players]
            try:
                async with self.stage.store.pipeline(transaction=False) as pipeline:
                    for sid in sids:
                        pipeline.xlen(keys.caller(sid))
                        pipeline.xlen(keys.reply(sid))
                        pipeline.hmget(keys.card(sid), OWNED)
                    found = await pipeline.execute()
            except STORE_ERRORS:
                continue  # Redis may be what is hit: one sample less.
            now_ms = time.monotonic() * 1000
            for at, player in enumerate(self._players[: len(sids)]):
                caller, reply, workers = found[3 * at : 3 * at + 3]
                self._lengths.append(Length(now_ms, player.call.call_sid, caller, reply))
                for role, worker in zip(OWNED, workers, strict=True):
                    seen = player.owners.setdefault(role, [])
                    if worker and worker.decode() not in seen:
                        seen.append(worker.decode())


# Private.


def _forget(sessions: Iterable[SessionRecord]) -> None:
    """What is written down need not be kept for a hundred rows more."""
    for session in sessions:
        session.appended_audio.clear()
        session.appended_at.clear()
        session.sent.clear()
        session.received.clear()
