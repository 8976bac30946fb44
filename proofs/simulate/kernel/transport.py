"""One side of a connection, as asyncio's protocols want it.

Why it exists: redis-py, our own link, websockets, uvicorn, httpx and both simulators are asyncio protocols,
and run as they are on a transport that keeps asyncio's promises. Owns: the order of bytes, flow control,
closing and breaking off. Must not know: who talks to whom, and why.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import Machine, State

KERNEL_BYTES = 256 * 1024
"""What two kernels hold between them, before a writer keeps it itself."""

HIGH_WATER_BYTES = 64 * 1024

Address = tuple[str, int]


class Wire(Protocol):
    """What an end asks of the network."""

    loop: VirtualLoop
    history: History

    def delay_s(self, one: str, other: str) -> float:
        """How long the next byte takes between two processes."""

    def is_cut(self, one: str, other: str) -> bool:
        """Whether nothing of the one reaches the other."""

    def forget(self, end: End) -> None:
        """A side that is over."""


@dataclass(slots=True, eq=False)
class FakeSocket:
    """What is asked of a socket that has no descriptor."""

    name: Address
    peer: Address | None = None
    on_close: Callable[[], None] | None = None
    family: int = socket.AF_INET
    type: int = socket.SOCK_STREAM
    proto: int = socket.IPPROTO_TCP

    def getsockname(self) -> Address:
        """Of this side."""
        return self.name

    def getpeername(self) -> Address:
        """Of the other side. Raises OSError of a listener."""
        if self.peer is None:
            raise OSError(107, "not connected")
        return self.peer

    def setsockopt(self, *_: object) -> None:
        """There is nothing to set."""

    def getsockopt(self, *_: object) -> int:
        """Nothing was set."""
        return 0

    def setblocking(self, _flag: bool) -> None:
        """Nothing blocks."""

    def fileno(self) -> int:
        """No descriptor."""
        return -1

    def close(self) -> None:
        """Of a listener: it listens no more."""
        if self.on_close is not None:
            self.on_close()


class End(asyncio.Transport):
    """One side. Its protocol runs in its process's context."""

    def __init__(self, network: Wire, machine: Machine, name: Address, peer_name: Address) -> None:
        super().__init__()
        self.network = network
        self.machine = machine
        self.context = machine.context()
        self.peer: End | None = None
        self._socket = FakeSocket(name, peer_name)
        self._protocol: Any = None
        self._is_closing = False
        """We write no more."""
        self._is_over = False
        """Nobody hears of us any more, and we hear of nobody."""
        self.has_vanished = False
        """Our host went with us: nothing is answered, nothing acknowledged."""
        self._paused = False
        self._unread: deque[bytes | None] = deque()
        """What arrived while reading was paused; None: the other side has ended."""
        self._on_the_way = 0
        self._arrives_at_s = 0.0
        self._waiting: list[tuple[str, bytes]] = []
        """What a cut holds back."""
        self._is_full = False
        self._has_ended = False
        """The other side has been told that nothing more comes."""
        self._high, self._low = HIGH_WATER_BYTES, HIGH_WATER_BYTES // 4

    def begin(self, protocol_or_factory: Any) -> None:
        """A protocol, or what makes one, is told of the connection, in the next round."""
        is_made = isinstance(protocol_or_factory, asyncio.BaseProtocol)
        self._protocol = protocol_or_factory if is_made else protocol_or_factory()
        if is_made:
            self._protocol.connection_made(self)
        else:
            self.network.loop.call_soon(self._protocol.connection_made, self, context=self.context)

    # asyncio.Transport.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Addresses and the socket."""
        known = {
            "socket": self._socket,
            "sockname": self._socket.name,
            "peername": self._socket.peer,
        }
        return known.get(name, default)

    def set_protocol(self, protocol: Any) -> None:
        """After an upgrade."""
        self._protocol = protocol

    def get_protocol(self) -> Any:
        """Who hears what arrives."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether nothing more is written."""
        return self._is_closing

    def is_reading(self) -> bool:
        """Whether what arrives is handed on."""
        return not self._paused and not self._is_closing

    def pause_reading(self) -> None:
        """What arrives waits."""
        self._paused = True

    def resume_reading(self) -> None:
        """What has waited is handed on, in the next round."""
        if self._paused:
            self._paused = False
            if self._unread:
                self.network.loop.call_soon(self._hand_on, context=self.context)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends, in order."""
        if self._is_closing or not data:
            return
        self._on_the_way += len(data)
        self._send("data", bytes(data))
        if not self._is_full and self.get_write_buffer_size() > self._high:
            self._is_full = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """The same, of several."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """As TCP can."""
        return True

    def write_eof(self) -> None:
        """We have said all; what the other side says is still heard."""
        if not self._is_closing and not self._has_ended:
            self._has_ended = True
            self._send("eof", b"")

    def get_write_buffer_size(self) -> int:
        """What the kernels have not taken."""
        return max(0, self._on_the_way - KERNEL_BYTES)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """As asyncio's: low, high."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When the protocol is asked to pause."""
        self._high = HIGH_WATER_BYTES if high is None else high
        self._low = self._high // 4 if low is None else low

    def close(self) -> None:
        """What was written arrives, then the end."""
        if self._is_closing:
            return
        self.write_eof()
        self._is_closing = True
        self._lose(None)

    def abort(self) -> None:
        """Breaks off."""
        if self._is_over:
            return
        self._is_closing = True
        self._send("reset", b"")
        self._lose(None)

    # For the network.

    def break_off(self) -> None:
        """A reset that neither side has asked for."""
        peer = self.peer
        self._is_closing = True
        self._lose(ConnectionResetError(104, "Connection reset by peer"))
        if peer is not None and not peer._is_over:
            peer._is_closing = True
            peer._lose(ConnectionResetError(104, "Connection reset by peer"))

    def die(self, *, silently: bool) -> None:
        """Our process is gone. Without a word, if its host went with it."""
        self._is_closing = self._is_over = True
        self.has_vanished = silently
        self.network.forget(self)
        if not silently:
            self._send("reset", b"")

    @property
    def waits_for_an_answer(self) -> bool:
        """Whether something that was sent was not acknowledged: it is sent again and again."""
        return self._on_the_way > 0 and not self._is_over

    def hear_of_the_end(self) -> None:
        """We wrote to a side that is over: its kernel answers with a reset."""
        loop = self.network.loop
        delay_s = self.network.delay_s(self.machine.name, "")
        loop.call_later(delay_s, self._arrive, "reset", b"", context=self.context)

    def resend(self, after_s: float) -> None:
        """What a cut held back goes on its way."""
        waiting, self._waiting = self._waiting, []
        self._arrives_at_s = max(self._arrives_at_s, self.network.loop.time() + after_s)
        for kind, data in waiting:
            self._send(kind, data)

    # Private.

    def _send(self, kind: str, data: bytes) -> None:
        peer, network = self.peer, self.network
        if peer is None:
            return
        if network.is_cut(self.machine.name, peer.machine.name):
            self._waiting.append((kind, data))
            return
        if peer.machine.state is State.DEAD:
            if not peer.has_vanished:
                self.hear_of_the_end()
            return
        loop = network.loop
        delay_s = network.delay_s(self.machine.name, peer.machine.name)
        self._arrives_at_s = max(self._arrives_at_s, loop.time() + delay_s)
        loop.call_at(self._arrives_at_s, peer._arrive, kind, data, context=peer.context)

    def _arrive(self, kind: str, data: bytes) -> None:
        peer = self.peer
        if peer is not None and data:
            peer._on_the_way -= len(data)
            if peer._is_full and peer.get_write_buffer_size() <= peer._low:
                peer._is_full = False
                self.network.loop.call_soon(peer._protocol.resume_writing, context=peer.context)
        if self._is_over:
            if kind == "data" and peer is not None and not peer._is_over:
                peer.hear_of_the_end()
            return
        if kind == "reset":
            self._is_closing = True
            self._lose(ConnectionResetError(104, "Connection reset by peer"))
            return
        self._unread.append(data if kind == "data" else None)
        if not self._paused:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._unread and not self._paused and not self._is_over:
            data = self._unread.popleft()
            if data is None:
                if not self._protocol.eof_received():
                    self.close()
                continue
            self.network.history.passed(self.peer.machine.name if self.peer else "", self.machine.name, data)
            self._protocol.data_received(data)

    def _lose(self, error: Exception | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self.network.forget(self)
        self.network.loop.call_soon(self._protocol.connection_lost, error, context=self.context)
