"""The process that holds the public port: as itself, over its Unix socket, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from console.operate.port import UNUSED_AFTER_S, Holder
from shared import public_port
from shared.exit_codes import Exit
from tests.support.servers import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def address() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@contextlib.contextmanager
def holder(address: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "console.operate.port", address]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.asynccontextmanager
async def offering(address: str, listener: socket.socket) -> AsyncIterator[None]:
    task = asyncio.create_task(public_port.offer(address, listener))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def can_connect(address: str) -> bool:
    try:
        socket.create_connection(public_port.parse_address(address), timeout=5).close()
    except OSError:
        return False
    return True


def accepted(listener: socket.socket) -> object:
    """Who comes next."""
    connection, name = listener.accept()
    connection.close()
    return name


def test_the_port_stays_open_while_nobody_listens(address: str) -> None:
    """Opened for the first who asks; connections wait for the next one, who gets the same socket."""
    with holder(address):
        with public_port.fetch(address, 30) as first:
            assert first.getsockname() == public_port.parse_address(address)
            assert can_connect(address)
        with socket.create_connection(public_port.parse_address(address), timeout=5) as waiting:
            name = waiting.getsockname()
            with public_port.fetch(address) as second:
                second.settimeout(5)
                assert name in {accepted(second), accepted(second)}, "what came meanwhile was not refused"


def is_at_work(address: str) -> bool:
    """Whether a holder hangs up on whoever says nothing that it knows."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(5)
        try:
            link.connect(str(public_port.meeting_place(address)))
            link.sendall(b"?")
            return link.recv(1) == b""
        except OSError:
            return False


async def test_a_host_without_listeners_opens_nothing(address: str) -> None:
    """Nobody has asked: a proxy's check is refused, not left hanging."""
    with holder(address) as process:
        await wait_until(lambda: is_at_work(address), "the holder is at work", timeout_s=30)
        assert process.poll() is None
        assert not can_connect(address)


def test_a_port_that_nobody_uses_is_closed(address: str) -> None:
    """After longer than any restart takes; not while an ingress has it."""
    made = Holder(address)
    user, other = socket.socketpair(socket.AF_UNIX)
    with user, other, socket.socket() as made.listener:
        made._users, made._used_at_s = {user}, time.monotonic() - UNUSED_AFTER_S - 1
        made._close_unused()
        assert made.listener is not None
        made._users = set()
        made._used_at_s += 20
        made._close_unused()
        assert made.listener is not None
        made._used_at_s -= 20
        made._close_unused()
        assert made.listener is None
    made._meeting.close()


async def test_a_killed_holder_gets_the_port_back(address: str) -> None:
    """From who listens on it; after that it can pass it on again, and it outlives that one too."""
    with holder(address) as first:
        listener = await asyncio.to_thread(public_port.fetch, address, 30)
        async with offering(address, listener):
            first.kill()
            assert can_connect(address)
            with holder(address):
                again = await asyncio.to_thread(public_port.fetch, address, 30)
                again.close()
                listener.close()
                assert can_connect(address)


def test_a_port_of_somebody_else(address: str) -> None:
    """Whoever asks is told, after a moment, why and by whom."""
    with socket.socket() as taken:
        taken.bind(public_port.parse_address(address))
        taken.listen()
        with holder(address), pytest.raises(public_port.NoPort, match=r"in use.*pid \d+"):
            public_port.fetch(address, 30)


def test_without_a_holder() -> None:
    """The time is bounded, the program is named."""
    with pytest.raises(public_port.NoPort, match="expected the program `port`"):
        public_port.fetch(f"tcp://127.0.0.1:{free_port()}", 0.3)


def test_its_ends(address: str) -> None:
    """SIGTERM is 0; a second one of an address, and a wrong address, have codes of their own."""
    with holder(address) as first:
        public_port.fetch(address, 30).close()
        with holder(address) as second:
            assert second.wait(30) == Exit.SECOND_COPY
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == Exit.OK
    with holder("8080") as wrong:
        assert wrong.wait(30) == Exit.USAGE
