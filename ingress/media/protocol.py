"""One media socket as an asyncio.Protocol: the handshake, frames in, frames out, nothing awaited.

Why it exists: ASGI hands over a socket's frames through queues and tasks, and hides the transport. Fifty
frames a second a call both ways, and the duty to drop unsent audio at a `clear`, need neither. uvicorn takes
this class as `ws=`; RFC 6455 itself is `websockets`' ServerProtocol (sans-IO).

Owns: the transport, the deque of what the transport has not taken, the bounds of both. Must not know: the
carrier's messages, calls, Redis. Whole text messages go to a `TextSink`, synchronously.

Bounds: a message 64 KiB (1009); unsent media 64 KiB a call (then frames are dropped and counted); all that is
unsent 256 KiB, control frames 20 and bytes 60,000 a second (then the connection is dropped; bounds.py).
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import socket
import struct
import sys
from collections import deque
from http import HTTPStatus
from typing import Any, ClassVar, Protocol, cast

from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.datastructures import MultipleValuesError
from websockets.frames import OP_BINARY, OP_CONT, OP_PING, OP_PONG, OP_TEXT, Frame
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from ingress.counters import SocketCounters
from ingress.media.bounds import CONTROL_FRAMES, INCOMING_BYTES, Allowance
from ingress.media.frames import split_frame, split_text_frames, text_frame
from ingress.media.strangers import Strangers
from ingress.media.write_times import WriteTimes, WriteWindow
from shared.clock import now_ms

MAX_MESSAGE_BYTES = 64 * 1024
UNSENT_MEDIA_BYTES = 64 * 1024
"""About five seconds of audio: Twilio has long run dry by then."""

UNSENT_BYTES = 256 * 1024
CLOSE_REASON_BYTES = 120
"""RFC 6455 section 5.5: a control frame carries 125 bytes, two of them the code."""

TRANSPORT_HIGH_BYTES = 4096
"""Five groups, or twelve single frames: what stands in the transport cannot be dropped any more by a
`clear`."""

TRANSPORT_LOW_BYTES = 1024

_SIOCOUTQ = 0x5411
"""Linux: bytes that the kernel has not got an acknowledgement for."""

_LIBRARY_LOG = logging.getLogger("ingress.websockets")
_LIBRARY_LOG.setLevel(logging.CRITICAL)


class TextSink(Protocol):
    """Who gets what a media socket receives. Called from the socket's loop; must not block or raise."""

    def text(self, payload: bytes) -> None:
        """A whole text message, not yet known to be UTF-8."""

    def binary(self) -> None:
        """A binary message, dropped."""

    def pong(self, payload: bytes, at_ms: float) -> None:
        """A ping was answered; the bytes of it came at `at_ms`."""

    def lost(self) -> None:
        """The connection is over. Called once, last."""


class Front(Protocol):
    """What the protocol asks the role. One object for all sockets of a process."""

    counters: SocketCounters
    send_buffer_bytes: int

    def refuse_upgrade(self, path: str, signature: str | None) -> HTTPStatus | None:
        """None lets the socket in; anything else is answered before a 101."""

    def opened(self, media: MediaProtocol) -> TextSink:
        """The 101 is sent."""


