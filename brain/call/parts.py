"""Puts the parts of one call together.

Why it exists: `call` says how the parts work with one another; which objects they are, and with what figures
of the agent each is made, would hide that. Owns: construction. Must not know: what any part does.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.agents.interruption import backchannels
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
from brain.incoming.answer import NOTHING, known
from brain.incoming.asking import IncomingCall, Inquiries
from brain.incoming.cast import cast_of
from brain.incoming.casting import Casting
from brain.incoming.first_words import first_words, greets, is_fresh
from brain.incoming.opening import Openings
from brain.memory.conversation import Conversation
from brain.memory.history import History
from brain.memory.last_words import LastWords
from brain.memory.past import Past, keep
from brain.memory.record import Record
from brain.model.attempts import EarlySession, Ready
from brain.model.engine import Engine
from brain.model.lifeline import Lifeline
from brain.model.sessions import SessionHost, Sessions
from brain.sequencer import Sequencer, SequencerConfig, inputs
from brain.sequencer.doubt import phrases
from brain.sequencer.notice import number_of
from brain.sound.kinds import Loop, Notice
from brain.takeover import pending
from brain.takeover.begin import Beginning
from brain.takeover.expected import Expected
from brain.takeover.pending import PendingWords
from brain.takeover.prepared import Prepared
from brain.telling import making
from brain.telling.recording import ANNOUNCEMENT, CallRecording, make_recording
from brain.telling.spending import Spending
from brain.tools.attempts import ToolAttempts
from brain.tools.runs import ToolRuns
from brain.tools.toolbox import ToolContext
from brain.webhooks.events import Hooks
from shared.clock import now_ms, wall_ms
from shared.contract.card import CallerTagged, CallState
from shared.contract.entry import FIRST
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import Owes
from shared.contract.views import BrainView
from shared.logs.log import Log
from shared.ownership.owner import Owner
from shared.process.role import Process


@dataclass(frozen=True, slots=True)
class BrainServices:
    """What every call of the process shares."""

    book: AgentBook
    openings: Openings
    asking: Inquiries
    counters: BrainCounters
    figures: BrainFigures
    hooks: Hooks
    attempts: ToolAttempts
    moves: CallerMoves
    spending: Spending
    tag_of: Callable[[str], str]
    """The tag of a caller's number; empty: there is no key for it, or no number."""


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

    casting: Casting
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
    recording: CallRecording

    @property
    def agent(self) -> Agent:
        """Who answers now."""
        return self.casting.cast.agent

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is known to have been said by anybody, but for recordings."""
        return is_fresh(self.record.conversation, self.sequencer.state.items)

    def first_words(self, past: Past | None, *, was_greeted: bool) -> list[inputs.Input]:
        """What is to be said first; nothing: the caller speaks. `past`: see make. `was_greeted`: though
        nobody may remember what was said."""
        known, items = self.record.conversation, self.sequencer.state.items
        first = first_words(self.agent, known, items, past, was_greeted=was_greeted)
        self.recording.begins(self.agent, first, items)
        if greets(first):
            self.lines.journal.note(self.lines.call_sid, Kind.GREETING)
        return first

    def notice(self, item_id: str) -> Notice:
        """One of the agent's, by the id that `first_words` gave it. The announcement is that of the agent who
        answered."""
        number, announcement = number_of(item_id), self.recording.announcement
        if announcement is not None and number == ANNOUNCEMENT:
            return announcement
        return self.agent.said_first[number - 1]

    def filling(self, now: float) -> Loop | None:
        """What the caller hears while they wait: for a tool and the answer to it, or in a moment that they
        asked for."""
        if self.watch.limits.is_held(now):
            return self.agent.hold_music
        sound, core = self.agent.tool_sound, self.sequencer
        goes_on = core.owed is not None and self.leaving.fill == sound
        return sound if core.runs_tools or goes_on else None

    def past(self, at_ms: float, claims: int, restored_at_ms: int | None) -> Past:
        """What is kept of the call as it stands now, should it be lost and come back."""
        known, core = self.record.conversation, self.sequencer.state
        kept = keep(known, core, at_ms, claims, restored_at_ms, self.agent.name, self.casting.written)
        return replace(kept, recording=self.recording.words)

    def words(self, now: float) -> Owes:
        """What sound the caller is owed."""
        core = self.sequencer
        return self.owing.words(
            core.state.debts,
            now,
            is_caller_speaking=core.state.caller.speaking,
            is_deaf=self.sessions.serving is None,
            is_patient=core.runs_tools,  # As long as one runs it is within its limit.
        )

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
            is_audible=core.state.speaking is not None,
            is_caller_speaking=core.state.caller.speaking,
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
    counters, call_sid = services.counters, owner.call_sid
    lines, hole = CallLog(process.journal, log, call_sid), Hole()
    casting = _casting(services, owner, card, lines, past, caller_number or card.caller)
    cast, tag = casting.cast, services.tag_of(caller_number)
    if tag:
        owner.card(CallerTagged(caller_tag=tag))
    record = Record(History(owner), Conversation() if past is None else past.conversation)
    record.conversation.agent, feed = cast.agent.name, _feed(process, services, owner, card, log, hole)
    reply, away = ReplyWriter(owner, process.worker.host), Away(is_here=card.state is not CallState.DETACHED)
    leaving = Leaving(owner, process.journal, card.leg, card.ingress)
    due, stopwatch = AnswerDue(), Stopwatch(services.figures.times)
    window = ModelWindow(due, now_ms())
    limits = CallLimits(LimitValues.of(cast.agent), now_ms() - max(0, wall_ms() - card.started_at_ms))
    teller = making.make_teller(process, services.spending, owner, card, cast.agent, lines)
    watch = CallWatch(cast.agent, limits, Keypad(), hole, due, window, lines, host.give, teller)
    tools = _tools(services, casting, record, log, host, watch)
    was = None if past is None else past.recording
    recording = make_recording(card, was, owner.card, leaving.tape, lines)
    leaving.taped, tools.pause, watch.announce = recording.wish, recording.pause, recording.again
    control = FromControl(
        host, process.store, owner, feed, away, leaving, watch, tools, recording.listened, lines, log,
        counters, process.ownership, host.ended, host.spawn, card.control_pos or FIRST,
    )  # fmt: skip
    lifeline = Lifeline()
    from_model = FromModel(
        host, feed, record, reply, due, watch, tools, lines, log, counters, window,
        stopwatch, lifeline.response_completed, teller,
    )  # fmt: skip
    standby = None if waiting is None else waiting.take(call_sid, cast.agent.name, card, lines)
    engines = _Engines(services.openings, owner, casting, caller_number)
    sessions = Sessions(
        engines.make, host, from_model, lifeline, counters, log, has_past=card.claims > 1, standby=standby
    )
    core = _sequencer(cast.agent, owner, card, 0 if past is None else past.debt)
    casting.sessions, casting.recast = sessions, partial(_recast, casting, record, watch, tools, core)
    casting.is_generating = partial(_is_generating, core)
    casting.is_leaving = lambda: core.state.hang_up is not None
    begin = Beginning(
        card, process.store, process.keys, call_sid, process.ownership, log, record, core, feed, away,
        leaving, tools,
    )  # fmt: skip
    return CallParts(
        casting, core, lines, record, feed, reply, away, leaving, Owing(), stopwatch, window, watch,
        tools, control, sessions, LastWords(record.conversation, lambda: sessions.serving is not None),
        pending.of_card(card), begin, recording,
    )  # fmt: skip


# Private.


@dataclass(frozen=True, slots=True)
class _Engines:
    """Makes the engine of each session of one call."""

    openings: Openings
    owner: Owner
    casting: Casting
    caller_number: str

    def make(self, number: int, seeded: bool) -> Engine:
        tag = f"b{self.owner.epoch}s{number}"
        cast, call_sid = self.casting.cast, self.owner.call_sid
        return self.openings.engine(cast, call_sid, self.caller_number, tag, seeded=seeded)


def _casting(
    services: BrainServices, owner: Owner, card: BrainView, lines: CallLog, past: Past | None, caller: str
) -> Casting:
    """Who answers, by the file as it was taken up last."""
    book, asking = services.book, services.asking
    asked_for = card.agent if past is None else past.agent or card.agent
    context = known(card.context)
    if context is None and past is not None:
        context = known(past.context)
    cast = cast_of(book, asked_for, card.called, NOTHING if context is None else context)
    name = cast.agent.name
    if asked_for and asked_for != name:
        # A slip in the webhook's URL, or a file that has changed: somebody else answers.
        lines.note(Kind.AGENT_UNKNOWN, asked_for=asked_for[:64], answers=name)
    elif not asked_for and not book.knows(card.called):
        lines.note(Kind.NUMBER_UNKNOWN, answers=name)
    is_open = context is None and (asking.is_on or book.takes_variables)
    if not is_open:
        asking.drop(owner.call_sid)
    call = IncomingCall(call_sid=owner.call_sid, caller=caller, called=card.called, agent=name)
    return Casting(book, asking, call, cast, is_open, owner, lines.note)


def _tools(
    services: BrainServices, casting: Casting, record: Record, log: Log, host: CallHost, watch: CallWatch
) -> ToolRuns:
    call_sid = casting.call.call_sid

    def failed(call_id: str, tool: str, outcome: str, agent: str) -> None:
        services.hooks.tool_failed(call_sid, call_id, tool, outcome, agent=agent)

    return ToolRuns(
        casting.cast.toolbox, _known_to_tools(casting), services.counters, record, log, host.give,
        watch.limits.hold, failed, services.attempts, casting.change,
    )  # fmt: skip


def _known_to_tools(casting: Casting) -> ToolContext:
    call, cast = casting.call, casting.cast
    return ToolContext(
        call.call_sid, caller=call.caller, called=call.called, agent=cast.agent.name, variables=cast.variables
    )


def _recast(casting: Casting, record: Record, watch: CallWatch, tools: ToolRuns, core: Sequencer) -> None:
    """Another agent answers: the parts that know something of it by heart go on with that one's."""
    cast = casting.cast
    record.conversation.agent = cast.agent.name
    watch.agent, watch.limits.values = cast.agent, LimitValues.of(cast.agent)
    making.follow(watch.teller, cast.agent)
    tools.toolbox, tools.context = cast.toolbox, _known_to_tools(casting)
    core.state.config = replace(core.state.config, **_figures(cast.agent))


def _is_generating(core: Sequencer, response_id: str) -> bool:
    return (active := core.state.active) is not None and active.response_id == response_id


def _sequencer(agent: Agent, owner: Owner, card: BrainView, first_debt: int) -> Sequencer:
    config = SequencerConfig(
        first_cut=card.cut,
        first_debt=max(first_debt, owner.epoch * DEBTS_AN_EPOCH),
        token_prefix=f"b{owner.epoch}",
    )
    return Sequencer(replace(config, **_figures(agent)))


def _figures(agent: Agent) -> dict[str, Any]:
    """What a sequencer knows of its agent."""
    turn = agent.turn_detection
    return {
        "create_response_by": agent.answers_turns,
        "server_interrupts": agent.server_interrupts,
        "greeting_interruptible": agent.greeting_interruptible,
        "confirm_ms": float(agent.confirm.wait_ms) if agent.interruption == "confirm" else 0.0,
        "confirm_min_ms": float(agent.confirm.min_ms),
        "transcribes": bool(agent.transcription_model),
        "backchannels": phrases(backchannels(agent)),
        "listens_ms": float(turn.silence_ms) if turn.kind == "server_vad" else 0.0,
    }


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
