"""The TCP side of a media stream: Twilio's codes for what cannot be opened, and its buffers."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field

import pytest

from simulators.twilio.media import connection as media_socket
from simulators.twilio.media.connection import Endpoint, MediaSocket, StreamFailed
from tests.simulators.twilio.reference_bridge import STREAM_URL, reference_bridge
from tests.support.servers import free_port
from tests.support.waiting import wait_until


@dataclass
class Ear:
    """Keeps what the socket tells."""

    received: list[tuple[int, bytes]] = field(default_factory=list)
    closed: list[int | None] = field(default_factory=list)

    def message_received(self, opcode: int, data: bytes) -> None:
        self.received.append((opcode, data))

    def socket_closed(self, close_code: int | None) -> None:
        self.closed.append(close_code)

    def protocol_broken(self, text: str) -> None:
        raise AssertionError(text)


def plain(port: int, host: str = "127.0.0.1") -> Endpoint:
    return Endpoint(host, port, None, "h")


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


async def test_a_closed_port_is_31902_and_an_unknown_host_31904() -> None:
    """Twilio tells them apart."""
    with pytest.raises(StreamFailed) as refused:
        await MediaSocket.open(STREAM_URL, plain(free_port()), Ear(), {})
    with pytest.raises(StreamFailed) as unknown:
        await MediaSocket.open(STREAM_URL, plain(1, "no-such-host.invalid"), Ear(), {})

    assert (refused.value.code, unknown.value.code) == (31902, 31904)


async def test_tls_towards_a_plain_port_is_31910(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TCP tunnel instead of HTTPS; the limit is shortened here."""
    monkeypatch.setattr(media_socket, "_CONNECT_LIMIT_S", 0.2)
    async with reference_bridge() as bridge:
        endpoint = Endpoint("127.0.0.1", port_of(bridge.address), ssl.create_default_context(), "h")
        with pytest.raises(StreamFailed) as raised:
            await MediaSocket.open(STREAM_URL, endpoint, Ear(), {})

    assert raised.value.code == 31910


async def test_a_server_that_hangs_up_in_the_handshake_is_31920() -> None:
    """No answer at all."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(StreamFailed, match="closed connection") as raised:
            await MediaSocket.open(STREAM_URL, plain(server.sockets[0].getsockname()[1]), Ear(), {})

    assert raised.value.code == 31920


async def test_a_server_that_never_answers_is_31920(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; the limit is shortened here."""
    monkeypatch.setattr(media_socket, "_HANDSHAKE_LIMIT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(StreamFailed) as raised:
        await MediaSocket.open(STREAM_URL, plain(silent.getsockname()[1]), Ear(), {})

    assert raised.value.code == 31920


async def test_a_connection_that_is_cancelled_leaves_no_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hangs up while Twilio still connects."""
    tried: list[socket.socket] = []

    async def never(tcp: socket.socket, _address: object) -> None:
        tried.append(tcp)
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    opening = asyncio.create_task(MediaSocket.open(STREAM_URL, plain(9), Ear(), {}))
    await wait_until(lambda: bool(tried), "it connects")
    opening.cancel()
    await asyncio.wait({opening})

    assert opening.cancelled()
    assert tried[0].fileno() == -1


async def test_buffer_sizes_are_set_before_connecting() -> None:
    """So that a stall is felt soon; Linux doubles what it is told."""
    async with reference_bridge() as bridge:
        opened = await MediaSocket.open(
            STREAM_URL,
            plain(port_of(bridge.address)),
            Ear(),
            {},
            receive_buffer_bytes=8192,
            send_buffer_bytes=16_384,
        )
        tcp = opened._transport.get_extra_info("socket")  # type: ignore[union-attr]

        assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 8192
        assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 16_384
        opened.abort()


async def test_first_frames_in_one_packet_with_the_answer_are_not_lost() -> None:
    """An eager server."""
    async with reference_bridge() as bridge:
        bridge.eager = b"\x81\x02hi"
        ear = Ear()
        opened = await MediaSocket.open(STREAM_URL, plain(port_of(bridge.address)), ear, {})
        await wait_until(lambda: bool(ear.received), "the message arrived")
        opened.abort()

        assert ear.received == [(1, b"hi")]


async def test_a_close_of_ours_is_orderly_and_not_told_to_the_listener() -> None:
    """We know that we closed."""
    async with reference_bridge() as bridge:
        ear = Ear()
        opened = await MediaSocket.open(STREAM_URL, plain(port_of(bridge.address)), ear, {})
        opened.close()
        await bridge.idle()

        assert bridge.sockets[0].close_code == 1000
        assert ear.closed == []


async def test_a_frozen_socket_neither_reads_nor_writes_nor_ends() -> None:
    """Half-open, until it is aborted."""
    async with reference_bridge() as bridge:
        ear = Ear()
        opened = await MediaSocket.open(STREAM_URL, plain(port_of(bridge.address)), ear, {})
        opened.freeze()
        opened.send_text(b'{"event":"connected"}')
        bridge.sockets[0].send_text("x")
        bridge.sockets[0].close()
        with pytest.raises(TimeoutError):  # Only time shows it: no barrier passes such a socket.
            await asyncio.wait_for(bridge.sockets[0].closed.wait(), 0.1)
        opened.abort()
        await bridge.idle()

        assert ear.received == []
        assert bridge.sockets[0].messages == []
        assert bridge.sockets[0].close_code == 1006
