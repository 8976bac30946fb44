"""Opens a session as a call would, waits until the model has confirmed µ-law both ways, closes it.

Why it exists: a key without quota, a model that this key may not use, a firewall, a tool that the provider
refuses: all show themselves at the gate, and should do so before a caller waits for it. `trunkline doctor`
asks for it, `agents check --live`, and a brain whose agents file has changed. Nothing is said or heard in the
session, so it costs nothing. Owns: such sessions, how many are opened at once. Must not know: Redis, the
calls.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from openai import AsyncOpenAI

from brain.agents.agent import Agent
from brain.agents.book import AgentBook, RefusedAgent
from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.engine import Opening
from brain.model.realtime.socket import RealtimeEngine
from brain.tools.toolbox import Toolbox
from brain.variables import filled
from shared.clock import now_ms
from shared.logs.log import get_log
from shared.settings import Settings

SESSIONS_AT_ONCE = 4
"""A provider limits how many may be opened in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCheck:
    """How it went. `cause` and `detail` as in brain.errors.EngineError, empty when ok."""

    agent: str
    ok: bool
    model: str
    voice: str
    took_ms: int
    cause: str = ""
    detail: str = ""
    fatal: bool = False
    said: str = ""
    """The provider's own sentence."""

    def as_dict(self) -> dict[str, str | int | bool]:
        """For JSON."""
        return asdict(self)

    @property
    def reason(self) -> str:
        """Why it did not go, in one line."""
        told = f"{self.cause}: {self.detail}" if self.detail else self.cause
        return f"{told}: {self.said}" if self.said else told

    def __str__(self) -> str:
        if self.ok:
            return f"{self.agent}: {self.model}: µ-law confirmed both ways in {self.took_ms} ms"
        hint = " (waiting does not help)" if self.fatal else ""
        return f"{self.agent}: {self.model}: {self.reason}{hint}"


async def check_session(settings: Settings, agent_name: str = "default") -> SessionCheck:
    """A session for one agent, tools included. Bounded by the engine. Raises SettingsError.

    Cancelling it closes the session.
    """
    book = AgentBook(settings, get_log())
    agent = book.pick(agent_name, "")
    async with make_client(settings) as client:
        (found,) = await check_agents(client, [(agent, book.toolbox(agent))], settings.proxy_url)
    return found


async def check_agents(
    client: AsyncOpenAI, agents: Sequence[tuple[Agent, Toolbox]], proxy: str = ""
) -> list[SessionCheck]:
    """A session for each of these, in their order, few at once. Cancelling it closes all."""
    at_once = asyncio.Semaphore(SESSIONS_AT_ONCE)

    async def check(number: int, agent: Agent, toolbox: Toolbox) -> SessionCheck:
        tag = f"check{os.getpid()}n{number}"
        opening = Opening(
            tools=tuple(toolbox.definitions()),
            tag=tag,
            seeded=True,  # Until a seed is in, the model answers nothing by itself: there will be none.
            headers={**agent.headers, "X-Client-Request-Id": f"trunkline-{tag}"},
            call=tag,
            proxy=proxy,
        )
        async with at_once:
            # What nobody says of a caller: as in a call of which nothing is known.
            return await _open(client, agent.with_texts(lambda text: filled(text, agent.variables)), opening)

    return list(await asyncio.gather(*(check(number, *each) for number, each in enumerate(agents))))


async def refused_agents(
    client: AsyncOpenAI, proxy: str, agents: Sequence[tuple[Agent, Toolbox]]
) -> list[RefusedAgent]:
    """Those of these whose session could not be had. See brain.agents.book.TryLive."""
    found = await check_agents(client, agents, proxy)
    return [RefusedAgent(each.agent, each.reason, is_final=each.fatal) for each in found if not each.ok]


def make_client(settings: Settings) -> AsyncOpenAI:
    """The SDK's client, for sessions and nothing else. To be closed."""
    return AsyncOpenAI(
        api_key=settings.openai_api_key.get_secret_value(), base_url=settings.openai_base_url, max_retries=0
    )


# Private.


async def _open(client: AsyncOpenAI, agent: Agent, opening: Opening) -> SessionCheck:
    engine = RealtimeEngine(client, agent, opening, BrainCounters())
    began_ms = now_ms()
    error: EngineError | None = None
    try:
        await engine.open()
    except EngineError as refused:
        error = refused
    finally:
        took_ms = round(now_ms() - began_ms)
        await engine.close()
    return SessionCheck(
        agent=agent.name,
        ok=error is None,
        model=agent.model,
        voice=agent.voice,
        took_ms=took_ms,
        cause="" if error is None else error.cause,
        detail="" if error is None else error.detail,
        fatal=error is not None and error.fatal,
        said="" if error is None else error.said,
    )
