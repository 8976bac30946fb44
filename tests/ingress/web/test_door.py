"""Who takes new calls while an ingress drains, and what a new call is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ingress.web.door import Door
from shared.contract.keys import WORKERS
from shared.contract.record import flat
from shared.contract.worker import WorkerId
from shared.process.beat import _beat
from shared.process.tasks import end_task
from tests.ingress.harness import Ingress, tags, voice_form
from tests.support.waiting import wait_until


@asynccontextmanager
async def sibling(
    bridge: Ingress, host: str, *, draining: bool = False, beats: bool = True
) -> AsyncIterator[None]:
    """Another ingress, as far as its beat shows it."""
    name, beaten = str(WorkerId("ingress", 5, host, "abcdef")), asyncio.Event()

    async def beat() -> None:
        number = 1
        while True:
            shown = replace(_beat(bridge.process, bridge.role, number), host=host, draining=draining)
            await bridge.store.hset(bridge.process.keys.worker(name), mapping=dict(_pairs(flat(shown))))
            await bridge.store.sadd(WORKERS, name)
            beaten.set()
            number += beats
            await asyncio.sleep(0.1)

    task = asyncio.create_task(beat())
    try:
        await wait_until(beaten.is_set, "it has beaten")
        yield
    finally:
        await end_task(task)


def _pairs(words: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize(
    ("host", "draining", "beats", "expected"),
    [
        ("", False, True, Door.SIBLING),
        ("far", False, True, Door.ELSEWHERE),
        ("", True, True, Door.SHUT),
        ("", False, False, Door.SHUT),
    ],
    ids=["here", "elsewhere", "drains too", "is silent"],
)
async def test_who_is_there(bridge: Ingress, host: str, draining: bool, beats: bool, expected: Door) -> None:
    """By a beat that moves, the host in its name, and whether it takes calls."""
    async with sibling(bridge, host or bridge.process.worker.host, draining=draining, beats=beats):
        assert await bridge.role._door.look() is expected


async def test_alone(bridge: Ingress) -> None:
    """Without another worker nobody is waited for."""
    assert await bridge.role._door.look() is Door.SHUT


async def test_what_a_new_call_is_told(bridge: Ingress) -> None:
    """Busy in words where nobody else is; a status that is asked again elsewhere; served by a sibling."""
    door = bridge.role._door
    door.state = Door.SHUT
    answer = await bridge.post("/voice", voice_form(1))
    assert tags(answer.text)[0] == "Say"
    assert "Busy." in answer.text
    door.state = Door.ELSEWHERE
    assert (await bridge.post("/voice", voice_form(2))).status_code == 503
    door.state = Door.SIBLING
    assert tags((await bridge.post("/voice", voice_form(3))).text)[0] == "Connect"


async def test_calls_that_are_here_are_answered(bridge: Ingress) -> None:
    """A drain without a sibling refuses new calls, not those that it has: they may resume and end."""
    caller = await bridge.live()
    draining = asyncio.create_task(bridge.role.drain())
    await wait_until(lambda: bridge.role._door.state is Door.SHUT, "it has looked")
    assert tags((await bridge.post("/voice", voice_form(1))).text)[0] == "Say"
    assert tags((await bridge.post("/voice/resume", voice_form(0))).text)[0] == "Connect"
    answer = await bridge.post("/call-status", {**voice_form(0), "CallStatus": "completed"})
    assert answer.status_code == 204
    await caller.socket.close()
    async with asyncio.timeout(10):
        await draining


async def test_a_sibling_takes_the_port(bridge: Ingress) -> None:
    """As soon as there is one, nothing more is listened for."""
    await bridge.live()
    draining = asyncio.create_task(bridge.role.drain())
    await wait_until(lambda: bridge.role._door.state is Door.SHUT, "it has looked")
    server = bridge.role._server
    assert server is not None
    assert all(each.is_serving() for each in server.servers)
    async with sibling(bridge, bridge.process.worker.host):
        await wait_until(lambda: not any(each.is_serving() for each in server.servers), "it listens no more")
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)
