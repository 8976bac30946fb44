"""Puts the parts of one call together.

Why it exists: `call` says how the parts work with one another; which objects they are, and with what
figures of the agent each is made, would hide that.

Owns: construction, and reading a call's past for a brain that was not there. Must not know: what any part
does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openai import AsyncOpenAI

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.call.from_model import FromModel
from brain.call.limits import CallLimits, LimitValues
from brain.call.lines import CallLog
from brain.call.reply import ReplyWriter
from brain.call.stopwatch import Stopwatch
from brain.call.watch import CallWatch
from brain.call.window import ModelWindow
from brain.caller.feed import CallerFeed
from brain.caller.keypad import Keypad
from brain.counters import BrainCounters, BrainFigures
from brain.memory.conversation import Conversation
from brain.memory.history import History
from brain.memory.record import Record
from brain.model.engine import Engine, Opening
from brain.model.lifeline import Lifeline
from brain.model.realtime import RealtimeEngine
from brain.sequencer import Sequencer, SequencerConfig
from brain.sequencer.actions import Action
from brain.sequencer.inputs import Input
from brain.tools.runs import ToolRuns
from brain.tools.toolbox import ToolContext
from brain.webhooks.events import Hooks
from shared.clock import now_ms, wall_ms
from shared.contract.entry import text_of
from shared.logs.log import Log
from shared.ownership.owner import Card, Owner
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

RECALL_TRIES = 5
RECALL_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class CallParts:
    """What every call of the process shares."""

    book: AgentBook
    client: AsyncOpenAI
    counters: BrainCounters
    figures: BrainFigures
    hooks: Hooks


class Call(Protocol):
    """What the parts ask of their call."""

    def give(self, input_: Input) -> None: ...

    def perform(self, asked: list[Action] | tuple[Action, ...]) -> None: ...

    def caller_waits(self, waits: bool) -> None: ...

    def response_completed(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Made:
    """The parts of one call."""

    agent: Agent
    sequencer: Sequencer
    lines: CallLog
    record: Record
    feed: CallerFeed
    reply: ReplyWriter
    watch: CallWatch
    tools: ToolRuns
    from_model: FromModel
    lifeline: Lifeline
    make_engine: Callable[[int, bool], Engine]


def make(process: Process, owner: Owner, card: Card, parts: CallParts, log: Log, call: Call) -> Made:
    """The parts of the call that `card` describes, for the owner's epoch."""
    counters = parts.counters
    lines = CallLog(process.outbox, log, owner.call_sid)
    agent = _agent(parts.book, card, lines)
    owner.card({"agent": agent.name, "profile": agent.snapshot(), "fallback": agent.fallback_number})
    toolbox = parts.book.toolbox(agent)
    record = Record(History(owner), Conversation())
    sequencer = Sequencer(
        SequencerConfig(
            create_response_by=agent.answers_turns,
            first_cut=int(card.get("cut") or 0),
            token_prefix=f"b{owner.epoch}",
        )
    )
    feed = CallerFeed(
        process,
        owner,
        counters,
        log,
        leg=int(card.get("leg") or 0),
        ingress=card.get("ingress", ""),
        transcribed=bool(agent.transcription_model),
        hops=parts.figures.hops,
    )
    reply = ReplyWriter(owner, process.worker.host)
    watch = CallWatch(agent, _limits(agent, card), Keypad(), lines, call.give)

    def hold(ms: float) -> None:
        watch.limits.hold(now_ms(), ms)

    def tool_failed(call_id: str, tool: str, outcome: str) -> None:
        parts.hooks.tool_failed(owner.call_sid, call_id, tool, outcome)

    def caller_spoke() -> None:
        watch.caller_active()
        tools.caller_active()

    def make_engine(number: int, seeded: bool) -> Engine:
        tag = f"b{owner.epoch}s{number}"
        opening = Opening(
            tools=tuple(toolbox.definitions()),
            tag=tag,
            seeded=seeded,
            headers={"X-Client-Request-Id": f"{owner.call_sid}/{tag}"},
        )
        return RealtimeEngine(parts.client, agent, opening, counters)

    context = ToolContext(
        call_sid=owner.call_sid,
        caller=card.get("from", ""),
        called=card.get("called", ""),
        agent=agent.name,
    )
    from_model = FromModel(
        sequencer=sequencer,
        feed=feed,
        record=record,
        reply=reply,
        lines=lines,
        log=log,
        counters=counters,
        window=ModelWindow(now_ms()),
        stopwatch=Stopwatch(parts.figures.times),
        give=call.give,
        perform=call.perform,
        caller_waits=call.caller_waits,
        caller_spoke=caller_spoke,
        completed=call.response_completed,
    )
    tools = ToolRuns(toolbox, context, counters, record, log, call.give, hold, tool_failed)
    return Made(
        agent, sequencer, lines, record, feed, reply, watch, tools, from_model, Lifeline(), make_engine
    )


async def recall(process: Process, conversation: Conversation, call_sid: str) -> None:
    """Reads what was said before this brain had the call; without Redis it goes on without."""
    key = process.keys.history(call_sid)
    for _ in range(RECALL_TRIES):
        try:
            found = await process.store.xrange(key)
        except STORE_ERRORS:
            await asyncio.sleep(RECALL_PAUSE_S)
            continue
        for _, fields in found:
            conversation.take(text_of(fields))
        return


def _agent(book: AgentBook, card: Card, lines: CallLog) -> Agent:
    """Who answers: by the file as it is now."""
    book.refresh()
    asked_for = card.get("agent", "")
    agent = book.pick(asked_for, card.get("called", ""))
    if asked_for and asked_for != agent.name:
        # A slip in the webhook's URL, or a file that has changed: somebody else answers.
        lines.note("agent_unknown", {"asked_for": asked_for[:64], "answers": agent.name})
    return agent


def _limits(agent: Agent, card: Card) -> CallLimits:
    limits = agent.limits
    began_ms_ago = max(0, wall_ms() - int(card.get("started_at_ms") or wall_ms()))
    values = LimitValues(
        hard_cap_s=limits.hard_cap_s,
        idle_prompt_s=limits.idle_prompt_s,
        idle_prompts=limits.idle_prompts,
        hold_max_s=limits.hold_max_s,
    )
    return CallLimits(values, now_ms() - began_ms_ago)
