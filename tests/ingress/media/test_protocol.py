"""The media socket on a real port: who gets a 101, what closes it, and what happens to a slow reader."""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState
from websockets.exceptions import InvalidStatus
from websockets.frames import OP_BINARY, OP_CLOSE, OP_CONT, OP_PING, OP_PONG, OP_TEXT, Frame

from ingress.counters import SocketCounters
from ingress.media import protocol as media_protocol
from ingress.media.bounds import INCOMING_BYTES, UNSTARTED_MOST, Room
from ingress.media.protocol import MediaProtocol, media_protocol_class
from ingress.media.strangers import StrangerCounters, Strangers
from ingress.media.write_times import WriteWindow
from shared.process.beat import keep_own_keys
from tests.ingress.harness import (
    PUBLIC_URL,
    SIGNATURES,
    STREAM_URL,
    Ingress,
    connected,
    frame,
    other,
    raw_answer,
    stream_sid,
)
from tests.support.waiting import wait_until


def upgrade(*headers: str, path: str = "/media") -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: evil.example.com",
        "X-Forwarded-Host: evil.example.com",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], b"403"),
        (["X-Twilio-Signature: AAAA"], b"403"),
        ([f"X-Twilio-Signature: {SIGNATURES.sign(PUBLIC_URL + '/media', {})}"], b"403"),
        ([f"X-Twilio-Signature: {SIGNATURES.sign('wss://evil.example.com/media', {})}"], b"403"),
        ([f"X-Twilio-Signature: {SIGNATURES.sign(STREAM_URL, {})}"] * 2, b"403"),
        ([f"X-Twilio-Signature: {SIGNATURES.sign(STREAM_URL, {})}"], b"101"),
        ([f"X-Twilio-Signature: {SIGNATURES.sign(STREAM_URL + '/', {})}"], b"101"),
    ],
)
async def test_signature_is_checked_before_the_101(
    bridge: Ingress, headers: list[str], status: bytes
) -> None:
    """The configured public wss URL is what counts, whatever Host says; a refusal leaves no key."""
    before = await bridge.store.dbsize()
    answer = await raw_answer(bridge.port, upgrade(*headers))
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert await bridge.store.dbsize() == before


async def test_no_extension_and_no_subprotocol(bridge: Ingress) -> None:
    """Compression is never negotiated (31924), and no subprotocol is answered."""
    signature = SIGNATURES.sign(STREAM_URL, {})
    answer = await raw_answer(
        bridge.port,
        upgrade(
            f"X-Twilio-Signature: {signature}",
            "Sec-WebSocket-Extensions: permessage-deflate",
            "Sec-WebSocket-Protocol: chat",
        ),
    )
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"extensions" not in answer.lower()
    assert b"sec-websocket-protocol" not in answer.lower()


async def test_other_paths(bridge: Ingress) -> None:
    """Only /media upgrades."""
    with pytest.raises(InvalidStatus) as caught:
        await bridge.connect(path="/voice")
    assert caught.value.response.status_code == 404


