"""The socket of a session, read and written without a task: what comes is handed on as it comes.

Why it exists: a task that waits for each message, and another that waits to send each, cost more than the
messages. Owns: the order of what comes, from the first event to the one that ends the socket; writing at
once while the system takes it; the pings' proof. Must not know: any event.

The SDK opens the socket and closes it; in between, this is the part of it that the SDK lets its caller
choose (`create_connection`). Until somebody listens messages wait here, in order; when more than
`MOST_WAITING` do, nothing more is read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import OP_BINARY, OP_CONT, OP_TEXT, Frame
from websockets.protocol import Event, State
from websockets.typing import Data

from brain.model.realtime.frames import FrameWriter
from brain.model.realtime.proof import Proof
from shared.clock import now_ms

MOST_WAITING: Final = 256
"""Messages that wait for a reader. The answers to a seed are about as many as its items (64 at most)."""

_MESSAGES: Final = frozenset({OP_TEXT, OP_BINARY, OP_CONT})


class RealtimeLink(ClientConnection):
    """A client's socket as websockets makes it, with a synchronous way in and out.

    Its own `recv` is never used: messages do not get there.
    """

    def __init__(self, *arguments: Any, proof: Proof, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._proof = proof
        self._frames = FrameWriter()
        self._waiting: deque[bytes] = deque()
        self._parts: list[bytes] = []
        """Of a message that comes in several frames."""
        self._some = asyncio.Event()
        """There is a message, or the end."""
        self._on_message: Callable[[bytes], None] | None = None
        self._on_end: Callable[[ConnectionClosed], None] | None = None
        self._on_room: Callable[[], None] | None = None
        self._end: ConnectionClosed | None = None

    # In.

    async def receive(self) -> bytes:
        """The next message, while nobody listens. Raises ConnectionClosed. Cancelling it loses none."""
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._some.clear()
            await self._some.wait()
        message = self._waiting.popleft()
        if len(self._waiting) == MOST_WAITING - 1:
            self.transport.resume_reading()
        return message

    def listen(self, on_message: Callable[[bytes], None], on_end: Callable[[ConnectionClosed], None]) -> None:
        """From now on each message is handed over as it comes, those that wait first; then, once, the end.
        Neither may raise, or call this again."""
        was_full = len(self._waiting) >= MOST_WAITING
        while self._waiting:
            on_message(self._waiting.popleft())
        self._on_message, self._on_end = on_message, on_end
        if self._end is not None:
            on_end(self._end)
        elif was_full:
            self.transport.resume_reading()

    def unlisten(self) -> None:
        """Nothing more is handed over: what comes still waits, and is worth nothing."""
        self._on_message = self._on_end = self._on_room = None

    # Out.

    @property
    def takes_more(self) -> bool:
        """Whether what is written goes out: the socket is open, and the peer reads."""
        return self.protocol.state is State.OPEN and not self.paused

    def write(self, text: bytes) -> None:
        """One message of UTF-8 text. It goes out after what was written before, or, on a socket that has
        closed, nowhere: the end says so."""
        if self.protocol.state is State.OPEN:
            self.transport.write(self._frames.text(text))

    def when_it_takes_more(self, then: Callable[[], None]) -> None:
        """`then` is called each time that the peer reads again; it must not raise."""
        self._on_room = then

    # What websockets calls.

    def process_event(self, event: Event) -> None:
        """As the library's, but for messages, which go to whoever listens."""
        if not isinstance(event, Frame) or event.opcode not in _MESSAGES:
            super().process_event(event)
        else:
            if event.fin and not self._parts:
                self._take(bytes(event.data))
                return
            self._parts.append(bytes(event.data))
            if event.fin:
                whole, self._parts = b"".join(self._parts), []
                self._take(whole)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        if self._on_room is not None:
            self._on_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever brought it about."""
        super().connection_lost(exc)
        end = self.protocol.close_exc
        # What it was caused by (a time-out of a ping, a reset) stands in it, as `recv` would have it.
        end.__cause__ = self.recv_exc
        self._end = end
        self._some.set()
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end(end)

    async def ping(self, data: Data | None = None) -> Awaitable[float]:
        """As the library's, which sends one at each interval. Cancelling it sends none."""
        pong = cast("asyncio.Future[float]", await super().ping(data))
        before = self._proof.pinged(now_ms())

        def came(pong: asyncio.Future[float]) -> None:
            if not pong.cancelled() and pong.exception() is None:
                self._proof.ponged(before)

        pong.add_done_callback(came)
        return pong

    # Private.

    def _take(self, message: bytes) -> None:
        if self._on_message is not None:
            self._on_message(message)
            return
        self._waiting.append(message)
        self._some.set()
        if len(self._waiting) == MOST_WAITING:
            self.transport.pause_reading()
