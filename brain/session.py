"""One Realtime session: the socket, its gate, a reading loop and a writing task.

Owns: connecting with bounded retries, the order of the gate, the bounded send queue. Must not know: the
sequencer, Redis, the call; it hands each event to a function and takes texts.

Raw frames both ways (`recv_bytes`, `send_raw`): the SDK's typed path costs ten times as much per event.
The SDK's own reconnect stays off: it would open a blank session.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import orjson
from openai import AsyncOpenAI, OpenAIError
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.websocket_connection_options import WebSocketConnectionOptions
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from brain.counters import BrainCounters
from brain.events import Json
from brain.session_gate import SessionGate, Step

CONNECT_WITHIN_S = 6.0
"""All attempts together: a caller waits no longer than this in silence."""

ATTEMPT_WITHIN_S = 3.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0
CONFIRM_WITHIN_S = 4.0
CLOSE_WITHIN_S = 1.0

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""The largest server event: an audio delta of minutes would be smaller."""

MAX_QUEUED_APPENDS = 50
"""Appends waiting for the socket (2 s of caller audio). Above it the caller's stream is left unread in
Redis, where XLEN shows it. Control events are few and always queued."""

MAX_QUEUED_EVENTS = 2_000
"""Beyond it the socket is taken for dead: it has not taken a byte for minutes."""