class MediaProtocol(asyncio.Protocol):
    """Made by uvicorn for each upgrade request; bind it to a role with `media_protocol_class`."""

    front: ClassVar[Front]
    strangers: ClassVar[Strangers]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        # uvicorn's own registry of connections is left alone: it would close live sockets (1012).
        self._library = ServerProtocol(max_size=MAX_MESSAGE_BYTES, logger=_LIBRARY_LOG)
        self._transport: asyncio.Transport | None = None
        self._sink: TextSink | None = None
        self._tail = b""
        self._fragments: list[bytes] = []
        self._fragment_open = False
        self._pending: deque[tuple[int | None, int, bytes]] = deque()
        """(cut of media or None, frames of audio in it, WebSocket frame), not yet in the transport."""
        self._pending_bytes = 0
        self._paused = False
        self._is_aborted = False
        self._write_times = WriteTimes()
        self.last_data_at_ms = now_ms()
        self._bytes_allowed = Allowance(INCOMING_BYTES, self.last_data_at_ms)
        self._control_allowed = Allowance(CONTROL_FRAMES, self.last_data_at_ms)
        self.peer = ""
        self.failure = ""
        """What the peer did against RFC 6455, if that ended the connection."""

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=TRANSPORT_HIGH_BYTES, low=TRANSPORT_LOW_BYTES)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.front.send_buffer_bytes)
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if isinstance(name, tuple) and name else ""

    def data_received(self, data: bytes) -> None:
        if self.failure or self._is_aborted:
            return  # The close frame is on its way: what still comes is read only to be thrown away.
        self.last_data_at_ms = now_ms()
        if not self._bytes_allowed.take(len(data), self.last_data_at_ms):
            self.strangers.counters.byte_floods += 1
            self.abort()
            return
        sink = self._sink
        if sink is None:
            self._library.receive_data(data)
            self._handle_events()
            return
        if self._tail:
            data, self._tail = self._tail + data, b""
        while data and not self._is_aborted:
            if not self._fragment_open and self._library.state is OPEN:
                payloads, data = split_text_frames(data, MAX_MESSAGE_BYTES)
                for payload in payloads:
                    sink.text(payload)
            whole = split_frame(data, MAX_MESSAGE_BYTES)
            if whole is None:
                self._tail = data
                return
            frame, data = whole
            self._library.receive_data(frame)
            self._handle_events()
            if self._library.parser_exc is not None:
                self._fail()
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._pending.clear()
        self._pending_bytes = 0
        sink, self._sink = self._sink, None
        if sink is not None:
            self.strangers.closed(self)
            sink.lost()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._move_pending()

    # For the media stream.

    @property
    def is_open(self) -> bool:
        """Whether messages may still be written."""
        return self._transport is not None and self._library.state is OPEN and not self._is_aborted

    @property
    def unsent_bytes(self) -> int:
        """Bytes that Twilio's host has not acknowledged: ours, the transport's and the kernel's."""
        if self._transport is None:
            return 0
        return self._pending_bytes + self._transport.get_write_buffer_size() + self._kernel_bytes()

    def take_window(self) -> WriteWindow:
        """What became of the writes since it was last asked for."""
        return self._write_times.take_window()

    def write_media(self, cut: int, message: bytes, frames: int) -> bool:
        """Writes a media message of a cut, with so many frames of 20 ms in it; False if it was dropped
        because too much is unsent."""
        if self._pending_bytes + len(message) > UNSENT_MEDIA_BYTES:
            self.front.counters.frames_overflowed += frames
            self._write_times.overflow(frames)
            return False
        self.front.counters.frames_written += frames
        self._write(cut, frames, text_frame(message))
        return True

    def write_control(self, message: bytes) -> None:
        """Writes a mark or a clear, in order with the media."""
        self._write(None, 0, text_frame(message))

    def drop_media_below(self, cut: int) -> None:
        """Forgets unsent media of lower cuts; marks and newer media stay, in order."""
        if not self._pending:
            return
        kept = deque(item for item in self._pending if item[0] is None or item[0] >= cut)
        dropped = sum(item[1] for item in self._pending) - sum(item[1] for item in kept)
        self.front.counters.frames_cleared += dropped
        self._pending = kept
        self._pending_bytes = sum(len(frame) for _, _, frame in kept)

    def ping(self, payload: bytes = b"") -> None:
        """Asks the peer whether it is there; any answer counts as data."""
        if self.is_open:
            self.front.counters.pings += 1
            self._library.send_ping(payload)
            self._write_library()

    def close(self, code: int, reason: str) -> None:
        """Sends a close frame behind all that is unsent. The caller sees to a peer that stays silent."""
        if self.is_open:
            self._library.send_close(code, reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore"))
            self._write_library()

    def abort(self) -> None:
        """Drops the connection at once; `lost` follows. Nothing is written any more."""
        if self._transport is not None and not self._is_aborted:
            self._is_aborted = True
            self._transport.abort()

    def let_in(self) -> None:
        """Its `start` was believed: it is a call's, and no stranger any more."""
        self.strangers.started(self)

    def make_room(self) -> None:
        """Too many others have no `start` either, and this one has waited for longest."""
        self.abort()

    # Private.

    # The handshake.

    def _handshake(self, request: Request) -> None:
        counters = self.front.counters
        path = request.path.partition("?")[0]
        try:
            signature = request.headers.get("X-Twilio-Signature")
        except MultipleValuesError:
            signature = None
        refusal = self.front.refuse_upgrade(path, signature)
        if refusal is None and not self.strangers.may_open():
            refusal = HTTPStatus.SERVICE_UNAVAILABLE
        if refusal is not None:
            response = self._library.reject(refusal, f"{refusal.phrase}\n")
        else:
            response = self._library.accept(request)
            if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
                counters.refused_request += 1
        self._library.send_response(response)
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            counters.upgrades += 1
            self._sink = self.front.opened(self)
            self.strangers.opened(self)
        self._write_library()

    # Frames of the library.

    def _handle_events(self) -> None:
        for event in self._library.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, Frame):
                self._handle_frame(event)
        self._write_library()

    def _handle_frame(self, frame: Frame) -> None:
        if frame.opcode is OP_PING or frame.opcode is OP_PONG:
            self._count_control()
            if frame.opcode is OP_PONG and self._sink is not None:
                self._sink.pong(bytes(frame.data), self.last_data_at_ms)
        elif frame.opcode is OP_BINARY:
            self._fragment_open = not frame.fin
            self._fragments = []
            if self._sink is not None:
                self._sink.binary()
        elif frame.opcode is OP_TEXT or frame.opcode is OP_CONT:
            self._fragments.append(bytes(frame.data))
            self._fragment_open = not frame.fin
            if frame.fin:
                message, self._fragments = b"".join(self._fragments), []
                if self._sink is not None and self._library.state is OPEN:
                    self._sink.text(message)

    def _fail(self) -> None:
        """The library has answered a broken frame with its close; what follows is not read."""
        self.front.counters.protocol_errors += 1
        self.failure = type(self._library.parser_exc).__name__

    def _count_control(self) -> None:
        if not self._control_allowed.take(1, self.last_data_at_ms) and not self._is_aborted:
            self.front.counters.control_floods += 1
            self.abort()

    # Writing.

    def _write(self, cut: int | None, frames: int, frame: bytes) -> None:
        transport = self._transport
        if transport is None or not self.is_open:
            return
        self.front.counters.bytes_written += len(frame)
        if not self._paused and not self._pending:
            self._give(transport, frame)
            return
        self._pending.append((cut, frames, frame))
        self._pending_bytes += len(frame)
        self._bound_pending()

    def _write_library(self) -> None:
        """What the library wants sent: pongs, our pings, closes, the handshake."""
        transport = self._transport
        writes = self._library.data_to_send()
        if transport is None or not writes or self._is_aborted:
            return
        if self._library.state is not OPEN:
            self._drain_all()
        for data in writes:
            if not data:
                self._half_close(transport)
            elif self._pending:
                self._pending.append((None, 0, data))
                self._pending_bytes += len(data)
            else:
                transport.write(data)
        self._bound_pending()

    def _bound_pending(self) -> None:
        if self._pending_bytes > UNSENT_BYTES and not self._is_aborted:
            self.front.counters.unread_cut += 1
            self.abort()

    def _half_close(self, transport: asyncio.Transport) -> None:
        """Our side is done. Closing while the peer still sends would reset the connection, and the reset
        would overtake the close frame that says why. So an accepted socket is read on, into nothing; a
        peer that does not close then is silent to its sink, whose sweep cuts it."""
        if self._sink is not None and transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()
        else:
            transport.close()

    def _move_pending(self) -> None:
        transport = self._transport
        while self._pending and not self._paused and transport is not None:
            _, _, frame = self._pending.popleft()
            self._pending_bytes -= len(frame)
            self._give(transport, frame)

    def _give(self, transport: asyncio.Transport, frame: bytes) -> None:
        began_ms = now_ms()
        transport.write(frame)
        self._write_times.note(now_ms() - began_ms)

    def _drain_all(self) -> None:
        """Before a close frame, what is unsent goes to the transport, over its limit or not."""
        if self._transport is not None and self._pending:
            self._transport.write(b"".join(frame for _, _, frame in self._pending))
        self._pending.clear()
        self._pending_bytes = 0

    def _kernel_bytes(self) -> int:
        if sys.platform != "linux" or self._transport is None:
            return 0
        connection = self._transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return 0
        (unacknowledged,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), _SIOCOUTQ, b"\0\0\0\0"))
        return int(unacknowledged)


def media_protocol_class(front_of_role: Front, met: Strangers | None = None) -> type[MediaProtocol]:
    """A class for uvicorn's `ws=`, bound to a role and to its account of strangers."""
    strangers_of_role = Strangers() if met is None else met

    class BoundMediaProtocol(MediaProtocol):
        front = front_of_role
        strangers = strangers_of_role

    return BoundMediaProtocol
