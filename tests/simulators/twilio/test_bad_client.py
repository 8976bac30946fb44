"""The raw client, against a server that keeps to the protocol."""

from __future__ import annotations

import asyncio

import pytest

from simulators.twilio.bad_client import BadClient
from simulators.twilio.media import frames
from tests.simulators.twilio.reference_bridge import (
    AUTH_TOKEN,
    STREAM_URL,
    BridgeSocket,
    ReferenceBridge,
    reference_bridge,
)
from tests.support.waiting import wait_until


def client(bridge: ReferenceBridge) -> BadClient:
    host, _, port = bridge.address.rpartition(":")
    return BadClient((host, int(port)), STREAM_URL, AUTH_TOKEN)


async def test_an_orderly_upgrade_and_messages() -> None:
    """It can also behave."""
    async with reference_bridge() as bridge, client(bridge) as bad:
        answer = await bad.upgrade()
        await bad.send_text('{"event":"connected"}')
        await wait_until(lambda: bool(bridge.sockets[0].messages), "the message arrived")

        assert (answer.status, answer.problem) == (101, "")
        assert bridge.sockets[0].signed


async def test_a_refused_upgrade_is_told() -> None:
    """With its status."""
    async with reference_bridge(refuse=403) as bridge, client(bridge) as bad:
        answer = await bad.upgrade("absent")

        assert answer.status == 403


async def test_half_a_handshake_opens_nothing() -> None:
    """Connect, send a part, wait, vanish."""
    async with reference_bridge() as bridge:
        async with client(bridge) as bad:
            await bad.send_raw(bad.upgrade_request()[:40])
            await wait_until(lambda: bool(bridge.tasks), "the server took the connection")
            with pytest.raises(TimeoutError):
                await bad.read_until_closed(limit_s=0.05)
        await bridge.idle()

        assert bridge.sockets == []


@pytest.mark.parametrize(
    ("opcode", "payload", "shape", "code"),
    [
        (frames.TEXT, b"x", {"masked": False}, 1002),
        (frames.TEXT, b"x", {"reserved_bits": 0x40}, 1002),
        (frames.PING, b"x", {"final": False}, 1002),
        (frames.TEXT, b"x" * 300, {"masked": False}, 1002),
    ],
)
async def test_broken_frames_are_broken_on_the_wire(
    opcode: int, payload: bytes, shape: dict[str, bool | int], code: int
) -> None:
    """A server that keeps to RFC 6455 closes with 1002."""
    async with reference_bridge() as bridge, client(bridge) as bad:
        await bad.upgrade()
        await bad.send_frame(opcode, payload, **shape)
        goodbye = await bad.read_until_closed()

        assert goodbye.code == code


async def test_it_reports_close_code_reason_and_messages() -> None:
    """What the bridge said before it closed is kept."""

    async def talk(socket: BridgeSocket) -> None:
        await socket.until("connected")
        socket.send_text("bye")
        socket.protocol.send_close(1008, "too many bad messages")
        socket.flush()

    async with reference_bridge(talk) as bridge, client(bridge) as bad:
        await bad.upgrade()
        await bad.send_text('{"event":"connected"}')
        goodbye = await bad.read_until_closed()

        assert (goodbye.code, goodbye.reason) == (1008, "too many bad messages")
        assert [message.data for message in bad.messages] == [b"bye"]


async def test_a_bare_end_has_no_code() -> None:
    """The connection just went."""

    async def talk(socket: BridgeSocket) -> None:
        socket.abort()

    async with reference_bridge(talk) as bridge, client(bridge) as bad:
        await bad.upgrade()

        assert (await bad.read_until_closed()).code is None


async def test_vanishing_is_seen_as_a_lost_connection() -> None:
    """No close frame."""
    async with reference_bridge() as bridge:
        async with client(bridge) as bad:
            await bad.upgrade()
            bad.vanish()
        await asyncio.wait_for(bridge.sockets[0].closed.wait(), 5)

        assert bridge.sockets[0].close_code == 1006
