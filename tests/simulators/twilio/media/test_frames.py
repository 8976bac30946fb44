"""WebSocket framing against the `websockets` package's own server protocol."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from simulators.twilio.media import frames
from simulators.twilio.media.frames import FrameReader, FramingError, Message

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3


def server_frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=False)


@given(st.lists(st.binary(max_size=300), max_size=8), st.data())
def test_messages_survive_any_cutting_of_the_bytes(texts: list[bytes], data: st.DataObject) -> None:
    """However TCP cuts them."""
    wire = b"".join(server_frame(Opcode.TEXT, text) for text in texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    reader = FrameReader()

    got: list[Message] = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        got += reader.feed(wire[start:end])

    assert got == [Message(frames.TEXT, text) for text in texts]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_every_length_form_is_read_and_written(size: int) -> None:
    """7, 16 and 64 bit lengths, both ways."""
    data = b"x" * size
    server = ServerProtocol(state=OPEN, max_size=None)

    server.receive_data(frames.build_frame(frames.TEXT, data, b"\x01\x02\x03\x04"))
    [frame] = server.events_received()

    assert isinstance(frame, Frame)
    assert (frame.opcode, bytes(frame.data)) == (Opcode.TEXT, data)
    assert FrameReader().feed(server_frame(Opcode.TEXT, data)) == [Message(frames.TEXT, data)]


def test_fragments_are_joined_around_a_ping() -> None:
    """Control frames may come between fragments."""
    wire = (
        server_frame(Opcode.TEXT, b"one", fin=False)
        + server_frame(Opcode.PING, b"p")
        + server_frame(Opcode.CONT, b"two")
    )

    assert FrameReader().feed(wire) == [
        Message(frames.PING, b"p"),
        Message(frames.TEXT, b"onetwo"),
    ]


@pytest.mark.parametrize(
    "wire",
    [
        b"\xc1\x00",  # reserved bit: compression that was not negotiated
        b"\x09\x00",  # fragmented control frame
        b"\x89\x7e\x00\x80" + b"x" * 128,  # control frame too long
        b"\x81\x80\x00\x00\x00\x00",  # masked by the server
        b"\x80\x00",  # continuation of nothing
        b"\x01\x00\x81\x00",  # new message inside a fragmented one
        b"\x83\x00",  # unknown opcode
        b"\x81\x7f\x00\x00\x00\x00\x7f\xff\xff\xff",  # 2 GiB
    ],
)
def test_what_breaks_the_protocol_is_one_error(wire: bytes) -> None:
    """All of it is Twilio's 31924."""
    with pytest.raises(FramingError, match="expected"):
        FrameReader().feed(wire)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(wire: bytes) -> None:
    """A peer can cause a FramingError and nothing else."""
    with suppress(FramingError):
        assert all(isinstance(message, Message) for message in FrameReader().feed(wire))


def answer(*lines: str, status: str = "101 Switching Protocols") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


GOOD = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {ACCEPT}")


def test_a_good_answer_opens_and_keeps_what_follows() -> None:
    """The first frames may come in the same packet."""
    whole = answer(*GOOD) + b"\x81\x00"

    assert frames.read_upgrade_answer(whole[:40], KEY) is None
    read = frames.read_upgrade_answer(whole, KEY)

    assert read is not None
    assert (read.status, read.problem, read.rest) == (101, "", b"\x81\x00")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (answer(status="403 Forbidden"), "403"),
        (answer("Upgrade: websocket", "Sec-WebSocket-Accept: AAAA"), "Accept"),
        (answer(*GOOD, "Sec-WebSocket-Protocol: audio"), "protocol"),
        (answer(*GOOD, "Sec-WebSocket-Extensions: permessage-deflate"), "extensions"),
        (answer(f"Sec-WebSocket-Accept: {ACCEPT}"), "Upgrade"),
        (b"SSH-2.0-x\r\n\r\n", "HTTP"),
        (b"HTTP/1.1 101 " + b"x" * 20_000, "endless"),
    ],
)
def test_any_other_answer_is_a_problem(data: bytes, word: str) -> None:
    """Subprotocol and compression, which were not offered, included."""
    read = frames.read_upgrade_answer(data, KEY)

    assert read is not None
    assert word in read.problem


def test_the_upgrade_offers_no_subprotocol_and_no_compression() -> None:
    """A server that echoes one would break real Twilio."""
    request = frames.build_upgrade("/media", "h", KEY, {"x-twilio-signature": "s"}).lower()

    assert b"sec-websocket-protocol" not in request
    assert b"sec-websocket-extensions" not in request
    assert b"x-twilio-signature: s\r\n" in request
