"""Attach, detach, end: the rare steps of a call in Redis, asked with patience.

Why it exists: a failover or a restart of Redis must not cost a call, so each step is asked again
until Redis answers. Each is idempotent. Owns the retries and the number of steps under way. Must
not know what follows from an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.ownership.control import CONTROL_MAXLEN

from ingress.counters import CallCounters
from shared.clock import now_ms
from shared.contract import scripts
from shared.contract.entries import Why
from shared.contract.scripts import Answer
from shared.ownership import owner as ownership
from shared.ownership.owner import Attached, NewStream
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

RETRY_S = 0.2
GIVE_UP_MS = 60_000.0
"""How long a detach or an end is asked while Redis is away; then the janitor's rule stands."""

UNKNOWN_ATTACH_MS = 30_000.0
"""How long an attach of unknown outcome is asked again after its socket has gone."""

STEPS_AT_ONCE = 24
"""A burst of calls must not use up the connections of the store."""

T = TypeVar("T")


class Registry:
    """The steps of `shared.ownership.owner` that ingress takes. Nothing here raises STORE_ERRORS."""

    def __init__(self, process: Process, counters: CallCounters) -> None:
        self._process = process
        self._counters = counters
        self._free = asyncio.Semaphore(STEPS_AT_ONCE)

    async def attach(self, stream: NewStream, *, wanted: Callable[[], bool]) -> Attached | None:
        """None: unknown, and `wanted` has been false for UNKNOWN_ATTACH_MS."""
        process = self._process
        return await self._ask(
            lambda: ownership.attach(
                process.store, process.keys, stream, max_resumes=process.settings.max_resumes
            ),
            wanted=wanted,
            give_up_ms=UNKNOWN_ATTACH_MS,
        )

    async def detach(self, call_sid: str, leg: int, cause: str) -> str | None:
        """What is planned next on the card, maybe nothing; None when the stream is not ours to
        detach: the call has ended, a newer leg has it, or Redis does not know it."""
        process = self._process
        found = await self._ask(
            lambda: ownership.detach(
                process.store,
                process.keys,
                call_sid,
                leg=leg,
                ingress=process.name,
                cause=cause[:80],
            )
        )
        return found[1] if found is not None and found[0] is Answer.OK else None

    async def tell_dialled(self, call_sid: str, status: str, tries: int) -> None:
        """Tells the brain that nobody took a transferred call. Raises STORE_ERRORS: asked by a webhook,
        which Twilio repeats. `tries` makes a repetition the same message."""
        process = self._process
        message = {
            "v": "1", "kind": "dialled", "from": "twilio", "n": f"dialled-{tries}",
            "status": status[:40],
        }  # fmt: skip
        flat = [word for pair in message.items() for word in pair]
        await ownership.run_script(
            process.store,
            scripts.APPEND,
            [process.keys.card(call_sid), process.keys.control(call_sid)],
            ["", "0", "0", str(CONTROL_MAXLEN), "brain", Why.CONTROL.value, *flat],
        )

    async def end(self, call_sid: str, outcome: str, *, if_detached_leg: int | None = None) -> None:
        """Ends the call; the first comer's outcome stands."""
        process = self._process
        found = await self._ask(
            lambda: ownership.end(
                process.store,
                process.keys,
                call_sid,
                outcome=outcome,
                by=process.name,
                if_detached_leg=if_detached_leg,
                tell="call.ended" in process.settings.told_events,
            )
        )
        if found is None:
            process.log.error("end_unknown", call=call_sid, outcome=outcome)
        elif found[1]:
            self._counters.ended += 1
            process.log.info("ended", call=call_sid, outcome=outcome)

    async def _ask(
        self,
        ask: Callable[[], Awaitable[T]],
        *,
        wanted: Callable[[], bool] = lambda: False,
        give_up_ms: float = GIVE_UP_MS,
    ) -> T | None:
        """Asks until Redis answers; None after `give_up_ms` of failures, not counting the time in
        which the answer was `wanted`."""
        give_up_at_ms: float | None = None
        while True:
            try:
                async with self._free:
                    return await ask()
            except STORE_ERRORS as error:
                self._counters.store_errors += 1
                self._process.log.debug("redis_away", reason=type(error).__name__)
            now = now_ms()
            if give_up_at_ms is None or wanted():
                give_up_at_ms = now + give_up_ms
            if now >= give_up_at_ms:
                return None
            await asyncio.sleep(RETRY_S)