RETRIED_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""HTTP answers to the upgrade that may be better a moment later; others will not change."""


_SOCKET_OPTIONS = cast(
    WebSocketConnectionOptions,  # It names a few; the SDK hands every key on to websockets.connect.
    {
        # Our process has no business with a proxy that the environment names.
        "proxy": None,
        "max_size": MAX_EVENT_BYTES,
        # A finite max_size would turn permessage-deflate on: megabytes and CPU a call.
        "compression": None,
        "max_queue": 64,
        "ping_interval": 20,
        "ping_timeout": 20,
        "close_timeout": CLOSE_WITHIN_S,
    },
)


class SessionError(Exception):
    """No session to be had, or not one to talk through. `cause` is a short word for the journal."""

    def __init__(self, cause: str, detail: str) -> None:
        self.cause = cause
        self.detail = detail
        super().__init__(f"{cause}: {detail}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionPlan:
    """How a session is opened."""

    model: str
    config: Json
    """The `session` of the first `session.update`."""
    update_id: str
    connect_within_s: float = CONNECT_WITHIN_S


OnEvent = Callable[[Json], None]


class RealtimeSession:
    """A session from `open` to `close`. `open` then `read` and `write` as two tasks."""

    def __init__(self, client: AsyncOpenAI, plan: SessionPlan, counters: BrainCounters) -> None:
        self._client = client
        self._plan = plan
        self._counters = counters
        self._connection: AsyncRealtimeConnection | None = None
        self._queue: deque[tuple[str, bytes]] = deque()
        self._queued_appends = 0
        self._some = asyncio.Event()
        self._on_drained: Callable[[], None] | None = None
        self.gate = SessionGate(update_id=plan.update_id)
        self.appended_id = b""
        """The last caller entry whose audio was given to the socket."""

    # Opening.

    async def open(self) -> None:
        """Connects and passes the gate. Raises SessionError; tries again where that can help."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._plan.connect_within_s
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(min(ATTEMPT_WITHIN_S, max(0.1, ends_at - loop.time()))):
                    self._connection = await self._connect()
                break
            except InvalidStatus as error:
                status = error.response.status_code
                problem = SessionError("connect_refused", f"HTTP {status}")
                if status not in RETRIED_STATUSES:
                    raise problem from error
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed, OpenAIError) as error:
                problem = SessionError("connect_failed", type(error).__name__)
            if loop.time() + pause_s >= ends_at:
                raise problem
            self._counters.connect_retries += 1
            await asyncio.sleep(pause_s * random.uniform(0.75, 1.0))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        await self._confirm(self._connection)

    async def _connect(self) -> AsyncRealtimeConnection:
        return await self._client.realtime.connect(
            model=self._plan.model,
            websocket_connection_options=_SOCKET_OPTIONS,
        ).enter()

    async def _confirm(self, connection: AsyncRealtimeConnection) -> None:
        try:
            async with asyncio.timeout(CONFIRM_WITHIN_S):
                while True:
                    event = read_json(await connection.recv_bytes())
                    match self.gate.handle(event):
                        case Step.SEND_UPDATE:
                            await connection.send_raw(self._update())
                        case Step.OPEN:
                            return
                        case Step.REFUSED:
                            raise SessionError("session_refused", self.gate.reason)
                        case Step.WAIT:
                            pass
        except TimeoutError:
            raise SessionError(
                "session_unconfirmed", f"no session.updated within {CONFIRM_WITHIN_S:g} s"
            ) from None
        except ConnectionClosed as error:
            raise SessionError("session_closed", close_cause(error)) from error

    def _update(self) -> str:
        event = {
            "type": "session.update",
            "event_id": self._plan.update_id,
            "session": self._plan.config,
        }
        return orjson.dumps(event).decode()

    # Running.

    async def read(self, on_event: OnEvent) -> str:
        """Hands on every event until the socket closes; gives the cause. `on_event` must not block."""
        connection = self._connected()
        while True:
            try:
                data = await connection.recv_bytes()
            except ConnectionClosed as error:
                # 1000 and 1001 end a plain `async for` without a word; here they are causes too.
                return close_cause(error)
            self._counters.events += 1
            try:
                event = read_json(data)
            except orjson.JSONDecodeError:
                self._counters.events_bad += 1
                continue
            on_event(event)

    async def write(self) -> None:
        """Sends what is queued, in order, until the socket closes or the task is cancelled."""
        connection = self._connected()
        while True:
            while self._queue:
                message, entry_id = self._queue.popleft()
                try:
                    await connection.send_raw(message)
                except ConnectionClosed:
                    return  # The reader sees the same end, with its cause.
                if entry_id:
                    self.appended_id = entry_id
                    self._queued_appends -= 1
                    if self._on_drained is not None and self._queued_appends == 0:
                        drained, self._on_drained = self._on_drained, None
                        drained()
            self._some.clear()
            await self._some.wait()

    def send(self, message: str) -> None:
        """Queues a client event. Never waits; raises SessionError when the socket takes nothing."""
        if len(self._queue) >= MAX_QUEUED_EVENTS:
            raise SessionError("socket_stuck", f"{len(self._queue)} events are not sent")
        self._queue.append((message, b""))
        self._some.set()

    def append(self, message: str, entry_id: bytes) -> bool:
        """Queues caller audio up to `entry_id`. False: the queue is full now, stop reading the caller."""
        self._queue.append((message, entry_id))
        self._queued_appends += 1
        self._some.set()
        return self._queued_appends < MAX_QUEUED_APPENDS

    def when_drained(self, then: Callable[[], None]) -> None:
        """Calls `then` once when all queued audio was sent."""
        self._on_drained = then

    @property
    def queued_events(self) -> int:
        return len(self._queue)

    async def close(self) -> None:
        """Closes the socket, within a bounded time; safe to call at any moment and again."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(TimeoutError, OSError, ConnectionClosed):
            async with asyncio.timeout(CLOSE_WITHIN_S * 2):
                await connection.close()

    def _connected(self) -> AsyncRealtimeConnection:
        if self._connection is None:
            raise SessionError("not_open", "expected an open session: call open() first")
        return self._connection


def read_json(data: bytes) -> Json:
    """A server event. Raises orjson.JSONDecodeError; anything but an object reads as an empty one."""
    event = orjson.loads(data)
    return event if isinstance(event, dict) else {}


def close_cause(error: ConnectionClosed) -> str:
    """The close code as a word, with the reason of a 4000, which is a code of the API."""
    if error.rcvd is None:
        return "closed_1006"
    if error.rcvd.code == 4000 and error.rcvd.reason:
        return f"closed_4000_{error.rcvd.reason[:60]}"
    return f"closed_{error.rcvd.code}"
