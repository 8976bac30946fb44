"""WebSocket framing of the client's side, as RFC 6455 has it, and the opening handshake.

Why it exists: at fifty messages a second and call each way, the general protocol object of `websockets` costs
about 14 µs for a message sent and one received; this costs 3. Owns: bytes in, messages out, and what a server
must not send (Twilio's 31924). Must not know: sockets or Twilio's JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from websockets.utils import accept_key

try:
    from websockets.speedups import apply_mask
except ImportError:  # the wheel without its C part: the same function, slower
    from websockets.utils import apply_mask

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

MAX_MESSAGE_BYTES: Final = 1 << 20
"""1 MiB: several times what a bridge should ever put into one message."""

_MAX_ANSWER_BYTES: Final = 16 * 1024  # the head of an HTTP answer to the upgrade


class FramingError(Exception):
    """The server broke RFC 6455; Twilio tears the stream down with 31924."""


class Message(NamedTuple):
    """One whole message (fragments joined) or one control frame."""

    opcode: int
    data: bytes


@dataclass(slots=True)
class FrameReader:
    """Turns the server's bytes, however TCP splits them, into messages."""

    _rest: bytes = b""
    _opcode: int = CONTINUATION
    _parts: list[bytes] = field(default_factory=list)

    def feed(self, data: bytes) -> list[Message]:
        """Messages completed by `data`. Raises `FramingError`; the reader is then useless."""
        if self._rest:
            data = self._rest + data
        messages: list[Message] = []
        at, end = 0, len(data)
        while end - at >= 2:
            first, length = data[at], data[at + 1]
            body_at = at + 2
            if length == 126:
                if end - at < 4:
                    break
                length = data[at + 2] << 8 | data[at + 3]
                body_at = at + 4
            elif length == 127:
                if end - at < 10:
                    break
                length = int.from_bytes(data[at + 2 : at + 10], "big")
                body_at = at + 10
            elif length > 127:
                raise FramingError("expected unmasked frames from a server, got a masked one")
            if length > MAX_MESSAGE_BYTES:
                raise FramingError(f"expected at most {MAX_MESSAGE_BYTES} bytes, got {length}")
            if end - body_at < length:
                break
            at = body_at + length
            payload = data[body_at:at]
            if first == 0x81 and not self._parts:  # the one text frame that nearly all are
                messages.append(Message(TEXT, payload))
            else:
                self._general(first, payload, messages)
        self._rest = data[at:] if at else data
        return messages

    def _general(self, first: int, payload: bytes, messages: list[Message]) -> None:
        final, opcode = bool(first & 0x80), first & 0x0F
        if first & 0x70:
            raise FramingError("expected reserved bits 0 (no compression was offered), got others")
        if opcode in (CLOSE, PING, PONG):
            if not final or len(payload) > 125:
                got = f"{len(payload)} bytes, {'whole' if final else 'unfinished'}"
                raise FramingError(f"expected a whole control frame of at most 125 bytes, got {got}")
            messages.append(Message(opcode, payload))
            return
        if opcode == CONTINUATION:
            if not self._opcode:
                raise FramingError("expected a first fragment, got a continuation")
        elif opcode in (TEXT, BINARY):
            if self._opcode:
                raise FramingError("expected a continuation, got a new message")
            self._opcode = opcode
        else:
            raise FramingError(f"expected a known opcode, got {opcode}")
        self._parts.append(payload)
        if sum(map(len, self._parts)) > MAX_MESSAGE_BYTES:
            raise FramingError(f"expected at most {MAX_MESSAGE_BYTES} bytes in one message, got more")
        if final:
            messages.append(Message(self._opcode, b"".join(self._parts)))
            self._opcode = CONTINUATION
            self._parts.clear()


def build_frame(opcode: int, payload: bytes, mask: bytes, *, head: int = 0x80) -> bytes:
    """One masked WebSocket frame. `head` is FIN and the reserved bits: other values are faults."""
    length = len(payload)
    first = head | opcode
    if length < 126:
        start = struct.pack("!BB4s", first, 0x80 | length, mask)
    elif length < 65536:
        start = struct.pack("!BBH4s", first, 0xFE, length, mask)
    else:
        start = struct.pack("!BBQ4s", first, 0xFF, length, mask)
    return start + apply_mask(payload, mask)


def build_upgrade(target: str, host: str, key: str, headers: Mapping[str, str]) -> bytes:
    """The upgrade request: no subprotocol, no extension. `target` is path and query."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True, slots=True)
class UpgradeAnswer:
    """What the server said: `problem` is empty when the WebSocket is open."""

    status: int
    problem: str
    rest: bytes
    """Bytes behind the head: the server's first frames, or a refusal's body."""


def read_upgrade_answer(data: bytes, key: str) -> UpgradeAnswer | None:
    """The answer once its head is whole, else None. `key` is the one that was sent."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        if len(data) > _MAX_ANSWER_BYTES:
            return UpgradeAnswer(0, "expected an HTTP answer, got endless headers", b"")
        return None
    status_line, *lines = head.decode("latin-1").split("\r\n")
    version, _, tail = status_line.partition(" ")
    code = tail[:3]
    if not version.startswith("HTTP/1.") or not code.isdigit():
        return UpgradeAnswer(0, f"expected an HTTP answer, got {status_line[:40]!r}", rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in (ln.partition(":") for ln in lines)}
    return UpgradeAnswer(int(code), _upgrade_problem(int(code), headers, key), rest)


def _upgrade_problem(status: int, headers: Mapping[str, str], key: str) -> str:
    if status != 101:
        return f"expected status 101, got {status}"
    if headers.get("upgrade", "").lower() != "websocket":
        return f"expected Upgrade: websocket, got {headers.get('upgrade')!r}"
    if headers.get("sec-websocket-accept") != accept_key(key):
        return "expected the Sec-WebSocket-Accept of our key, got another"
    for name in ("sec-websocket-protocol", "sec-websocket-extensions"):
        if name in headers:
            return f"expected no {name} (none was offered), got {headers[name]!r}"
    return ""
