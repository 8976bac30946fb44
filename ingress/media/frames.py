"""WebSocket frames by hand, for the two shapes that pass fifty times a second: RFC 6455 section 5.2.

Why it exists: the library's parser is a generator that costs more than all else we do with a frame. A whole,
unfragmented, masked text frame is read here; anything else (fragments, control frames, half a frame) is left
to `websockets`, in order. Owns: these two shapes, where a frame ends. Must not know: what a message says.
"""

from __future__ import annotations

import struct

from websockets.speedups import apply_mask

_FIN_TEXT = 0x81
_MASKED = 0x80
_LENGTH = 0x7F
_TWO_BYTE_LENGTH = 126
_MASK_BYTES = 4


def text_frame(payload: bytes) -> bytes:
    """One unmasked text frame, as a server sends it."""
    length = len(payload)
    if length < _TWO_BYTE_LENGTH:
        return b"\x81%c%b" % (length, payload)
    if length < 0x10000:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (struct.pack("!Q", length), payload)


def split_text_frames(data: bytes, max_bytes: int) -> tuple[list[bytes], bytes]:
    """Splits whole text frames off the front of `data`, until something else stands there.

    Returns the unmasked payloads and what is left for the library. `data` must begin at a frame's first byte
    and no fragmented message may be open; both are the caller's to know. A frame above `max_bytes` is left,
    so that the library refuses it (1009).
    """
    payloads: list[bytes] = []
    at, end = 0, len(data)
    while end - at >= 2 + _MASK_BYTES and data[at] == _FIN_TEXT and data[at + 1] & _MASKED:
        length = data[at + 1] & _LENGTH
        start = at + 2
        if length == _TWO_BYTE_LENGTH:
            length = data[at + 2] << 8 | data[at + 3]
            start += 2
            if length < _TWO_BYTE_LENGTH:
                break  # not the shortest form: a protocol error for the library to name
        elif length > _TWO_BYTE_LENGTH:
            break  # eight bytes of length: above our limit in any case
        stop = start + _MASK_BYTES + length
        if stop > end or length > max_bytes:
            break
        mask_end = start + _MASK_BYTES
        payloads.append(apply_mask(data[mask_end:stop], data[start:mask_end]))
        at = stop
    return payloads, data[at:] if at else data


def split_frame(data: bytes, max_bytes: int) -> tuple[bytes, bytes] | None:
    """Splits one whole frame of any kind off the front of `data`; None while a part of it is missing.

    A frame above `max_bytes` comes with all that is there: the library refuses it by its header.
    """
    if len(data) < 2:
        return None
    length = data[1] & _LENGTH
    header = 2 + (_MASK_BYTES if data[1] & _MASKED else 0)
    if length >= _TWO_BYTE_LENGTH:
        size = 2 if length == _TWO_BYTE_LENGTH else 8
        if len(data) < 2 + size:
            return None
        length = int.from_bytes(data[2 : 2 + size], "big")
        header += size
    if length > max_bytes:
        return data, b""
    stop = header + length
    return None if len(data) < stop else (data[:stop], data[stop:])
