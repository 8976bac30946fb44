"""The attackers' process: it attacks until nobody listens, hears what is overheard, says what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from proofs.prove.hostile.attackers import Attackers, AttackersFailed, attack, attackers
from proofs.prove.hostile.attacks import ATTACKS, Attack
from proofs.prove.hostile.scene import Scene, overheard_line
from tests.proofs.prove.hostile.test_scene import HEARD, TARGET
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

ANY = frozenset({"done"})


async def test_rounds_are_made_until_the_end_of_what_is_said() -> None:
    """Again and again, and what was overheard is known in them."""
    scene, lines, heard = Scene(TARGET, Random(1)), asyncio.StreamReader(), []

    async def round_(scene: Scene) -> None:
        scene.tally.note("fake", "done")
        heard.append(len(scene.overheard))

    attacking = asyncio.create_task(attack(scene, [Attack("fake", "", round_, 0.001, ANY)], lines))
    await wait_until(lambda: scene.tally.attempts("fake") > 2, "some rounds are made")
    lines.feed_data(overheard_line(HEARD))
    await wait_until(lambda: heard[-1] == 1, "a round knows of it")
    lines.feed_eof()
    await attacking
    assert "fake" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_round_that_breaks_is_no_round_that_was_kept() -> None:
    """An attack that cannot be made shows nothing."""
    is_made = asyncio.Event()

    async def broken(_scene: Scene) -> None:
        is_made.set()
        raise RuntimeError("a bug of the attack's")

    lines = asyncio.StreamReader()
    attacking = asyncio.create_task(
        attack(Scene(TARGET, Random(1)), [Attack("fake", "", broken, 0.0, ANY)], lines)
    )
    await is_made.wait()
    lines.feed_eof()
    with pytest.raises(RuntimeError, match="of the attack's"):
        await attacking


async def test_the_process_says_what_came_of_each_kind() -> None:
    """Against a server that ends each connection: each attempt is cut."""
    met = 0

    class Cutting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            nonlocal met
            met += 1
            assert isinstance(transport, asyncio.Transport)
            transport.abort()

    server = await asyncio.get_running_loop().create_server(Cutting, "127.0.0.1", 0)
    async with server, attackers(replace(TARGET, port=server.sockets[0].getsockname()[1]), 1) as hostile:
        await hostile.tell(HEARD)
        await wait_until(lambda: met > 2_500, "two rounds of the largest kind are made", timeout_s=45)
        await hostile.end()
    assert set(hostile.tally.ends) >= {each.name for each in ATTACKS} - {"stolen tokens", "replayed webhooks"}
    assert {end for ends in hostile.tally.ends.values() for end in ends} == {"cut"}


async def test_attackers_that_end_by_themselves_are_no_attackers() -> None:
    """Nothing would be shown by what came after."""
    process = await asyncio.create_subprocess_exec(
        "true", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    hostile = Attackers(process)
    with pytest.raises(AttackersFailed, match="expected a tally"):
        await hostile.end()
