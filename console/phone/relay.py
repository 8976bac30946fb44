"""One media stream of the browser's telephone: what the page sends goes on to ingress, and back.

Why it exists: a browser sets no headers on a socket, and ingress takes none without Twilio's signature. Owns:
the stream's counters, its beginning and its end, what goes wrong on purpose. Must not know: documents, why a
stream is opened. Everything here is synchronous: a frame waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from console.phone.wire import Echo, How, Key, Sound
from shared.audio import FRAME_MS
from shared.clock import now_ms
from simulators.twilio.media import frames
from simulators.twilio.media.connection import Endpoint, MediaSocket
from simulators.twilio.media.messages import CONNECTED, MULAW_8K, MessageWriter

UNSENT_MOST_BYTES = 64_000
"""Beyond it ingress does not read: frames are lost, as Twilio loses them. About four seconds."""

STALL_MS, DROP_MS = 2_000.0, 5_000.0
DROP_EVERY = 3
HELD_MOST = round(STALL_MS / FRAME_MS) + 50


@dataclass(slots=True, eq=False)
class Relay:
    """A stream; `open` it once."""

    writer: MessageWriter
    to_page: Callable[[bytes], None]
    ended: asyncio.Future[str]
    """Why it is over: a cause of the simulator's (`bridge_closed`, `caller_hung_up`, `connection_lost`)."""
    lost_frames: int = 0
    _socket: MediaSocket | None = None
    _began_ms: float = 0.0
    _drops_until_ms: float = 0.0
    _held: list[Sound | Echo | Key] | None = None
    """While it is stalled: what the page has sent since."""
    _frame: int = 0
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    async def open(
        self, url: str, endpoint: Endpoint, headers: Mapping[str, str], parameters: dict[str, str]
    ) -> None:
        """Connects, upgrades, begins. Raises StreamFailed. Cancelling it drops the connection."""
        self._socket = await MediaSocket.open(url, endpoint, self, headers)
        self._began_ms = now_ms()
        self._socket.send_text(CONNECTED)
        self._socket.send_text(self.writer.start(parameters, MULAW_8K))

    def from_page(self, message: Sound | Echo | Key) -> None:
        """Sends it on. Frames are dropped where ingress does not read."""
        if self._held is not None:
            if len(self._held) < HELD_MOST:
                self._held.append(message)
            return
        socket = self._socket
        if socket is None or self.ended.done():
            return
        match message:
            case Sound():
                if self._is_lost(socket):
                    self.lost_frames += 1
                else:
                    socket.send_text(self.writer.media(message.payload, round(now_ms() - self._began_ms)))
            case Echo():
                socket.send_text(self.writer.mark(message.name))
            case Key():
                socket.send_text(self.writer.dtmf(message.digit))

    def break_it(self, how: How) -> None:
        """Something goes wrong, for a while or for good."""
        socket = self._socket
        if socket is None or self.ended.done():
            return
        match how:
            case How.STALL:
                if self._held is None:
                    self._held = []
                    socket.pause_reading()
                    self._timer = asyncio.get_running_loop().call_later(STALL_MS / 1000, self._go_on)
            case How.DROP:
                self._drops_until_ms = now_ms() + DROP_MS
            case How.CUT:
                socket.abort()
                self._end("connection_lost")

    def finish(self, cause: str) -> None:
        """Ends it from our side, as Twilio does: `stop`, then the close."""
        if self._socket is not None and not self.ended.done():
            self._socket.send_text(self.writer.stop())
            self._socket.close()
        self._end(cause)

    # Listener of the socket.

    def message_received(self, opcode: int, data: bytes) -> None:
        if opcode == frames.TEXT:
            self.to_page(data)

    def socket_closed(self, close_code: int | None) -> None:
        self._end("connection_lost" if close_code is None else "bridge_closed")

    def protocol_broken(self, text: str) -> None:
        self._end("protocol_broken")

    # Private.

    def _is_lost(self, socket: MediaSocket) -> bool:
        self._frame += 1
        is_dropped = now_ms() < self._drops_until_ms and self._frame % DROP_EVERY == 0
        return is_dropped or socket.unsent_bytes > UNSENT_MOST_BYTES

    def _go_on(self) -> None:
        held, self._held = self._held or [], None
        if self._socket is not None:
            self._socket.resume_reading()
        for message in held:
            self.from_page(message)

    def _end(self, cause: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.ended.done():
            self.ended.set_result(cause)
