"""Puts the parts of one call together.

Why it exists: `call` says how the parts work with one another; which objects they are, and with what figures
of the agent each is made, would hide that. Owns: construction. Must not know: what any part does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from openai import AsyncOpenAI

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.call.from_control import FromControl
from brain.call.from_model import Door, FromModel
from brain.call.leaving import Leaving
from brain.call.limits import CallLimits, LimitValues
from brain.call.lines import CallLog
from brain.call.owing import DEBTS_AN_EPOCH, AnswerDue, Owing, Standing
from brain.call.reply import ReplyWriter
from brain.call.stopwatch import Stopwatch
from brain.call.watch import CallWatch
from brain.call.window import ModelWindow
from brain.caller.away import Away
from brain.caller.feed import CallerFeed
from brain.caller.hole import Hole
from brain.caller.keypad import Keypad
from brain.caller.moves import CallerMoves
from brain.counters import BrainCounters, BrainFigures
from brain.errors import EngineError
from brain.memory.conversation import Conversation
from brain.memory.history import History
from brain.memory.last_words import LastWords
from brain.memory.past import Past
from brain.memory.record import Record
from brain.model.attempts import EarlySession, Ready
from brain.model.engine import Engine, Opening
from brain.model.lifeline import Lifeline
from brain.model.realtime.socket import RealtimeEngine
from brain.model.sessions import SessionHost, Sessions
from brain.sequencer import Sequencer, SequencerConfig
from brain.takeover import pending
from brain.takeover.begin import Beginning
from brain.takeover.expected import Expected
from brain.takeover.pending import PendingWords
from brain.takeover.prepared import Prepared, PreparedSession
from brain.tools.attempts import ToolAttempts
from brain.tools.runs import ToolRuns
from brain.tools.toolbox import Toolbox, ToolContext
from brain.webhooks.events import Hooks
from shared.clock import now_ms, wall_ms
from shared.contract.card import AgentChosen, CallState
from shared.contract.entry import FIRST
from shared.contract.streams.calls import Ringing
from shared.contract.streams.journal import Kind
from shared.contract.views import BrainView
from shared.logs.log import Log
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.process.role import Process


@dataclass(frozen=True, slots=True)
class BrainServices:
    """What every call of the process shares."""

    book: AgentBook
    client: AsyncOpenAI
    counters: BrainCounters
    figures: BrainFigures
    hooks: Hooks
    attempts: ToolAttempts
    moves: CallerMoves


@dataclass(frozen=True, slots=True)
class Waiting:
    """Sessions that wait for their calls."""

    prepared: Prepared
    """For calls that another brain hands over."""
    expected: Expected
    """For calls that ring."""

    def take(self, call_sid: str, agent: str, card: BrainView, lines: CallLog) -> Ready | EarlySession | None:
        """The one of a call that is ours now, if there is one for this agent."""
        if card.claims > 1:  # What was said must be told to it.
            self.expected.drop(call_sid)
            return self.prepared.take(call_sid, agent)
        begun = self.expected.take(call_sid, agent)
        if begun is not None:
            lines.note(Kind.SESSION_EARLY, ms=f"{now_ms() - begun.since_ms:.0f}")
        return begun


class CallHost(Door, SessionHost, Protocol):
    """What the parts ask of their call."""

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Runs a task of the call, which ends with it."""

    def ended(self) -> None:
        """The call has ended."""


@dataclass(frozen=True, slots=True)
class CallParts:
    """The parts of one call."""

    agent: Agent
    sequencer: Sequencer
    lines: CallLog
    record: Record
    feed: CallerFeed
    reply: ReplyWriter
    away: Away
    leaving: Leaving
    owing: Owing
    stopwatch: Stopwatch
    window: ModelWindow
    watch: CallWatch
    tools: ToolRuns
    control: FromControl
    sessions: Sessions
    last_words: LastWords
    pending: PendingWords
    begin: Beginning

    def standing(self, *, is_ending: bool) -> Standing:
        """How the call stands. `is_ending`: its last word was said."""
        core = self.sequencer
        return Standing(
            slot=core.slot,
            owed=core.owed,
            is_busy=core.is_busy,
            tools_run=core.runs_tools,
            has_session=self.sessions.serving is not None,
            takes_audio=not self.feed.is_paused,
            is_here=self.away.is_here,
            is_ending=is_ending,
        )