class FakeTransport(asyncio.Transport):
    """Takes what is written; says when it is cut."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_cut = False
        self.socket: socket.socket | None = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self.socket if name == "socket" else default

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_cut = True

    def is_closing(self) -> bool:
        return self.is_cut

    def close(self) -> None:
        self.is_cut = True

    def abort(self) -> None:
        self.is_cut = True


class FakeFront:
    """Lets everyone in, and keeps what they say."""

    def __init__(self) -> None:
        self.counters = SocketCounters()
        self.send_buffer_bytes = 32_768
        self.texts: list[bytes] = []
        self.binaries = 0
        self.losses = 0
        self.pongs: list[tuple[bytes, float]] = []

    def refuse_upgrade(self, path: str, signature: str | None) -> HTTPStatus | None:
        return None

    def opened(self, media: MediaProtocol) -> FakeFront:
        return self

    def text(self, payload: bytes) -> None:
        self.texts.append(payload)

    def binary(self) -> None:
        self.binaries += 1

    def pong(self, payload: bytes, at_ms: float) -> None:
        self.pongs.append((payload, at_ms))

    def lost(self) -> None:
        self.losses += 1


def asked(kind: type[MediaProtocol]) -> tuple[MediaProtocol, FakeTransport]:
    """A socket whose handshake has come, on a fake."""
    transport = FakeTransport()
    protocol = kind(uvicorn.Config(app=""), ServerState(), {}, None)
    protocol.connection_made(transport)
    protocol.data_received(upgrade())
    return protocol, transport


def opened(met: Strangers | None = None) -> tuple[MediaProtocol, FakeFront, FakeTransport]:
    """A socket after its 101, on fakes."""
    front = FakeFront()
    protocol, transport = asked(media_protocol_class(front, met))
    assert transport.written.startswith(b"HTTP/1.1 101")
    return protocol, front, transport


def any_frame(opcode: int, data: bytes, fin: bool) -> bytes:
    """A masked frame, lawful or not: the library refuses to build the other ones."""
    head = bytes([(0x80 if fin else 0) | opcode])
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return head + length + bytes(4) + data


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            any_frame,
            st.sampled_from([OP_TEXT, OP_BINARY, OP_CONT, OP_PING, OP_PONG, OP_CLOSE]),
            st.binary(max_size=200),
            st.booleans(),
        ),
    ),
    max_size=12,
)


def test_a_pong_goes_up_with_the_time_of_its_bytes() -> None:
    """A ping does not: the library answers it."""
    protocol, front, _ = opened()
    protocol.data_received(Frame(OP_PONG, b"7").serialize(mask=True))
    protocol.data_received(Frame(OP_PING, b"8").serialize(mask=True))
    assert front.pongs == [(b"7", pytest.approx(protocol.last_data_at_ms, abs=1_000))]


@given(pieces=PIECES, cuts=st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_any_bytes_harm_nobody(pieces: list[bytes], cuts: list[int]) -> None:
    """Whatever arrives, cut anywhere: no exception; after a protocol error nothing is taken."""
    protocol, front, transport = opened()
    data = b"".join(pieces)
    at = index = 0
    while at < len(data) and not transport.is_cut:
        size = cuts[index % len(cuts)]
        protocol.data_received(data[at : at + size])
        at, index = at + size, index + 1
    taken = len(front.texts)
    if transport.is_cut:
        protocol.data_received(Frame(OP_TEXT, b"late").serialize(mask=True))
        assert len(front.texts) == taken
    protocol.connection_lost(None)
    assert front.losses == 1


@given(texts=st.lists(st.binary(max_size=300), max_size=8), cuts=st.lists(st.integers(1, 50), min_size=1))
def test_texts_come_out_as_they_were_sent(texts: list[bytes], cuts: list[int]) -> None:
    """Whole, in fragments, with pings between, cut anywhere."""
    protocol, front, _ = opened()
    data = b""
    for index, text in enumerate(texts):
        middle = len(text) // 2
        if index % 2:
            data += Frame(OP_TEXT, text[:middle], False).serialize(mask=True)
            data += Frame(OP_PING, b"p").serialize(mask=True)
            data += Frame(OP_CONT, text[middle:]).serialize(mask=True)
        else:
            data += Frame(OP_TEXT, text).serialize(mask=True)
    at = index = 0
    while at < len(data):
        size = cuts[index % len(cuts)]
        protocol.data_received(data[at : at + size])
        at, index = at + size, index + 1
    assert front.texts == texts


async def test_binary_closes_with_1003(bridge: Ingress) -> None:
    """Also when its bytes are valid JSON."""
    caller = await bridge.live()
    await caller.send(b'{"event":"connected"}')
    assert (await caller.closed())[0] == 1003


@pytest.mark.parametrize("attached", [True, False])
async def test_too_long_closes_with_1009(bridge: Ingress, attached: bool) -> None:
    """One byte above 64 KiB, before and after `start`."""
    if attached:
        caller = await bridge.live()
        await caller.send("x" * (64 * 1024 + 1))
        assert (await caller.closed())[0] == 1009
    else:
        async with bridge.connect() as early:
            await early.send("x" * 100_000)
            await early.wait_closed()
            assert early.close_code == 1009
    assert bridge.role.counters.protocol_errors == 1


async def test_fragments_and_pings(bridge: Ingress) -> None:
    """A message in fragments, with a ping between them, is one message."""
    caller = await bridge.live()

    async def parts() -> object:
        yield '{"event":"dtmf","streamSid":"' + caller.stream_sid
        await caller.socket.ping()
        yield '","dtmf":{"digit":"7"}}'

    await caller.socket.send(parts())  # type: ignore[arg-type]
    await wait_until(lambda: bridge.role.switchboard.counters.dtmf == 1, "the digit has come")
    assert bridge.role.counters.faults["not_json"] == 0


async def test_broken_frames_end_only_that_socket(bridge: Ingress) -> None:
    """An unmasked frame is a protocol error of one connection."""
    healthy, broken = await bridge.live(1), await bridge.live(2)
    broken.socket.transport.write(b"\x81\x02hi")
    assert (await broken.closed())[0] == 1002
    await healthy.media()
    await wait_until(lambda: bridge.role.switchboard.counters.caller_frames == 1, "the healthy call goes on")


async def test_control_flood_is_cut(bridge: Ingress) -> None:
    """More than twenty pings in a second cost the connection."""
    caller = await bridge.live()
    for _ in range(60):
        caller.socket.transport.write(b"\x89\x80\x00\x00\x00\x00")
    assert (await caller.closed())[0] == 1006
    assert bridge.role.counters.control_floods == 1


def test_byte_flood_is_cut() -> None:
    """Whatever the bytes are; what a call has in half a minute may come at once."""
    met = Strangers()
    protocol, front, transport = opened(met)
    text = Frame(OP_TEXT, b"x" * 400).serialize(mask=True)
    for _ in range(int(INCOMING_BYTES.at_once) // len(text) - 10):
        protocol.data_received(text)
    assert not transport.is_cut
    while not transport.is_cut:
        protocol.data_received(text)
    heard = len(front.texts)
    protocol.data_received(text)
    assert len(front.texts) == heard
    assert met.counters == StrangerCounters(byte_floods=1)


def test_who_never_starts_makes_room_for_who_comes() -> None:
    """The one that has waited for longest; who has started is out of it."""
    met = Strangers(room=Room(1_000, 1_000))
    kind = media_protocol_class(FakeFront(), met)
    call, of_call = asked(kind)
    call.let_in()
    waiting = [asked(kind) for _ in range(UNSTARTED_MOST)]
    assert not any(transport.is_cut for _, transport in waiting)
    _, newcomer = asked(kind)
    assert [transport.is_cut for transport in (of_call, waiting[0][1], waiting[1][1], newcomer)] == [
        False, True, False, False,
    ]  # fmt: skip
    assert met.counters.not_started_in_time == 1


def test_more_sockets_than_there_is_room_for_are_refused() -> None:
    """Before the 101, and not for ever: who is gone leaves a place."""
    kind = media_protocol_class(FakeFront(), Strangers(room=Room(1_000, 1)))
    first, _ = asked(kind)
    assert asked(kind)[1].written.startswith(b"HTTP/1.1 503")
    first.connection_lost(None)
    assert asked(kind)[1].written.startswith(b"HTTP/1.1 101")


async def test_clear_drops_what_is_unsent(bridge: Ingress) -> None:
    """A reader that has stopped gets, after the clear, nothing of the cut before it."""
    caller = await bridge.live(max_queue=None)
    stream = next(iter(bridge.role.switchboard.table.streams))
    connection = caller.socket.transport.get_extra_info("socket")
    caller.socket.transport.pause_reading()  # type: ignore[attr-defined]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    counters, sent = bridge.role.counters, 0

    async def has_no_room() -> bool:
        """Nothing of a batch fits any more: the kernel takes some now and then, while it has room."""
        nonlocal sent
        overflowed, sent = counters.frames_overflowed, sent + 200
        await bridge.out(*[frame(0, n) for n in range(sent - 199, sent + 1)])
        await wait_until(lambda: bridge.role.switchboard.counters.out_frames == sent, "all have come")
        return counters.frames_overflowed == overflowed + 200

    await wait_until(has_no_room, "the socket is full")
    await bridge.out(other("clear", 0, cut=1), frame(0, sent + 1, cut=1, audio=b"new"))
    await wait_until(lambda: bridge.role.switchboard.counters.out_clears == 1, "the clear has come")
    caller.socket.transport.resume_reading()  # type: ignore[attr-defined]
    events = []
    while not events or events[-1] != "bmV3":
        (message,) = await caller.receive()
        events.append(message.get("media", {}).get("payload", message["event"]))
    assert events[-2] == "clear"
    assert counters.frames_cleared > 50
    received = len(events) - 2
    assert received + counters.frames_cleared + counters.frames_overflowed == sent
    assert stream.socket.unsent_bytes < media_protocol.UNSENT_BYTES


async def test_slow_client_does_not_slow_another(bridge: Ingress) -> None:
    """One call's reader stops; the other call gets every frame, in order."""
    slow, quick = await bridge.live(1, max_queue=None), await bridge.live(2, max_queue=None)
    slow.socket.transport.pause_reading()  # type: ignore[attr-defined]
    for first in range(0, 2000, 100):
        numbers = range(first + 1, first + 101)
        await bridge.out(*[pair for n in numbers for pair in (frame(1, n), frame(2, n))])
        (last,) = (await quick.receive(100))[-1:]
        assert last["event"] == "media"
    assert bridge.role.counters.unread_cut == 0
    slow.socket.transport.resume_reading()  # type: ignore[attr-defined]


