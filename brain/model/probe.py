"""Opens one session as a call would, waits until the model has confirmed µ-law both ways, closes it.

Why it exists: a key without quota, a model that this key may not use, a firewall: all show themselves at the
gate, and should do so before a caller waits for it. `trunkline doctor` asks for it. Nothing is said or heard
in the session, so it costs nothing. Owns: that one session. Must not know: Redis, the calls.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

from openai import AsyncOpenAI

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.model.engine import Opening
from brain.model.realtime.socket import RealtimeEngine
from shared.clock import now_ms
from shared.logs.log import get_log
from shared.settings import Settings


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

    def as_dict(self) -> dict[str, str | int | bool]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.ok:
            return f"{self.agent}: {self.model}: µ-law confirmed both ways in {self.took_ms} ms"
        return f"{self.agent}: {self.model}: {self.cause}: {self.detail}" + (
            " (waiting does not help)" if self.fatal else ""
        )


async def check_session(settings: Settings, agent_name: str = "default") -> SessionCheck:
    """A session for one agent, tools included. Bounded by the engine. Raises SettingsError.

    Cancelling it closes the session.
    """
    book = AgentBook(settings, get_log())
    agent = book.pick(agent_name, "")
    async with AsyncOpenAI(
        api_key=settings.openai_api_key.get_secret_value(), base_url=settings.openai_base_url, max_retries=0
    ) as client:
        return await _open(client, agent, Opening(
            tools=tuple(book.toolbox(agent).definitions()),
            tag=f"check{os.getpid()}",
            seeded=True,  # Until a seed is in, the model answers nothing by itself: there will be none.
            headers={"X-Client-Request-Id": f"trunkline-doctor-{os.getpid()}"},
        ))  # fmt: skip


# Private.


async def _open(client: AsyncOpenAI, agent: Agent, opening: Opening) -> SessionCheck:
    engine = RealtimeEngine(client, agent, opening, BrainCounters())
    began_ms = now_ms()
    try:
        await engine.open()
    except EngineError as error:
        took_ms = round(now_ms() - began_ms)
        return SessionCheck(
            agent=agent.name,
            ok=False,
            model=agent.model,
            voice=agent.voice,
            took_ms=took_ms,
            cause=error.cause,
            detail=error.detail,
            fatal=error.fatal,
        )
    else:
        took_ms = round(now_ms() - began_ms)
        return SessionCheck(agent=agent.name, ok=True, model=agent.model, voice=agent.voice, took_ms=took_ms)
    finally:
        await engine.close()
