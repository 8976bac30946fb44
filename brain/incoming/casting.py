"""Who answers one call, from its first moment to its last: found out before the greeting, changed in between.

Why it exists: an agent is more than what the model is told: its tools, its limits, its words for the apology
and the way in which turns are answered change with it, and at the same moment. Owns: who answers now, the
order in which another one comes to answer, what the card says of it. Must not know: when a session is opened,
what a part of a call does with its agent.

    what                      what is done
    a call begins             it is asked who calls, beside the session that opens (asking). No session serves
                              before that is known: each is brought to the agent first (`bring`)
    an agent hands over       what it was saying is generated to its end; the session is brought to the other
                              one, or, where it cannot be, another session is opened for it, and taken when it
                              is there. The tool that asked for it is answered then, and the other one speaks
    that cannot be done       all is as it was, and the agent is told so
    the call ends behind a    nobody else comes any more: another one's session would answer the caller, and
    farewell                  cut it
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import orjson

from brain.agents.book import AgentBook
from brain.errors import EngineError
from brain.incoming.answer import NOTHING
from brain.incoming.asking import Asked, IncomingCall, Inquiries
from brain.incoming.cast import Cast, cast_of, named
from brain.model.engine import Engine
from brain.model.sessions import Sessions
from brain.tools.toolbox import ToolOutcome, wrong
from shared.contract.card import NOBODY, AgentChosen, CallContext
from shared.contract.streams.journal import Kind
from shared.ownership.owner import Owner

REFUSED = "refused"

REFUSED_UPDATE = "session_refused"
"""What an engine says of a session that is as it was."""

DONE_WITHIN_S, DONE_LOOK_S = 3.0, 0.05
"""A response that calls a tool ends at once; one that does not is not waited for."""

TAKEN_OVER = (
    "You are this agent now, in the same conversation. Go on with what the caller wants; say who you are only"
    " if your instructions want it, and do not repeat what was said."
)


class Note(Protocol):
    """Writes a line of the call's journal."""

    def __call__(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        """No field may hold what is known of a caller."""


@dataclass(slots=True)
class Casting:
    """Of one call."""

    book: AgentBook
    asking: Inquiries
    call: IncomingCall
    cast: Cast
    """Who answers now."""
    is_open: bool
    """Nobody has found out yet who calls: whoever answers may be another one in a moment."""
    owner: Owner
    note: Note
    sessions: Sessions = field(init=False)
    recast: Callable[[], None] = field(init=False)
    """The other parts of the call go on with whoever answers now."""
    is_generating: Callable[[str], bool] = field(init=False)
    """Whether the model still makes this response."""
    is_leaving: Callable[[], bool] = field(init=False)
    """The call ends, behind its farewell: the server was told to say nothing by itself any more."""
    _is_found: bool = False
    """What is known of the call stands on the card."""
    _known: asyncio.Event = field(default_factory=asyncio.Event)
    _serves: asyncio.Event = field(default_factory=asyncio.Event)
    """A session has begun to serve since it was cleared."""
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        if not self.is_open:
            self._known.set()
        self._is_found = self.cast.context is not NOTHING
        self._write()

    @property
    def written(self) -> str | None:
        """What is known of the call, as it stands on the card; None: nobody has found it out."""
        return self.cast.context.dump() if self._is_found else None

    @property
    def language(self) -> str:
        """Of the caller, where their own system has said it; empty: the agent's."""
        return self.cast.context.language or ""

    # Before the call is greeted.

    async def find_out(self) -> str:
        """Finds out who calls, and who answers. Returns words to a caller who is not to be served; empty:
        they are. Bounded by the time that is given to the user's system. Cancelling it leaves it open."""
        found = await self.asking.find(self.call)
        context, why = found.context, found.why
        name = named(self.book, self.call.agent, context)
        if context.agent and context.agent != name:
            why = "agent: there is none of this name"
        cast = cast_of(self.book, name, self.call.called, context)
        if found.outcome is not Asked.UNASKED:
            note = partial(
                self.note,
                Kind.CONTEXT,
                outcome=REFUSED if context.refusal else found.outcome,
                agent=cast.agent.name,
                ms=f"{found.took_ms:.0f}",
                missing=str(cast.missing),
            )
            if why:
                note(why=why)
            else:
                note()
        self.settle(cast)
        return context.refusal

    def settle(self, cast: Cast | None = None) -> None:
        """It is known who answers: `cast`, or whoever does."""
        self.is_open, self._is_found = False, True
        if cast is None:
            self._write()
        else:
            self._take(cast)
        self._known.set()

    # The sessions.

    async def bring(self, engine: Engine) -> bool:
        """See brain.model.sessions.SessionHost.cast."""
        await self._known.wait()
        return await engine.become(self.cast.agent, self.cast.tools)

    def session_begins(self) -> None:
        """A session serves."""
        self._serves.set()

    # Another agent.

    async def change(self, name: str, response_id: str) -> str:
        """Another agent goes on with the caller; returns what the model is told of it. `response_id`: that
        asked for it. Cancelling it leaves whoever answers by then."""
        async with self._changing:
            before = self.cast
            if not self.book.has(name) or name == before.agent.name:
                return wrong(ToolOutcome.BAD_ARGUMENTS, "there is no such other agent").output
            await self._until_done(response_id)
            if self.is_leaving():
                return wrong(ToolOutcome.REFUSED, "the call ends: no other agent answers any more").output
            try:
                await self._go_over(cast_of(self.book, name, self.call.called, before.context))
            except EngineError as error:
                self._take(before)
                self.note(Kind.ERROR, what="agent_not_changed", cause=error.cause)
                return wrong(ToolOutcome.FAILED, "the other agent cannot answer now: go on yourself").output
            self.note(Kind.AGENT_CHANGED, agent=name, was=before.agent.name)
            return orjson.dumps({"status": "changed", "agent": name, "note": TAKEN_OVER}).decode()

    # Private.

    def _take(self, cast: Cast) -> None:
        self.cast = cast
        self.recast()
        self._write()

    def _write(self) -> None:
        """On the card: whoever has the call next goes on with it."""
        cast = self.cast
        fallback = NOBODY if cast.context.refusal else cast.agent.fallback_number
        chosen = AgentChosen(agent=cast.agent.name, profile=cast.base.snapshot(), fallback=fallback)
        self.owner.card(chosen)
        written = self.written
        if written is not None:
            self.owner.card(CallContext(context=written))

    async def _until_done(self, response_id: str) -> None:
        """What was being said is generated to its end: another voice would cut it off."""
        for _ in range(round(DONE_WITHIN_S / DONE_LOOK_S)):
            if not self.is_generating(response_id):
                return
            await asyncio.sleep(DONE_LOOK_S)

    async def _go_over(self, cast: Cast) -> None:
        """Raises EngineError: the session that serves is the one before."""
        self._take(cast)  # A session that is opened from now on is the new agent's.
        serving = self.sessions.serving
        if serving is None:
            return
        is_doubtful = False
        try:
            if await serving.become(cast.agent, cast.tools):
                return
        except EngineError as error:
            self.note(Kind.ERROR, what="agent_refused", cause=error.cause)
            is_doubtful = error.cause != REFUSED_UPDATE
        self._serves.clear()
        try:
            await self.sessions.change_over()
        except EngineError as error:
            if self._serves.is_set():  # The one before has ended meanwhile: what serves is the new agent's.
                return
            if is_doubtful:  # Nobody knows who it is by now.
                self.sessions.replace(error.cause)
            raise
        await self._serves.wait()
