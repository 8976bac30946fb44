"""`python -m ingress` as a process: ready, drained, moved, forced, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from ingress.calls.switchboard import TOLD_AGAIN_MS
from ingress.web.door import Doorway
from ingress.web.listening import own_listener
from shared.audio import FRAME_MS
from shared.clock import now_ms
from shared.exit_codes import Exit
from tests.ingress.harness import ACCOUNT, AUTH_TOKEN, PUBLIC_URL, SIGNATURES, STREAM_URL, Ingress
from tests.support.servers import free_port
from tests.support.waiting import running as beside
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]

FRAME_S = FRAME_MS / 1000
"""The pace of who speaks."""


class Running:
    """A process, its port and what it has logged."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.log = ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.log += line.decode()

    async def said(self, event: str) -> None:
        await wait_until(
            lambda: f'"event":"{event}"' in self.log,
            f"{event} is logged",
            timeout_s=30,
            say=lambda: f"\n{self.log}",
        )

    async def ended(self) -> int:
        async with asyncio.timeout(20):
            code = await self.process.wait()
            await self._reading
        return code


@contextlib.asynccontextmanager
async def started(url: str, *, stdin: int | None = None, **extra: str) -> AsyncIterator[Running]:
    """An ingress process; ended by force if the test did not end it."""
    port = int(extra.pop("port", "0")) or free_port()
    environment = {
        "PATH": os.environ["PATH"], "REDIS_URL": url, "PUBLIC_URL": PUBLIC_URL, "PYTHONPATH": str(ROOT),
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT, "TRUNKLINE_PORT": str(port),
        "TRUNKLINE_HOST": "127.0.0.1", "TRUNKLINE_LOG_FORMAT": "json",
        "TRUNKLINE_ADMIN_PORT_BASE": str(free_port()), **extra,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ingress", "--number", "0", cwd=ROOT, env=environment,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    running = Running(process, port)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()


def media(port: int) -> connect:
    return connect(
        f"ws://127.0.0.1:{port}/media",
        additional_headers={"X-Twilio-Signature": SIGNATURES.sign(STREAM_URL, {})},
        compression=None,
    )


async def can_connect(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_idle_process_stops_at_once(valkey_url: str) -> None:
    """SIGTERM without calls: exit 0, nothing listens any more."""
    async with started(valkey_url) as running:
        await running.said("ready")
        assert await can_connect(running.port)
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == Exit.OK
        assert not await can_connect(running.port)


async def test_drain_waits_then_moves(valkey_url: str) -> None:
    """SIGTERM with an open socket and no sibling: Twilio is still answered; at DRAIN_S the socket gets 1001,
    and nobody listens any more."""
    async with started(valkey_url, TRUNKLINE_DRAIN_S="1") as running:
        await running.said("ready")
        async with media(running.port) as open_socket:
            running.process.send_signal(signal.SIGTERM)
            await running.said("draining")
            assert await can_connect(running.port)
            await open_socket.send('{"event":"connected"}')
            async with asyncio.timeout(10):
                await open_socket.wait_closed()
            assert (open_socket.close_code, open_socket.close_reason) == (1001, "moving")
        assert await running.ended() == Exit.OK
        assert not await can_connect(running.port)


async def test_calls_move_at_a_quiet_moment(bridge: Ingress) -> None:
    """While a sibling listens: the silent at once, who speaks when they pause; no apology is planned."""
    quiet, loud = await bridge.live(0), await bridge.live(1)
    speaks = True

    async def speak() -> None:
        while speaks:
            await loud.media()
            await asyncio.sleep(FRAME_S)

    async with beside(speak()):
        await wait_until(lambda: bridge.role.switchboard.counters.caller_frames > 5, "the caller is heard")
        bridge.role._door.state = Doorway.SIBLING
        stopping = asyncio.create_task(bridge.role.stop())
        assert await quiet.closed() == (1001, "moving")
        assert loud.socket.state is State.OPEN
        speaks = False
        assert await loud.closed() == (1001, "moving")
    await stopping
    assert {(await bridge.card(number))["next"] for number in (0, 1)} == {""}


async def test_no_call_moves_while_redis_is_away(bridge: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers them next could only apologise; they go when Redis has been told of them again."""
    quiet = await bridge.live()
    since_ms: list[float | None] = [now_ms()]
    knows, asked = bridge.role.switchboard.redis_knows, list[bool]()

    def redis_knows(at_ms: float) -> bool:
        asked.append(knows(at_ms))
        return asked[-1]

    monkeypatch.setattr(type(bridge.process.outbox), "away_since_ms", property(lambda _: since_ms[0]))
    monkeypatch.setattr(bridge.role.switchboard, "redis_knows", redis_knows)
    bridge.role._door.state = Doorway.SIBLING
    stopping = asyncio.create_task(bridge.role.stop())
    await wait_until(lambda: len(asked) > 20, "it has asked again and again")
    assert not any(asked)
    assert quiet.socket.state is State.OPEN
    since_ms[0], back_ms = None, now_ms()
    assert await quiet.closed() == (1001, "moving")
    assert now_ms() - back_ms >= TOLD_AGAIN_MS - 100
    await stopping


async def test_a_second_signal_waits_for_no_pause(bridge: Ingress) -> None:
    """Who speaks is moved all the same."""
    loud = await bridge.live()

    async def speak() -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await loud.media()
                await asyncio.sleep(FRAME_S)

    async with beside(speak()):
        await wait_until(lambda: bridge.role.switchboard.counters.caller_frames > 5, "the caller is heard")
        bridge.role._door.state = Doorway.SIBLING
        stopping = asyncio.create_task(bridge.role.stop())
        await asyncio.sleep(0)
        bridge.process.forced.set()
        async with asyncio.timeout(3):
            assert await loud.closed() == (1001, "moving")
    await stopping


async def test_second_signal_ends_the_drain(valkey_url: str) -> None:
    """The second SIGTERM moves the calls now."""
    async with started(valkey_url, TRUNKLINE_DRAIN_S="60") as running:
        await running.said("ready")
        async with media(running.port) as open_socket:
            running.process.send_signal(signal.SIGTERM)
            await running.said("draining")
            running.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                await open_socket.wait_closed()
        assert await running.ended() == Exit.DRAIN_FORCED


async def test_inherited_socket(valkey_url: str) -> None:
    """A listening descriptor 0 is used, and stays open for the next process when this one ends."""
    with own_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with started(valkey_url, stdin=listener.fileno(), port=str(port)) as running:
            await running.said("ready")
            async with media(port):
                pass
            running.process.send_signal(signal.SIGTERM)
            assert await running.ended() == Exit.OK
        assert await can_connect(port)


async def test_port_taken(valkey_url: str) -> None:
    """Its own exit code, and a line that says which port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with started(valkey_url, port=str(taken.getsockname()[1])) as running:
            assert await running.ended() == Exit.LISTEN
            assert "listen_failed" in running.log


@pytest.mark.parametrize("name", ["PUBLIC_URL", "TWILIO_AUTH_TOKEN"])
async def test_missing_secret_refuses_to_start(valkey_url: str, name: str) -> None:
    """Fails closed: without a token or an origin no signature can be checked."""
    async with started(valkey_url, **{name: ""}) as running:
        assert await running.ended() == Exit.SETTINGS
        assert name in running.log
        assert AUTH_TOKEN not in running.log
