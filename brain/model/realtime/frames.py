"""Text frames of a WebSocket client, made without the library's objects: a header, a mask, the bytes.

Why it exists: a call sends up to fifty appends a second, and the library's way to each frame (an object, a
lock, a call to the kernel for four random bytes) costs several times the frame. Owns: the bytes of one whole
text frame (RFC 6455, 5.2 and 5.3). Pure, but for its randomness. Must not know: any socket or event.
"""

from __future__ import annotations

import os
from typing import Final

from websockets.frames import OP_TEXT
from websockets.speedups import apply_mask

MASK_BYTES: Final = 4
MASKS: Final = 256
"""As many masks are drawn from the system at once."""

_FIRST: Final = bytes([0x80 | OP_TEXT])
"""FIN, and the opcode of text."""
_MASKED: Final = 0x80
_IN_ONE_BYTE, _IN_TWO_BYTES = 126, 65_536
"""Lengths from these on take two, and eight, more bytes."""


class FrameWriter:
    """Frames one after another. Each has a mask of its own, as the RFC demands: unpredictable to whoever
    chose the payload."""

    __slots__ = ("_masks", "_used")

    def __init__(self) -> None:
        self._masks = b""
        self._used = 0

    def text(self, payload: bytes) -> bytes:
        """One frame around UTF-8 text of any length."""
        size = len(payload)
        if size < _IN_ONE_BYTE:
            head = _FIRST + bytes([_MASKED | size])
        elif size < _IN_TWO_BYTES:
            head = _FIRST + bytes([_MASKED | 126]) + size.to_bytes(2, "big")
        else:
            head = _FIRST + bytes([_MASKED | 127]) + size.to_bytes(8, "big")
        mask = self._mask()
        return b"".join((head, mask, apply_mask(payload, mask)))

    # Private.

    def _mask(self) -> bytes:
        if self._used == len(self._masks):
            self._masks, self._used = os.urandom(MASKS * MASK_BYTES), 0
        begin = self._used
        self._used = begin + MASK_BYTES
        return self._masks[begin : self._used]
