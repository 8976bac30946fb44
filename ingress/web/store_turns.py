"""What webhooks ask of Redis: some at once, each within a part of the second that an answer may take.

Why it exists: a process that lets go of its calls has all of them ask what comes next at the same moment. One
that waits for its turn behind the others has met no fault of Redis's, and an apology would end it; a Redis
that is away must not keep a new caller waiting, nor end a call that comes back in that moment. Owns: how many
ask at once, the bounds. Must not know: what is asked.

On a Cluster that is said of the lane of the call. Those whose lane is away have turns of their own: they
would use up those of calls that are answered at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from shared.clock import now_ms
from shared.store.errors import STORE_ERRORS

AT_ONCE = 24
"""A burst of webhooks must not use up the connections of the store."""

ANSWERED_WITHIN_S = 0.7
"""What Redis has of the second in which a webhook answers."""

AWAY_AT_ONCE = 8
"""The same of those that ask a Redis that is away: each has its turn for as long as an answer may take."""

TURN_WITHIN_S = 2.0
"""How long others may be asking first: some hundred calls are through by then, and a proxy still waits."""

PATIENT_MS = 2_000.0
"""How long a webhook of a call that goes on asks a Redis again that has just gone away: with the last answer
it stays below the three seconds for which a proxy waits."""

AWAY_MOST_MS = 8_000.0
"""A Redis that has been away for so long is not waited for: who is sent here to hear the apology has waited
already (ingress/calls/owed.py)."""

AGAIN_S = 0.1

AWAY_AFTER_MS = 1_000.0
"""A connection that is opened, as at the start of the process, is no outage yet."""

T = TypeVar("T")


@dataclass(slots=True)
class StoreTurns:
    """One a process. `away_since_ms`: since when the Redis of a call answers nobody, None where it does."""

    away_since_ms: Callable[[str], float | None]
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _away_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AWAY_AT_ONCE))

    async def ask_patiently(self, call_sid: str, work: Callable[[], Awaitable[T]]) -> T:
        """As `ask`, and asked again where Redis has only just gone away. Cancelling it is as for `work`."""
        began_ms = now_ms()
        while True:
            try:
                return await self.ask(call_sid, work)
            except STORE_ERRORS:
                since_ms = self.away_since_ms(call_sid)
                is_long_gone = since_ms is not None and now_ms() - since_ms > AWAY_MOST_MS
                if is_long_gone or now_ms() - began_ms > PATIENT_MS:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def ask(self, call_sid: str, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, in its turn. Raises what it raises; TimeoutError if its turn does not come, or
        its answer. Cancelling it is as for `work`."""
        since_ms = self.away_since_ms(call_sid)
        if since_ms is not None and now_ms() - since_ms > AWAY_AFTER_MS:
            # Those before us wait in vain, one after the other: so would we.
            async with asyncio.timeout(ANSWERED_WITHIN_S), self._away_turns:
                return await work()
        async with asyncio.timeout(TURN_WITHIN_S):
            await self._turns.acquire()
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                return await work()
        finally:
            self._turns.release()
