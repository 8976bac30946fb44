"""A client that does to the media port what Twilio never would.

Why it exists: scanners, broken proxies and attackers reach the same port. Owns: raw bytes on one connection:
half a handshake, masked wrong, fragments, silence. Must not know: calls or TwiML; a signed, orderly stream
with odd messages is what `Knobs` are for.
"""

from __future__ import annotations

import asyncio
import os
import struct
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from simulators.twilio.media import frames
from simulators.twilio.webhooks.signing import HandshakeSignature, sign_upgrade


@dataclass(frozen=True, slots=True)
class Goodbye:
    """How the connection ended: a close frame's code and reason, or None for a bare end."""

    code: int | None
    reason: str


@dataclass(slots=True)
class BadClient:
    """One raw connection to the port at `dial` ("host", port), in the name of `url` (wss://…)."""

    dial: tuple[str, int]
    url: str
    auth_token: str
    messages: list[frames.Message] = field(default_factory=list)
    """What the bridge sent so far, as `read_until_closed` saw it."""
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None
    _incoming: frames.FrameReader = field(default_factory=frames.FrameReader)
    _early: bytes = b""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self.dial)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.vanish()

    async def send_raw(self, data: bytes) -> None:
        """Sends these bytes and no others. Raises `ConnectionError` once the bridge has closed.

        Cancelled while the bridge does not read, the bytes still leave when it reads again.
        """
        writer = self._connected()[1]
        writer.write(data)
        await writer.drain()

    def upgrade_request(
        self,
        signature: HandshakeSignature = "good",
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The bytes of an upgrade, to be sent whole, in part, or slowly."""
        parts = urlsplit(self.url)
        all_headers = dict(headers or {})
        signed = sign_upgrade(self.auth_token, self.url, signature)
        if signed is not None:
            all_headers["x-twilio-signature"] = signed
        key = b64encode(os.urandom(16)).decode() if key is None else key
        return frames.build_upgrade(parts.path or "/", parts.netloc, key, all_headers)

    async def upgrade(
        self,
        signature: HandshakeSignature = "good",
        *,
        headers: Mapping[str, str] | None = None,
        limit_s: float = 5.0,
    ) -> frames.UpgradeAnswer:
        """A whole handshake; the answer, whatever it is. Raises `TimeoutError`.

        Cancelled, the handshake is left half done: what is left to do is `vanish`.
        """
        key = b64encode(os.urandom(16)).decode()
        await self.send_raw(self.upgrade_request(signature, key=key, headers=headers))
        reader, data = self._connected()[0], b""
        async with asyncio.timeout(limit_s):
            while (answer := frames.read_upgrade_answer(data, key)) is None:
                more = await reader.read(4096)
                if not more:
                    return frames.UpgradeAnswer(0, "closed before an answer", data)
                data += more
        self._early = answer.rest
        return answer

    async def send_text(self, text: str) -> None:
        """Sends one orderly text message. Cancelling it does what it does to `send_raw`."""
        await self.send_frame(frames.TEXT, text.encode())

    async def send_frame(
        self,
        opcode: int,
        payload: bytes,
        *,
        final: bool = True,
        reserved_bits: int = 0,
        masked: bool = True,
    ) -> None:
        """Sends one WebSocket frame as told: unmasked, unfinished or with reserved bits (0x40, 0x20, 0x10).

        Cancelling it does what it does to `send_raw`.
        """
        head = (0x80 if final else 0) | reserved_bits
        frame = frames.build_frame(opcode, payload, os.urandom(4), head=head)
        if not masked:
            size = len(payload)
            length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
            frame = bytes([head | opcode]) + length + payload
        await self.send_raw(frame)

    async def read_until_closed(self, limit_s: float = 10.0) -> Goodbye:
        """Waits for the bridge to end the connection. Raises `TimeoutError` when it does not.

        Cancelled, it can be called again; half a message that it had read is kept.
        """
        reader = self._connected()[0]
        data, self._early = self._early, b""
        async with asyncio.timeout(limit_s):
            while True:
                for message in self._incoming.feed(data):
                    if message.opcode == frames.CLOSE:
                        code = int.from_bytes(message.data[:2], "big") if message.data else 1005
                        return Goodbye(code, message.data[2:].decode("utf-8", "replace"))
                    self.messages.append(message)
                try:
                    data = await reader.read(65536)
                except ConnectionError:
                    return Goodbye(None, "connection reset")
                if not data:
                    return Goodbye(None, "end of stream")

    def vanish(self) -> None:
        """Drops the connection without a word."""
        if self._writer is not None:
            self._writer.transport.abort()

    def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            raise RuntimeError("expected an open connection, got none; use `async with BadClient(...)`")
        return self._reader, self._writer
