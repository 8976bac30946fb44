"""Messages taken from the bytes of a socket, whatever their cutting."""

from __future__ import annotations

import asyncio
import base64
import os

import orjson
import pytest
from websockets.exceptions import ConnectionClosedError

from simulators.realtime import RealtimeSimulator
from tests.simulators.realtime.test_server import bare

CANCEL = '{"type":"response.cancel","event_id":"%s"}'


def framed(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """One masked client frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([(0x80 if final else 0) | opcode]) + length + mask + masked


async def upgraded(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A raw connection after its 101."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize("piece_bytes", [1, 7, 100_000])
async def test_frames_in_any_pieces(piece_bytes: int) -> None:
    """Short, middle and long frames, a ping between them, byte by byte or all at once."""
    long_text = "x" * 300
    huge = orjson.dumps({"type": "response.create", "response": {"instructions": "y" * 70_000}})
    stream = b"".join(
        [
            framed((CANCEL % "a").encode()),
            framed(b"hello", opcode=9),
            framed((CANCEL % long_text).encode()),
            *([framed(huge)] if piece_bytes > 7 else []),
            framed((CANCEL % "z").encode()),
        ]
    )
    async with RealtimeSimulator() as simulator:
        _, writer = await upgraded(simulator.port)
        for start in range(0, len(stream), piece_bytes):
            writer.write(stream[start : start + piece_bytes])
            await asyncio.sleep(0)
        await simulator.wait_for(
            lambda: (
                bool(simulator.sessions)
                and any(e["event_id"] == "z" for e in simulator.sessions[0].received_of("response.cancel"))
            )
        )
        record = simulator.sessions[0]
        ids = [event["event_id"] for event in record.received_of("response.cancel")]
        assert ids == ["a", long_text, "z"]
        assert len(record.received_of("response.create")) == (piece_bytes > 7)
        writer.close()


async def test_fragmented_messages_keep_their_order() -> None:
    """A message in fragments, and whole ones around it."""
    whole = (CANCEL % "b").encode()
    stream = (
        framed((CANCEL % "a").encode())
        + framed(whole[:10], final=False)
        + framed(whole[10:], opcode=0)
        + framed((CANCEL % "c").encode())
    )
    async with RealtimeSimulator() as simulator:
        _, writer = await upgraded(simulator.port)
        writer.write(stream)
        await simulator.wait_for(
            lambda: bool(simulator.sessions) and simulator.sessions[0].received_count == 3
        )
        received = simulator.sessions[0].received_of("response.cancel")
        assert [event["event_id"] for event in received] == ["a", "b", "c"]
        writer.close()


async def test_huge_messages_keep_their_order() -> None:
    """A frame above the limit takes the slow way, and so does everything after it."""
    audio = base64.b64encode(bytes(3_000_000)).decode()
    append = orjson.dumps({"type": "input_audio_buffer.append", "audio": audio})
    async with RealtimeSimulator() as simulator:
        _, writer = await upgraded(simulator.port)
        writer.write(framed(append) + framed((CANCEL % "z").encode()))
        await simulator.wait_for(
            lambda: bool(simulator.sessions) and simulator.sessions[0].received_count == 1
        )
        assert simulator.sessions[0].appended_bytes == 3_000_000
        writer.close()


async def test_binary_frames_are_told_apart() -> None:
    """A binary frame is refused, and the session lives on."""
    async with RealtimeSimulator() as simulator, bare(simulator) as socket:
        await socket.recv()
        await socket.send(b'{"type":"response.cancel"}')
        assert orjson.loads(await socket.recv())["error"]["code"] == "invalid_event"
        await socket.send(CANCEL % "a")
        answer = orjson.loads(await socket.recv())
        assert answer["error"]["code"] == "response_cancel_not_active"


async def test_text_that_is_no_utf8_closes_1007() -> None:
    """Framing errors stay with the WebSocket library."""
    async with RealtimeSimulator() as simulator:
        async with bare(simulator) as socket:
            await socket.recv()
            await socket.send(b"\xff\xfe", text=True)
            with pytest.raises(ConnectionClosedError) as caught:
                await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1007
