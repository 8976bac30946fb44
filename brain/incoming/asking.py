"""Asks the user's system who is calling: `call.incoming`, begun while a call rings, used once.

Why it exists: an answer takes as long as a stream takes to open, or longer, and no caller may wait for both.
So it is asked for when the session is, and at most for the time of the setting; what comes then, or does not,
is what is known of the call. Owns: the request, its time, who is being asked about. Must not know: what an
answer may say (answer), what becomes of it (the call).

An answer that is not a 2xx, is too large or cannot be meant counts as none: the call goes its usual way. The
request is signed as webhooks are. It may come twice of a call (its brain died): the id is the same.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import httpx
import orjson

from brain.counters import BrainCounters
from brain.errors import AnswerError
from brain.incoming.answer import MOST_BYTES, NOTHING, Context, read_answer
from brain.signing import signed_headers
from brain.tools.http import HttpPool
from brain.webhooks.moments import iso
from shared.clock import now_ms, wall_ms
from shared.contract.streams.calls import RINGING_MS, Person, Ringing
from shared.ownership import steps
from shared.ownership.counters import Where
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

EVENT = "call.incoming"

PERSON_WITHIN_S = 0.5
"""Who calls is read within this, or is not known before the stream says it."""


class Asked(enum.StrEnum):
    """What came of asking."""

    SAID = "said"
    """An answer that can be meant, though it may say nothing."""
    FAILED = "failed"
    LATE = "late"
    UNASKED = "unasked"
    """Nobody is to be asked: what the number carries is all that is known."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a call. `why`: of one that failed, in words without a value."""

    context: Context
    outcome: Asked
    why: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCall:
    """A call, as the user's system is told of it."""

    call_sid: str
    caller: str = field(repr=False)
    """In full."""
    called: str
    agent: str
    """Who answers if nobody says otherwise."""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the number carries: of its webhook's URL, of the carrier's SIP headers."""

    @property
    def event_id(self) -> str:
        """The same each time that it is asked about."""
        return f"{self.call_sid}-incoming"

    def body(self, at_ms: int) -> bytes:
        """Of the request; `at_ms`: now, wall time."""
        data = {"call_sid": self.call_sid, "agent": self.agent, "from": self.caller, "to": self.called,
                "parameters": dict(self.parameters)}  # fmt: skip
        return orjson.dumps({"type": EVENT, "timestamp": iso(at_ms), "data": data})


@dataclass(frozen=True, slots=True)
class _Begun:
    task: asyncio.Task[Found | None]
    since_ms: float


class Inquiries:
    """Of one process."""

    def __init__(self, process: Process, counters: BrainCounters, pool: HttpPool | None = None) -> None:
        """`pool`: connections of its own, so that a slow system keeps no tool waiting; for tests another."""
        settings = process.settings
        self._process = process
        self._counters = counters
        self._url = settings.incoming_url
        self._secret = settings.webhook_secret.get_secret_value()
        self._within_s = settings.incoming_within_s
        self._pool = HttpPool(proxy=settings.proxy_url) if pool is None else pool
        self._begun: dict[str, _Begun] = {}
        """By call; as many as may ring for this process."""

    @property
    def is_on(self) -> bool:
        """Whether anybody is asked."""
        return bool(self._url)

    def ringing(self, call: Ringing, agent: str) -> None:
        """A call rings, and `agent` answers if nobody says otherwise. Once for each: an entry may be read
        again."""
        if self.is_on and call.call_sid not in self._begun and not self._process.draining:
            told = IncomingCall(call_sid=call.call_sid, caller="", called=call.called, agent=agent)
            task = asyncio.get_running_loop().create_task(self._early(told), name=f"asking-{call.call_sid}")
            self._begun[call.call_sid] = _Begun(task, now_ms())

    async def find(self, call: IncomingCall) -> Found:
        """What is known of a call that is ours now. Takes no longer than the setting from when it was first
        asked about, and twice PERSON_WITHIN_S at most. Cancelling it ends the request."""
        begun = self._begun.pop(call.call_sid, None)
        found = None if begun is None else await begun.task
        if found is not None:
            return found
        person = await self._person(call.call_sid)
        return await self._ask(call if person is None else replace(call, parameters=person.parameters))

    def drop(self, call_sid: str) -> None:
        """The call is another brain's, or over."""
        begun = self._begun.pop(call_sid, None)
        if begun is not None:
            begun.task.cancel()
            begun.task.add_done_callback(partial(self._collect, call_sid))

    def forget_old(self) -> None:
        """Lets go of those that no stream has come for in time."""
        oldest_ms = now_ms() - RINGING_MS
        for call_sid, begun in list(self._begun.items()):
            if begun.since_ms <= oldest_ms:
                self.drop(call_sid)

    async def stop(self) -> None:
        """Ends all of them. Cancelled, some connections are left to the end of the process."""
        tasks = [begun.task for begun in self._begun.values()]
        for call_sid in list(self._begun):
            self.drop(call_sid)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pool.close()

    # Private.

    async def _early(self, call: IncomingCall) -> Found | None:
        """None: nobody has written down yet who calls. It is asked about when there is a stream, then."""
        person = await self._person(call.call_sid)
        if person is None:
            return None
        return await self._ask(replace(call, caller=person.caller, parameters=person.parameters))

    async def _person(self, call_sid: str) -> Person | None:
        try:
            async with asyncio.timeout(PERSON_WITHIN_S):
                return await steps.read_person(self._process.store, self._process.keys, call_sid)
        except STORE_ERRORS as error:
            self._process.log.debug("asking_without_redis", call=call_sid, reason=type(error).__name__)
            return None

    async def _ask(self, call: IncomingCall) -> Found:
        if not self.is_on:
            return Found(NOTHING.beside(call.parameters), Asked.UNASKED)
        began_ms = now_ms()
        self._counters.contexts_asked += 1
        try:
            async with asyncio.timeout(self._within_s):
                context = read_answer(await self._post(call))
        except TimeoutError:
            outcome, why = Asked.LATE, f"no answer within {self._within_s:g} s"
        except AnswerError as error:
            outcome, why = Asked.FAILED, str(error)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            outcome, why = Asked.FAILED, type(error).__name__
        else:
            return Found(context.beside(call.parameters), Asked.SAID, "", now_ms() - began_ms)
        self._counters.contexts_failed += 1
        return Found(NOTHING.beside(call.parameters), outcome, why, now_ms() - began_ms)

    async def _post(self, call: IncomingCall) -> bytes:
        """Raises AnswerError, httpx.HTTPError."""
        client = await self._pool.client()
        now, headers = wall_ms(), {"content-type": "application/json", "accept-encoding": "identity"}
        body = call.body(now)
        headers |= signed_headers(self._secret, call.event_id, now // 1000, body)
        asked = client.stream("POST", self._url, content=body, headers=headers, timeout=None)
        async with asked as response:
            if not response.is_success:
                raise AnswerError(f"HTTP {response.status_code}")
            answer = bytearray()
            # As it is on the wire: what is packed all the same is no JSON, and unpacks to nothing here.
            async for piece in response.aiter_raw():
                answer += piece
                if len(answer) > MOST_BYTES:
                    raise AnswerError(f"expected at most {MOST_BYTES} bytes")
            return bytes(answer)

    def _collect(self, call_sid: str, task: asyncio.Task[Found | None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._process.guard.note(Where.TASK, call_sid, error)
