"""One WebSocket of the simulator and the session behind it.

Why it exists: everything that a session says is decided in `session`; here it is carried out on a socket.
Owns: the order in which events are sent, the session's one timer, what a socket does when it is stalled or
frozen. Must not know: what an event means, or which other connections there are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Final

import orjson
from websockets.exceptions import ConnectionClosed

from simulators.realtime.protocol import errors
from simulators.realtime.record import SessionRecord
from simulators.realtime.session.core import Session
from simulators.realtime.session.outlet import Close, Freeze, Send, StopReading
from simulators.realtime.wire import QuickConnection

MAX_UNSENT_EVENTS: Final = 20_000
"""The connection of a client that leaves this many unread is dropped (a policy of this simulator)."""

log = logging.getLogger("simulators.realtime")


class Connection:
    """One socket and its session. `on_event` is called after each event that was received or is to be
    sent."""

    def __init__(
        self,
        socket: QuickConnection,
        session: Session,
        record: SessionRecord,
        on_event: Callable[[], None],
    ) -> None:
        self.session = session
        self._on_event = on_event
        self._socket = socket
        self._record = record
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[Send | Close] = deque()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at_ms: float | None = None
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._thaw_timer: asyncio.TimerHandle | None = None

    async def run(self, fatal: errors.Refusal | None) -> None:
        """Serves until either side closes. Cancelling it ends the session, its timer and its writer."""
        writer = asyncio.create_task(self._write(), name=f"realtime-write-{self._record.number}")
        self.session.open(now_ms(), fatal)
        self.pump()
        try:
            await self._read()
        finally:
            for timer in (self._timer, self._thaw_timer):
                if timer is not None:
                    timer.cancel()
            writer.cancel()
            await asyncio.wait({writer})
            if self._record.close_code is None:
                self._record.closed_at_ms = now_ms()
                self._record.close_code = self._socket.close_code

    def pump(self) -> None:
        """Hands what the session wants done to the writer, and sets the timer again."""
        actions = self.session.take_actions()
        if actions:
            for action in actions:
                if isinstance(action, StopReading):
                    self._socket.pause()
                    self._loop.call_later(action.duration_ms / 1000, self._socket.resume)
                elif isinstance(action, Freeze):
                    self.freeze(action.duration_ms)
                else:
                    self._unsent.append(action)
                    self._log(action)
            if len(self._unsent) > MAX_UNSENT_EVENTS:
                self._drop_unread()
            self._wake.set()
            self._on_event()
        due_at_ms = self.session.next_due_at_ms()
        if due_at_ms != self._armed_at_ms:
            self._arm(due_at_ms)

    def freeze(self, duration_ms: float = inf) -> None:
        """Half open: nothing is read or written for this long, and nothing is closed; then all that waited
        comes at once, both ways, as after an outage of the network."""
        self._socket.pause()
        self._thawed.clear()
        if self._thaw_timer is not None:
            self._thaw_timer.cancel()
            self._thaw_timer = None
        if duration_ms != inf:
            self._thaw_timer = self._loop.call_later(duration_ms / 1000, self.thaw)

    @property
    def is_frozen(self) -> bool:
        """Whether nothing passes now."""
        return not self._thawed.is_set()

    def thaw(self) -> None:
        """Ends a `freeze` before its time."""
        self._thawed.set()
        self._socket.resume()

    def abort(self) -> None:
        """Drops the connection, frozen or not."""
        self._socket.transport.abort()

    # Private.

    async def _read(self) -> None:
        self._socket.listen(self._receive)
        try:
            async for message in self._socket:  # only what was sent in fragments
                self._receive(message)
        except ConnectionClosed:
            return  # dropped without a close frame: run() takes the code from the socket

    def _receive(self, message: str | bytes) -> None:
        events = self._record.received_count
        self.session.receive(now_ms(), message)
        self.pump()
        if self._record.received_count != events:
            log.info("session %d < %s", self._record.number, self._record.received[-1].type)
            self._on_event()

    def _drop_unread(self) -> None:
        """The client has not read for long; the writer hangs in a send, so the connection goes at once."""
        self.session.close(now_ms(), 1006, "the client does not read")
        self._unsent.clear()
        self._socket.transport.abort()

    def _log(self, action: Send | Close) -> None:
        """One line an event, deltas left out; never what was said."""
        number = self._record.number
        if isinstance(action, Close):
            log.info("session %d > close %d %s", number, action.code, action.reason)
            return
        event_type = str(action.event["type"])
        if event_type == "error":
            body = action.event.get("error")
            code = body.get("code") if isinstance(body, dict) else None
            log.info("session %d > error %s", number, code)
        elif not event_type.endswith(".delta"):
            log.info("session %d > %s", number, event_type)

    def _arm(self, due_at_ms: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_at_ms = due_at_ms
        if due_at_ms is not None:
            delay_s = max(0.0, (due_at_ms - now_ms()) / 1000)
            self._timer = self._loop.call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._armed_at_ms = None
        self.session.tick(now_ms())
        self.pump()

    async def _write(self) -> None:
        socket = self._socket
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._unsent:
                    await self._thawed.wait()
                    action = self._unsent.popleft()
                    if isinstance(action, Send):
                        await socket.send(orjson.dumps(action.event), text=True)
                    elif action.code == 1006:
                        socket.transport.abort()
                    else:
                        await socket.close(action.code, action.reason)
        except ConnectionClosed:
            return  # the reader sees it too and ends the connection


def now_ms() -> float:
    """The clock of all records of this simulator."""
    return time.monotonic() * 1000