def make(
    process: Process,
    services: BrainServices,
    owner: Owner,
    card: BrainView,
    log: Log,
    host: CallHost,
    past: Past | None = None,
    *,
    caller_number: str,
    waiting: Waiting | None = None,
) -> CallParts:
    """The parts of the call that `card` describes, for the owner's epoch. `past`: what this process knows of
    the call from before Redis lost it. `caller_number`: in full, for tools; empty where it is gone.
    `waiting`: sessions that wait for their calls."""
    counters = services.counters
    lines = CallLog(process.journal, log, owner.call_sid)
    agent = _agent(services.book, card, lines)
    owner.card(AgentChosen(agent=agent.name, profile=agent.snapshot(), fallback=agent.fallback_number))
    record = Record(History(owner), Conversation() if past is None else past.conversation)
    hole = Hole()
    feed = _feed(process, services, owner, card, log, hole)
    reply = ReplyWriter(owner, process.worker.host)
    away = Away(is_here=card.state is not CallState.DETACHED)
    leaving = Leaving(owner, process.journal, card.leg, card.ingress)
    due, stopwatch = AnswerDue(), Stopwatch(services.figures.times)
    window = ModelWindow(due, now_ms())
    watch = CallWatch(agent, _limits(agent, card), Keypad(), hole, due, window, lines, host.give)
    tools = _tools(services, owner, card, agent, record, log, host, watch, caller_number)
    control = FromControl(
        host, process.store, owner, feed, away, leaving, watch, tools, lines, log, counters,
        process.ownership, host.ended, host.spawn, card.control_pos or FIRST,
    )  # fmt: skip
    lifeline = Lifeline()
    from_model = FromModel(
        host, feed, record, reply, due, watch, tools, lines, log, counters, window,
        stopwatch, lifeline.response_completed,
    )  # fmt: skip
    standby = None if waiting is None else waiting.take(owner.call_sid, agent.name, card, lines)
    engines = _Engines(services, owner, agent, tools.toolbox)
    sessions = Sessions(
        engines.make, host, from_model, lifeline, counters, log, has_past=card.claims > 1, standby=standby
    )
    core = _sequencer(agent, owner, card, 0 if past is None else past.debt)
    begin = Beginning(
        card, process.store, process.keys, owner.call_sid, process.ownership, log, record, core, feed, away,
        leaving, tools,
    )  # fmt: skip
    return CallParts(
        agent, core, lines, record, feed, reply, away, leaving, Owing(), stopwatch, window, watch,
        tools, control, sessions, LastWords(record.conversation, lambda: sessions.serving is not None),
        pending.of_card(card), begin,
    )  # fmt: skip


def for_ringing(process: Process, services: BrainServices, call: Ringing) -> tuple[str, Engine]:
    """Who will answer a call that rings, and a session for it, not opened yet: as its own first one."""
    agent = services.book.pick(call.agent, call.called)
    toolbox, tag = services.book.toolbox(agent), f"e{process.worker.boot}"
    return agent.name, _engine(services, call.call_sid, agent, toolbox, tag, seeded=False)


async def open_beside(process: Process, services: BrainServices, call_sid: str) -> PreparedSession | None:
    """A session for a call that is another brain's still; None: there is no such call. Raises EngineError,
    ContractError, STORE_ERRORS. Cancelled, it is closed."""
    card = await steps.read_view(process.store, process.keys, call_sid, BrainView)
    if card is None or card.state is CallState.ENDED:
        return None
    agent = services.book.pick(card.agent, card.called)
    tag = f"p{process.worker.boot}"
    engine = _engine(services, call_sid, agent, services.book.toolbox(agent), tag, seeded=True)
    try:
        opened = await engine.open()
    except (EngineError, asyncio.CancelledError):
        await engine.close()
        raise
    return PreparedSession(Ready(engine, opened, now_ms()), agent.name)


