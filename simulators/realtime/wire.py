"""Reading WebSocket messages without a task switch for each.

Why it exists: `websockets` parses a WebSocket frame with a generator, queues it and wakes a task: five times
the cost of all that this simulator does with an append, and a hundred calls send 5,000 a second. So whole
unfragmented data frames are unpacked here and handed on at once; every other byte goes to `websockets`, which
keeps handshake, control frames, fragments, errors and closing. Owns: the way from received bytes to whole
messages. Must not know: events. Framing: RFC 6455, section 5.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

_FINAL_TEXT: Final = 0x81
_FINAL_BINARY: Final = 0x82
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4
_CONTROL: Final = 0x08
MAX_HELD_BYTES: Final = 1 << 20
"""A longer frame is left to `websockets`, which bounds it by the server's `max_size`."""


class QuickConnection(ServerConnection):
    """A server connection that calls `on_message` for plain messages.

    Fragmented and huge messages are read from the connection itself, as ever; after the first of them
    everything is, so that order holds.
    """

    _on_message: Callable[[str | bytes], None] | None = None
    _held: bytes = b""
    """Received and not yet handed on: before `listen`, while paused, or part of a frame."""
    _paused: bool = False
    _plain: bool = True
    """No fragment and no huge frame has been seen yet."""

    def listen(self, on_message: Callable[[str | bytes], None]) -> None:
        """Hands every plain message to `on_message` (`str` for text, `bytes` for binary)."""
        self._on_message = on_message
        self._hand_on(b"")

    def pause(self) -> None:
        """Reads nothing more, as a stalled peer does; TCP then pushes back."""
        self._paused = True
        self.transport.pause_reading()

    def resume(self) -> None:
        """Reads again."""
        self._paused = False
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self._hand_on(b"")

    def data_received(self, data: bytes) -> None:
        """Bytes from the transport (asyncio.Protocol)."""
        if self._plain and self.protocol.state is not State.CONNECTING:
            self._hand_on(data)
        else:
            super().data_received(data)

    def _hand_on(self, data: bytes) -> None:
        """Unpacks what is whole; keeps the rest."""
        data = self._held + data if self._held else data
        position = 0
        while self._on_message is not None and not self._paused and self._plain:
            end = _frame_end(data, position)
            if end is None:
                break
            self._frame(data[position:end] if position or end < len(data) else data)
            position = end
        self._held = data[position:]
        if len(self._held) > MAX_HELD_BYTES and not self._paused:
            self._plain = False
        if not self._plain and self._held:
            rest, self._held = self._held, b""
            super().data_received(rest)

    def _frame(self, frame: bytes) -> None:
        """One whole frame."""
        first = frame[0]
        message = None
        if first in (_FINAL_TEXT, _FINAL_BINARY) and frame[1] & _MASKED:
            message = _message(frame, text=first == _FINAL_TEXT)
        if message is not None and self._on_message is not None:
            self._on_message(message)
            return
        if not first & _CONTROL:
            self._plain = False
        super().data_received(frame)


def _frame_end(data: bytes, start: int) -> int | None:
    """Where the frame that begins at `start` ends; `None` while it is not whole."""
    if len(data) < start + 2:
        return None
    length = data[start + 1] & 0x7F
    header = 2 + (_MASK_BYTES if data[start + 1] & _MASKED else 0)
    if length == 126:
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        header += 2
    elif length == 127:
        length = int.from_bytes(data[start + 2 : start + 10], "big")
        header += 8
    end = start + header + length
    return end if len(data) >= end else None


def _message(frame: bytes, *, text: bool) -> str | bytes | None:
    """The unmasked payload; `None` for text that is not UTF-8 (`websockets` closes with 1007)."""
    short = frame[1] & 0x7F
    mask_at = 2 if short < 126 else 4 if short == 126 else 10
    mask = frame[mask_at : mask_at + _MASK_BYTES]
    payload = frame[mask_at + _MASK_BYTES :]
    size = len(payload)
    key = (mask * (size // _MASK_BYTES + 1))[:size]
    plain = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    if not text:
        return plain
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return None