async def test_peer_that_never_reads_is_cut(bridge: Ingress) -> None:
    """Marks are never dropped, so their bound is the connection."""
    caller = await bridge.live(max_queue=None)
    connection = caller.socket.transport.get_extra_info("socket")
    caller.socket.transport.pause_reading()  # type: ignore[attr-defined]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    name = b"x" * 190
    for _ in range(500):
        await bridge.out(*[other("mark", 0, name) for _ in range(50)])
        if bridge.role.counters.unread_cut:
            break
    await wait_until(lambda: bridge.role.counters.unread_cut == 1, "the connection is cut")


async def test_messages_built_are_twilios(bridge: Ingress) -> None:
    """Media, mark and clear as they arrive at Twilio, in order."""
    caller = await bridge.live()
    await bridge.out(frame(0, 1), other("mark", 0, b"1.0.item.20", n=1), other("clear", 0, cut=1, n=1))
    media, mark, clear = await caller.receive(3)
    assert media["event"] == "media"
    assert media["streamSid"] == stream_sid(0)
    assert mark == {"event": "mark", "streamSid": stream_sid(0), "mark": {"name": "1.0.item.20"}}
    assert clear == {"event": "clear", "streamSid": stream_sid(0)}


async def test_bytes_split_anywhere(bridge: Ingress) -> None:
    """TCP may cut a frame at any byte; the messages are the same."""
    caller = await bridge.live()
    recorded: list[bytes] = []
    transport = caller.socket.transport
    real_write = transport.write
    transport.pause_reading()  # type: ignore[attr-defined]  # A pong must not stand between two of our bytes.
    for digit in "123":
        text = f'{{"event":"dtmf","streamSid":"{caller.stream_sid}","dtmf":{{"digit":"{digit}"}}}}'
        mask_and_text = b"\x00\x00\x00\x00" + text.encode()
        recorded.append(bytes([0x81, 0x80 | len(text)]) + mask_and_text)
    for byte in b"".join(recorded):
        real_write(bytes([byte]))
        await asyncio.sleep(0)
    await wait_until(lambda: bridge.role.switchboard.counters.dtmf == 3, "three digits have come")
    transport.resume_reading()  # type: ignore[attr-defined]
    assert not any(bridge.role.counters.faults.values())