# Private.


@dataclass(frozen=True, slots=True)
class _Engines:
    """Makes the engine of each session of one call."""

    services: BrainServices
    owner: Owner
    agent: Agent
    toolbox: Toolbox

    def make(self, number: int, seeded: bool) -> Engine:
        tag = f"b{self.owner.epoch}s{number}"
        return _engine(self.services, self.owner.call_sid, self.agent, self.toolbox, tag, seeded=seeded)


def _engine(
    services: BrainServices, call_sid: str, agent: Agent, toolbox: Toolbox, tag: str, *, seeded: bool
) -> Engine:
    opening = Opening(
        tools=tuple(toolbox.definitions()),
        tag=tag,
        seeded=seeded,
        headers={"X-Client-Request-Id": f"{call_sid}/{tag}"},
    )
    return RealtimeEngine(services.client, agent, opening, services.counters)


def _agent(book: AgentBook, card: BrainView, lines: CallLog) -> Agent:
    """Who answers: by the file as it was taken up last."""
    asked_for = card.agent
    agent = book.pick(asked_for, card.called)
    if asked_for and asked_for != agent.name:
        # A slip in the webhook's URL, or a file that has changed: somebody else answers.
        lines.note(Kind.AGENT_UNKNOWN, asked_for=asked_for[:64], answers=agent.name)
    elif not asked_for and not book.knows(card.called):
        lines.note(Kind.NUMBER_UNKNOWN, answers=agent.name)
    return agent


def _tools(
    services: BrainServices,
    owner: Owner,
    card: BrainView,
    agent: Agent,
    record: Record,
    log: Log,
    host: CallHost,
    watch: CallWatch,
    caller_number: str,
) -> ToolRuns:
    caller = caller_number or card.caller
    context = ToolContext(owner.call_sid, caller=caller, called=card.called, agent=agent.name)
    return ToolRuns(
        services.book.toolbox(agent), context, services.counters, record, log, host.give, watch.limits.hold,
        partial(services.hooks.tool_failed, owner.call_sid), services.attempts,
    )  # fmt: skip


def _sequencer(agent: Agent, owner: Owner, card: BrainView, first_debt: int) -> Sequencer:
    turn = agent.turn_detection
    return Sequencer(
        SequencerConfig(
            create_response_by=agent.answers_turns,
            server_interrupts=agent.server_interrupts,
            greeting_interruptible=agent.greeting_interruptible,
            first_cut=card.cut,
            first_debt=max(first_debt, owner.epoch * DEBTS_AN_EPOCH),
            token_prefix=f"b{owner.epoch}",
            listens_ms=float(turn.silence_ms) if turn.kind == "server_vad" else 0.0,
        )
    )  # fmt: skip


def _feed(
    process: Process, services: BrainServices, owner: Owner, card: BrainView, log: Log, hole: Hole
) -> CallerFeed:
    lane = process.keys.lane(owner.call_sid)
    return CallerFeed(
        process.store,
        process.inboxes[lane],
        owner,
        services.moves,
        services.counters,
        log,
        nudge=partial(process.nudge, lane),
        leg=card.leg,
        ingress=card.ingress,
        hops=services.figures.hops,
        host=process.worker.host,
        guard=process.guard,
        hole=hole,
        lag_ms=process.lag.mostly_ms,
    )


def _limits(agent: Agent, card: BrainView) -> CallLimits:
    limits = agent.limits
    values = LimitValues(
        hard_cap_s=limits.hard_cap_s,
        idle_prompt_s=limits.idle_prompt_s,
        idle_prompts=limits.idle_prompts,
        hold_max_s=limits.hold_max_s,
    )
    began_ms_ago = max(0, wall_ms() - card.started_at_ms)
    return CallLimits(values, now_ms() - began_ms_ago)
