"""Sessions of whoever answers a call: one that is ours, one that rings, one that is another brain's still.

Why it exists: whenever a session is opened, its provider is told the same of a call. Owns: the tools and the
headers of a session, how a caller is known again there without their number. Must not know: when a session
is opened, what becomes of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass

from openai import AsyncOpenAI

from brain.agents.agent import Agent
from brain.agents.book import AgentBook
from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.incoming.answer import NOTHING, known
from brain.incoming.asking import Inquiries
from brain.incoming.cast import Cast, cast_of
from brain.model.attempts import Ready
from brain.model.engine import Engine, Opening
from brain.model.realtime.headroom import Headroom
from brain.model.realtime.socket import RealtimeEngine
from brain.takeover.prepared import PreparedSession
from shared.clock import now_ms
from shared.contract.card import CallState
from shared.contract.streams.calls import Ringing
from shared.contract.views import BrainView
from shared.ownership import steps
from shared.process.role import Process

SAFETY_HEADER = "OpenAI-Safety-Identifier"


@dataclass(frozen=True, slots=True)
class Openings:
    """Of one process."""

    process: Process
    client: AsyncOpenAI
    book: AgentBook
    asking: Inquiries
    counters: BrainCounters
    headroom: Headroom | None = None
    """Who is to hear what is left of the account's rate."""

    def engine(self, cast: Cast, call_sid: str, caller: str, tag: str, *, seeded: bool) -> Engine:
        """One that is not opened yet. `caller`: the number, where it is known."""
        opening = Opening(
            tools=cast.tools,
            tag=tag,
            seeded=seeded,
            headers=_headers(cast.agent, call_sid, caller, tag),
            call=call_sid,
            proxy=self.process.settings.proxy_url,
        )
        return RealtimeEngine(self.client, cast.agent, opening, self.counters, headroom=self.headroom)

    def for_ringing(self, call: Ringing) -> tuple[str, Engine] | None:
        """Who will answer a call that rings, and a session for it: as its own first one. None: its provider
        is to know the caller, and we do not yet. Whoever calls is asked about from now on."""
        cast = cast_of(self.book, call.agent, call.called, NOTHING)
        self.asking.ringing(call, cast.agent.name)
        if cast.agent.safety_key:
            return None
        tag = f"e{self.process.worker.boot}"
        return cast.agent.name, self.engine(cast, call.call_sid, "", tag, seeded=False)

    async def beside(self, call_sid: str) -> PreparedSession | None:
        """A session for a call that is another brain's still; None: there is no such call. Raises
        EngineError, ContractError, STORE_ERRORS. Cancelled, it is closed."""
        store, keys = self.process.store, self.process.keys
        card = await steps.read_view(store, keys, call_sid, BrainView)
        if card is None or card.state is CallState.ENDED:
            return None
        cast = cast_of(self.book, card.agent, card.called, known(card.context) or NOTHING)
        caller = await steps.read_number(store, keys, call_sid) if cast.agent.safety_key else ""
        engine = self.engine(cast, call_sid, caller, f"p{self.process.worker.boot}", seeded=True)
        try:
            opened = await engine.open()
        except (EngineError, asyncio.CancelledError):
            await engine.close()
            raise
        return PreparedSession(Ready(engine, opened, now_ms()), cast.agent.name)


# Private.


def _headers(agent: Agent, call_sid: str, caller: str, tag: str) -> dict[str, str]:
    """By the id a provider can be asked about a session."""
    found = {**agent.headers, "X-Client-Request-Id": f"{call_sid}/{tag}"}
    if agent.safety_key and caller:
        # Without the key nobody can tell whose number it is by trying all of them.
        digest = hmac.new(agent.safety_key.encode(), caller.encode(), hashlib.sha256)
        found[SAFETY_HEADER] = digest.hexdigest()
    return found