async def test_caller_audio_arrives_whole(bridge: Ingress) -> None:
    """What the caller says stands in `caller` with its leg and chunk."""
    caller = await bridge.live()
    for index in range(50):
        await caller.media(bytes([index]) * 160)

    async def has_fifty() -> bool:
        return len(await bridge.caller_entries()) == 50

    await wait_until(has_fifty, "fifty frames stand in Redis")
    found = await bridge.caller_entries()
    assert [(item.leg, item.chunk, item.audio) for item in found] == [
        (1, index + 1, bytes([index]) * 160) for index in range(50)
    ]


async def test_upgrade_without_start_leaves_no_key(bridge: Ingress) -> None:
    """A socket that was let in and says nothing useful touches no call."""
    await keep_own_keys(bridge.process, bridge.role.own_streams)
    before = await bridge.store.dbsize()
    async with bridge.connect() as quiet:
        await quiet.send(str(connected()))
        await quiet.send('{"event":"start","start":{"callSid":"CA{evil}"}}')
    await wait_until(lambda: not bridge.role.switchboard.table.streams, "the socket is gone")
    assert await bridge.store.dbsize() == before


def test_the_kernel_keeps_little_back() -> None:
    """A large send buffer would hide a stalled Twilio for half a minute."""
    front, transport = FakeFront(), FakeTransport()
    with socket.socket() as transport.socket:
        media_protocol_class(front)(uvicorn.Config(app=""), ServerState(), {}, None).connection_made(
            transport
        )
        kept = transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

    assert kept in (front.send_buffer_bytes, 2 * front.send_buffer_bytes)  # Linux doubles what it is told.


def test_a_window_tells_what_became_of_its_writes() -> None:
    """Frames that found no room, and how long those took that went at last."""
    protocol, _, transport = opened()
    assert protocol.take_window() == WriteWindow(0.0, 0)
    before = len(transport.written)
    protocol.pause_writing()
    took = [protocol.write_media(0, b"x" * 1_000, 3) for _ in range(100)]
    protocol.resume_writing()
    window = protocol.take_window()

    assert window.overflowed == 3 * took.count(False) > 0
    assert window.write_p99_ms >= 0
    assert len(transport.written) - before > took.count(True) * 1_000
