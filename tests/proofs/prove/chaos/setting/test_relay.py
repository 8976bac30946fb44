"""The network between Twilio and the bridge."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proofs.prove.chaos.setting.relay import Relay
from simulators.twilio import FAST, CallPlan, HangUp, Knobs, Pause, TwilioSimulator, WaitForSpeech
from tests.simulators.twilio.calls import greet
from tests.simulators.twilio.reference_bridge import (
    AUTH_TOKEN,
    VOICE_URL,
    default_documents,
    reference_bridge,
)
from tests.support.waiting import wait_until

DELAY_S = 0.05

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def relayed(jitter_s: float = 0.0) -> AsyncIterator[tuple[Relay, Pair, Pair]]:
    """A connection through a relay: its near and its far end."""
    arrived: asyncio.Queue[Pair] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: arrived.put_nowait((r, w)), "127.0.0.1", 0)
    async with Relay(server.sockets[0].getsockname()[1], DELAY_S, jitter_s=jitter_s) as relay:
        near = await asyncio.open_connection("127.0.0.1", relay.port)
        far = await arrived.get()
        try:
            yield relay, near, far
        finally:
            for _, writer in (near, far):
                writer.close()
            server.close()


async def test_bytes_arrive_later_in_their_order_both_ways() -> None:
    """By the delay, and not changed."""
    async with relayed() as (_, near, far):
        for reader, writer in ((far[0], near[1]), (near[0], far[1])):
            began_s = time.monotonic()
            for number in range(50):
                writer.write(bytes([number]) * 100)
            found = await reader.readexactly(5_000)
            assert time.monotonic() - began_s >= DELAY_S * 0.9
            assert found == b"".join(bytes([number]) * 100 for number in range(50))


async def test_jitter_changes_no_order() -> None:
    """What is late holds up what comes behind it, the end too."""
    async with relayed(jitter_s=0.03) as (_, near, far):
        took_ms = []
        for number in range(20):
            began_s = time.monotonic()
            near[1].write(b"%02d" % number)
            assert await far[0].readexactly(2) == b"%02d" % number
            took_ms.append((time.monotonic() - began_s) * 1000)
        assert min(took_ms) >= DELAY_S * 900
        assert max(took_ms) - min(took_ms) > 10
        near[1].write(b"a")
        await asyncio.sleep(0)
        near[1].write(b"b" * 200_000)
        near[1].close()
        assert await far[0].read() == b"a" + b"b" * 200_000


async def test_an_end_comes_behind_all_that_was_said() -> None:
    """A peer that closes after its last word is heard out."""
    async with relayed() as (relay, near, far):
        far[1].write(b"last words")
        far[1].close()
        assert await near[0].read() == b"last words"
        await wait_until(lambda: not relay.open, "both ends gone")


async def test_a_connection_that_breaks_breaks_on_the_other_side() -> None:
    """As with a process that was killed with unread bytes."""
    async with relayed() as (_, near, far):
        raw = far[1].get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far[1].transport.abort()
        with pytest.raises(ConnectionError):
            await near[0].readexactly(1)


async def test_a_port_that_nobody_serves_ends_the_connection() -> None:
    """Whoever connected is not left waiting."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with Relay(unused.getsockname()[1], DELAY_S) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            writer.close()


async def test_what_is_said_at_once_is_not_lost() -> None:
    """The far side takes its time; whoever connects may speak before it is there."""
    arrived: asyncio.Queue[Pair] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: arrived.put_nowait((r, w)), "127.0.0.1", 0)
    async with Relay(server.sockets[0].getsockname()[1], DELAY_S) as relay:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(b"GET")
            reader, far = await arrived.get()
            assert await asyncio.wait_for(reader.readexactly(3), 5) == b"GET"
            writer.close()
            far.close()
    server.close()


async def test_a_call_goes_through_it() -> None:
    """Webhook, upgrade, audio and marks."""
    async with reference_bridge(greet, default_documents) as bridge:
        port = int(bridge.address.rpartition(":")[2])
        async with (
            Relay(port, DELAY_S) as relay,
            TwilioSimulator(
                voice_url=VOICE_URL, auth_token=AUTH_TOKEN, dial=f"127.0.0.1:{relay.port}"
            ) as twilio,
        ):
            steps = (WaitForSpeech(), Pause(900), HangUp())
            record = await twilio.call(CallPlan(steps), Knobs(pace=FAST))

    assert record.failures == []
    assert [mark.name for mark in record.marks if mark.echoed_at_ms is not None] == ["m1"]
