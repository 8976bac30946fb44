"""The TCP side of one media stream: connect, upgrade, messages in and out, ways to end.

Why it exists: Twilio's side must be able to misbehave (stop reading, vanish, break off a handshake) and be
cheap for a hundred calls, so it is a bare `asyncio.Protocol` over `frames`. Owns: one connection. Must not
know: Twilio's messages: whole WebSocket messages go to a listener, synchronously.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
import struct
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

from simulators.twilio import codes
from simulators.twilio.media import frames

_CONNECT_LIMIT_S = 5.0
_HANDSHAKE_LIMIT_S = 10.0  # undocumented at Twilio
_CLOSE_LIMIT_S = 1.0  # for the other side to answer our close frame


class StreamFailed(Exception):
    """The WebSocket never opened; `code` is what Twilio logs."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class Listener(Protocol):
    """Who gets the messages of an open socket."""

    def message_received(self, opcode: int, data: bytes) -> None:
        """A whole text or binary message."""

    def socket_closed(self, close_code: int | None) -> None:
        """The bridge closed (its code; 1005 without a code), or None: the connection broke."""

    def protocol_broken(self, text: str) -> None:
        """The bridge broke the WebSocket protocol; the connection is gone."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a `wss://` URL is really dialled."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    server_name: str


class MediaSocket(asyncio.Protocol):
    """One WebSocket towards the bridge."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._reader = frames.FrameReader()
        self._head = b""
        self._key = b64encode(secrets.token_bytes(16)).decode()
        self._answer: asyncio.Future[frames.UpgradeAnswer] = asyncio.get_running_loop().create_future()
        self._open = False
        self._over = False  # the listener has been told, or must not be told any more
        self._close_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        endpoint: Endpoint,
        listener: Listener,
        headers: Mapping[str, str],
        *,
        receive_buffer_bytes: int | None = None,
        send_buffer_bytes: int | None = None,
    ) -> MediaSocket:
        """Connects and upgrades. Raises `StreamFailed` with Twilio's code.

        Cancelling it drops the connection.
        """
        media_socket = cls(listener)
        tcp = await _connect(endpoint, receive_buffer_bytes, send_buffer_bytes)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: media_socket,
                sock=tcp,
                ssl=endpoint.tls,
                server_hostname=endpoint.server_name if endpoint.tls else None,
                ssl_handshake_timeout=_CONNECT_LIMIT_S if endpoint.tls else None,
            )
        except (ssl.SSLError, OSError) as error:
            tcp.close()
            raise StreamFailed(codes.TLS_ERROR, f"expected TLS, got {error}") from error
        parts = urlsplit(url)
        request = frames.build_upgrade(parts.path or "/", parts.netloc, media_socket._key, headers)
        media_socket._write(request)
        try:
            async with asyncio.timeout(_HANDSHAKE_LIMIT_S):
                answer = await media_socket._answer
        except TimeoutError as error:
            media_socket.abort()
            raise StreamFailed(
                codes.HANDSHAKE_ERROR, "expected an answer to the upgrade within 10 s, got none"
            ) from error
        except asyncio.CancelledError:
            media_socket.abort()
            raise
        if answer.problem:
            media_socket.abort()
            raise StreamFailed(codes.HANDSHAKE_ERROR, f"handshake: {answer.problem}")
        return media_socket

    @property
    def unsent_bytes(self) -> int:
        """Bytes sent by `send_text` that the kernel has not taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send_text(self, data: bytes) -> None:
        """Sends one text message. Ignored once the socket is over."""
        self.send(frames.TEXT, data)

    def send(self, opcode: int, data: bytes) -> None:
        """Sends one message or control frame."""
        if not self._over:
            self._write(frames.build_frame(opcode, data, os.urandom(4)))

    def close(self) -> None:
        """Closes in order (1000); the listener hears nothing more."""
        if self._over:
            return
        self.send(frames.CLOSE, struct.pack("!H", 1000))
        self._over = True
        self.resume_reading()
        self._close_timer = asyncio.get_running_loop().call_later(_CLOSE_LIMIT_S, self.abort)

    def abort(self) -> None:
        """Drops the connection without a close frame; the listener hears nothing more."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    def freeze(self) -> None:
        """Neither reads nor writes nor tells any more: the half-open socket. Only `abort` ends it."""
        self.pause_reading()
        self._over = True

    def pause_reading(self) -> None:
        """Stops reading: the kernel's buffers fill, then the bridge feels it."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Reads again."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._open:
            self._head += data
            answer = frames.read_upgrade_answer(self._head, self._key)
            if answer is None or self._answer.done():
                return
            self._open = not answer.problem
            self._answer.set_result(answer)
            # The first frames of an eager server wait until `open` has returned the socket.
            if self._open and answer.rest:
                asyncio.get_running_loop().call_soon(self._read, answer.rest)
            return
        self._read(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._close_timer is not None:
            self._close_timer.cancel()
        if not self._answer.done():
            self._answer.set_result(
                frames.UpgradeAnswer(0, "expected status 101, got a closed connection", b"")
            )
        if self._open and not self._over:
            self._over = True
            self._listener.socket_closed(None)

    # Private.

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _read(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except frames.FramingError as error:
            if not self._over:
                self._over = True
                self._listener.protocol_broken(str(error))
            self.abort()
            return
        for opcode, payload in messages:
            if opcode == frames.CLOSE:
                self._peer_closed(payload)
                return
            if self._over:
                continue  # we have said goodbye: only the answering close frame counts
            if opcode == frames.PING:
                self.send(frames.PONG, payload)
            elif opcode != frames.PONG:
                self._listener.message_received(opcode, payload)

    def _peer_closed(self, payload: bytes) -> None:
        if not self._over:
            self.send(frames.CLOSE, payload[:2])
            self._over = True
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self._listener.socket_closed(code)
        if self._transport is not None:
            self._transport.close()


async def _connect(
    endpoint: Endpoint, receive_buffer_bytes: int | None, send_buffer_bytes: int | None
) -> socket.socket:
    """A connected TCP socket with the buffer sizes set before the connection, as TCP needs it."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise StreamFailed(codes.HOST_UNREACHABLE, f"expected a host, got {error}") from error
    family, kind, protocol, _, address = found[0]
    tcp = socket.socket(family, kind, protocol)
    tcp.setblocking(False)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer_bytes is not None:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    if send_buffer_bytes is not None:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    try:
        async with asyncio.timeout(_CONNECT_LIMIT_S):
            await loop.sock_connect(tcp, address)
    except asyncio.CancelledError:
        tcp.close()
        raise
    except TimeoutError as error:
        tcp.close()
        raise StreamFailed(codes.CONNECTION_TIMEOUT, "no answer to the connection") from error
    except ConnectionRefusedError as error:
        tcp.close()
        raise StreamFailed(codes.CONNECTION_REFUSED, "the port is closed") from error
    except OSError as error:
        tcp.close()
        raise StreamFailed(codes.HOST_UNREACHABLE, f"cannot connect: {error}") from error
    return tcp
