"""Who takes new calls while an ingress drains, and what a new call is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from ingress.web.door import Doorway
from shared.contract.worker import WorkerId, write_beat
from shared.process.beat import _beat
from shared.process.tasks import end_task
from tests.ingress.harness import Ingress, tags, voice_form
from tests.support.waiting import running, wait_until


@asynccontextmanager
async def worker(
    bridge: Ingress, host: str, *, role: str = "ingress", draining: bool = False, beats: bool = True
) -> AsyncIterator[None]:
    """Another process, as far as its beat shows it."""
    name, beaten = str(WorkerId(role, 5, host, "abcdef")), asyncio.Event()

    async def beat() -> None:
        number = 1
        while True:
            own = _beat(bridge.process, bridge.role, number)
            shown = replace(own, host=host, role=role, draining=draining)
            for command in write_beat(bridge.process.keys, name, shown):
                await bridge.store.execute_command(*command.args)
            beaten.set()
            number += beats
            await asyncio.sleep(0.1)  # The pace of its beats: several to each look.

    task = asyncio.create_task(beat())
    try:
        await wait_until(beaten.is_set, "it has beaten")
        yield
    finally:
        await end_task(task)


@asynccontextmanager
async def served(bridge: Ingress) -> AsyncIterator[None]:
    """A brain and an egress are there, for the calls."""
    async with worker(bridge, "far", role="brain"), worker(bridge, "far", role="egress"):
        yield


@pytest.mark.parametrize(
    ("host", "draining", "beats", "expected"),
    [
        ("", False, True, Doorway.SIBLING),
        ("far", False, True, Doorway.ELSEWHERE),
        ("", True, True, Doorway.SHUT),
        ("", False, False, Doorway.SHUT),
    ],
    ids=["here", "elsewhere", "drains too", "is silent"],
)
async def test_who_is_there(
    bridge: Ingress, host: str, draining: bool, beats: bool, expected: Doorway
) -> None:
    """By a beat that moves, the host in its name, and whether it takes calls."""
    async with worker(bridge, host or bridge.process.worker.host, draining=draining, beats=beats):
        assert await bridge.role._door.look() is expected


async def test_alone(bridge: Ingress) -> None:
    """Nobody else takes calls where there is nobody else."""
    assert await bridge.role._door.look() is Doorway.SHUT


@pytest.mark.parametrize(
    ("roles", "draining", "is_deserted"),
    [(["brain", "egress"], True, False), (["brain"], False, True), (["egress"], False, True)],
    ids=["both drain", "no egress", "no brain"],
)
async def test_who_serves(bridge: Ingress, roles: list[str], draining: bool, is_deserted: bool) -> None:
    """Who drains serves still; a role that is missing at one look may be starting."""
    door = bridge.role._door
    async with AsyncExitStack() as others:
        for role in roles:
            await others.enter_async_context(worker(bridge, "far", role=role, draining=draining))
        await door.look()
        assert not door.deserted.is_set()
        await door.look()
        assert door.deserted.is_set() is is_deserted


async def test_a_drain_waits_for_no_call_that_nobody_serves(bridge: Ingress) -> None:
    """It ends while the call is here still: the call is served again by the next boot of all, not before."""
    await bridge.live()
    async with asyncio.timeout(10):
        await bridge.role.drain()
    assert bridge.role.live_calls() == 1


async def test_what_a_new_call_is_told(bridge: Ingress) -> None:
    """Busy in words where nobody else is; a status that is asked again elsewhere; served by a sibling."""
    door = bridge.role._door
    door.state = Doorway.SHUT
    answer = await bridge.post("/voice", voice_form(1))
    assert tags(answer.text)[0] == "Say"
    assert "Busy." in answer.text
    door.state = Doorway.ELSEWHERE
    assert (await bridge.post("/voice", voice_form(2))).status_code == 503
    door.state = Doorway.SIBLING
    assert tags((await bridge.post("/voice", voice_form(3))).text)[0] == "Connect"


async def test_calls_that_are_here_are_answered(bridge: Ingress) -> None:
    """A drain without a sibling refuses new calls, not those that it has: they may resume and end."""
    caller = await bridge.live()
    async with served(bridge), running(bridge.role.drain()) as (draining,):
        await wait_until(lambda: bridge.role._door.state is Doorway.SHUT, "it has looked")
        assert tags((await bridge.post("/voice", voice_form(1))).text)[0] == "Say"
        assert tags((await bridge.post("/voice/resume", voice_form(0))).text)[0] == "Connect"
        answer = await bridge.post("/call-status", {**voice_form(0), "CallStatus": "completed"})
        assert answer.status_code == 204
        await caller.socket.close()
        await wait_until(draining.done, "the drain is over")


async def test_a_sibling_takes_the_port(bridge: Ingress) -> None:
    """As soon as there is one, nothing more is listened for."""
    await bridge.live()
    async with served(bridge), running(bridge.role.drain()):
        await wait_until(lambda: bridge.role._door.state is Doorway.SHUT, "it has looked")
        server = bridge.role._server
        assert server is not None
        assert all(each.is_serving() for each in server.servers)
        async with worker(bridge, bridge.process.worker.host):
            await wait_until(
                lambda: not any(each.is_serving() for each in server.servers), "it listens no more"
            )
