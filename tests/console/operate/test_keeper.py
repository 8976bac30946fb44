"""The public port between two holders: how long it is kept, who gets it."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from console.operate import keeper
from console.stack.supervision import ProcessInfo, Supervisor
from shared import public_port
from shared.exit_codes import Exit
from tests.console.operate.test_port import holder
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until

LINGER_S, POLL_S = 0.3, 0.02


class Supervisord(Supervisor):
    """Says of its one process what it is told to; nothing at all once it has gone."""

    def __init__(self, state: str) -> None:
        super().__init__(Path("/nowhere"))
        self.state = state
        self.holder = "STOPPED"
        self.asked = 0

    def processes(self) -> list[ProcessInfo]:
        self.asked += 1
        if self.state == "gone":
            raise ConnectionRefusedError
        return [
            ProcessInfo(name="brain-0", group="brain", state=self.state, pid=1, text=""),
            ProcessInfo(name="port", group="port", state=self.holder, pid=1, text=""),
        ]


@pytest.fixture
def listener() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen()
    return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moments of supervisord's stillness, shortened."""
    monkeypatch.setattr(keeper, "LINGER_S", LINGER_S)
    monkeypatch.setattr(keeper, "POLL_S", POLL_S)


async def asked_for_long(supervisord: Supervisord) -> None:
    """Twice as long as a keeper lingers, by its rounds: each has its pause."""
    enough = supervisord.asked + 2 * LINGER_S / POLL_S
    await wait_until(lambda: supervisord.asked > enough, "it was asked again and again")


def address_of(listener: socket.socket) -> str:
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


async def test_it_keeps_the_port_while_something_is_stopping(listener: socket.socket) -> None:
    """And some moments longer: what is started next has it by then."""
    supervisord = Supervisord("STOPPING")
    async with running(keeper.keep(address_of(listener), listener, supervisord)) as (keeping,):
        await asked_for_long(supervisord)
        assert not keeping.done()
        supervisord.state, still_at = "STOPPED", time.monotonic()
        await wait_until(keeping.done, "it ends")
        assert time.monotonic() - still_at > 0.25
    listener.close()


async def test_it_waits_for_the_next_holder_however_slow(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is being started has the port soon, or is stopped."""
    monkeypatch.setenv(keeper.NAME_VARIABLE, "port")
    supervisord = Supervisord("STOPPED")
    supervisord.holder = "RUNNING"
    async with running(keeper.keep(address_of(listener), listener, supervisord)) as (keeping,):
        await asked_for_long(supervisord)
        assert not keeping.done()
        supervisord.holder = "STOPPED"
        await wait_until(keeping.done, "it ends")
    listener.close()


async def test_it_ends_with_supervisord(listener: socket.socket) -> None:
    """Nobody is coming then."""
    async with asyncio.timeout(5):
        await keeper.keep(address_of(listener), listener, Supervisord("gone"))
    listener.close()


async def test_the_next_holder_gets_it() -> None:
    """With whoever waits in its queue."""
    address = f"tcp://127.0.0.1:{free_port()}"
    with socket.socket() as kept:
        kept.bind(public_port.parse_address(address))
        kept.listen()
        with socket.create_connection(public_port.parse_address(address), timeout=5) as waiting:
            async with running(keeper.keep(address, kept, Supervisord("STOPPING"))) as (keeping,):
                with holder(address):
                    await wait_until(keeping.done, "the holder has it", timeout_s=30)
                    found = await asyncio.to_thread(public_port.fetch, address, 30)
                    with found:
                        found.setblocking(True)
                        found.settimeout(5)
                        connection, name = await asyncio.to_thread(found.accept)
                        connection.close()
                        assert name == waiting.getsockname()


def test_without_a_supervisord_nobody_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started the holder by hand wants it to end."""
    monkeypatch.delenv(keeper.SERVER_VARIABLE, raising=False)
    assert not keeper.is_needed()
    monkeypatch.setenv(keeper.SERVER_VARIABLE, "unix:///nowhere/supervisor.sock")
    assert not keeper.is_needed()


def test_a_wrong_command_line() -> None:
    """Its own exit code."""
    assert keeper.main(["8080"]) == Exit.USAGE
    assert keeper.main(["tcp://127.0.0.1:1", "none"]) == Exit.USAGE
