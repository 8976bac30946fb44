"""The network between Twilio and the bridge: a relay that brings each byte later, some later than others.

Why it exists: on one host everything arrives at once, and what a lead of 160 ms is worth shows only with a
network in between. Owns: the delay, both ways, ends of connections included. Must not know: what passes.

Order is kept. A peer that does not read is felt as such: the other one is not read from either.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import deque
from typing import Final, Self, cast

RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, on, without waiting."""


class Relay:
    """An async context manager: listens on a port of its own and leads to `port`."""

    def __init__(self, port: int, delay_s: float, *, jitter_s: float = 0.0, seed: int = 1) -> None:
        """`jitter_s`: what is read at once comes later by up to so much, in order."""
        self.delay_s = delay_s
        self.jitter_s = jitter_s
        self.chance = random.Random(seed)
        self._to = ("127.0.0.1", port)
        self._server: asyncio.Server | None = None
        self.open: set[_End] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self), "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for end in list(self.open):
            end.abort()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None, "a relay listens only inside `async with`"
        return cast(int, self._server.sockets[0].getsockname()[1])

    def lead_to(self, port: int, host: str = "127.0.0.1") -> None:
        """Connections that come from now on lead there; those that are open stay as they are."""
        self._to = (host, port)

    async def connect(self, near: _End) -> None:
        """The far side of a connection that was accepted. Cancelling it leaves the near one open."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.delay_s)
        try:
            await loop.create_connection(lambda: _End(self, near), *self._to)
        except OSError:
            near.abort()


class _End(asyncio.Protocol):
    """One side of a connection; what it reads, the other one writes, later."""

    __slots__ = ("_connecting", "_due", "_due_at_s", "_early", "_other", "_relay", "_transport")

    def __init__(self, relay: Relay, other: _End | None = None) -> None:
        self._relay = relay
        self._other = other
        self._transport: asyncio.Transport | None = None
        self._due: deque[bytes] = deque()
        self._due_at_s = 0.0
        """When the last of it is."""
        self._early: list[bytes] = []
        """What was due before the far side was there: a paused transport may still read a little."""
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._relay.open.add(self)
        if self._other is None:
            self._transport.pause_reading()
            self._connecting = asyncio.get_running_loop().create_task(self._relay.connect(self))
        else:
            self._other.pair(self)

    def pair(self, far: _End) -> None:
        """The far side is there."""
        self._other = far
        if self._transport is None or self._transport.is_closing():
            far.abort()
        else:
            for data in self._early:
                far.write(data)
            self._early.clear()
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Says it to this side's peer, if there still is one."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        loop, relay = asyncio.get_running_loop(), self._relay
        self._due.append(data)
        at_s = loop.time() + relay.delay_s + relay.chance.uniform(0.0, relay.jitter_s)
        self._due_at_s = max(self._due_at_s, at_s)
        loop.call_at(self._due_at_s, self._pass_on)

    def eof_received(self) -> bool:
        return False  # Closed; `connection_lost` tells the other side, once all has passed.

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.open.discard(self)
        loop = asyncio.get_running_loop()
        at_s = max(self._due_at_s, loop.time() + self._relay.delay_s)
        loop.call_at(at_s, self._pass_end, exc is not None)

    def pause_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.resume_reading()

    def abort(self) -> None:
        """Drops this side, as a host does whose process was killed with unread bytes: by a reset."""
        if self._transport is not None:
            if not self._transport.is_closing():
                own = cast(socket.socket, self._transport.get_extra_info("socket"))
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            self._transport.abort()

    def _pass_on(self) -> None:
        data = self._due.popleft()
        if self._other is None:
            self._early.append(data)
        else:
            self._other.write(data)

    def _pass_end(self, is_broken: bool) -> None:
        other = self._other
        if other is None or other._transport is None:
            return
        if is_broken:
            other.abort()
        else:
            other._transport.close()
