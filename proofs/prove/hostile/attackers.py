"""The attackers, as a process: every kind of attack at once, again and again, until nobody listens any more.

Why it exists: attackers are other machines in life. In the process that plays the callers they would be late
with callers' frames, and on two cores they may have what is left over. Owns: that process, the rounds, both
ends of its pipe. Must not know: what an attack does, what may come of it.

Its first line in is whom to attack, each further one what could be overheard; its last line out is the tally.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random

from console.stack.plan import REPOSITORY
from proofs.prove.hostile.attacks import ATTACKS, Attack
from proofs.prove.hostile.scene import (
    Overheard,
    Scene,
    Tally,
    Target,
    overheard_line,
    read_overheard,
    read_tally,
    read_target,
    tally_line,
    target_line,
)
from shared.process.host import end_with_parent
from shared.process.tasks import cancel_all

NICER = 10
DESCRIPTORS = 8_192
ENDS_WITHIN_S = 30.0
LINE_BYTES = 256 * 1024


class AttackersFailed(Exception):
    """They ended before they were told to, or said nothing at their end."""


async def attack(scene: Scene, attacks: Sequence[Attack], lines: asyncio.StreamReader) -> None:
    """All attacks until the end of `lines`, which say what is overheard. Raises what a round has raised.
    Cancelling it ends them."""
    rounds = [asyncio.create_task(_again_and_again(each, scene), name=each.name) for each in attacks]
    try:
        while line := await lines.readline():
            scene.overheard.append(read_overheard(line))
    finally:
        await cancel_all(rounds)
    for each in rounds:
        if not each.cancelled():
            each.result()  # It ends by an error only.


class Attackers:
    """The process, as whoever has begun it sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.tally = Tally()
        """Known at the end."""

    async def tell(self, overheard: Overheard) -> None:
        """Something that could be overheard. Raises AttackersFailed. Cancelling it may lose it."""
        await self._say(overheard_line(overheard))

    async def end(self) -> None:
        """No more attacks. Raises AttackersFailed, TimeoutError. Cancelling it leaves them to `attackers`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        async with asyncio.timeout(ENDS_WITHIN_S):
            line = await self._process.stdout.readline()
            code = await self._process.wait()
        if code or not line:
            raise AttackersFailed(f"expected a tally at their end, got code {code}: the error stands above")
        self.tally = read_tally(line)

    async def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            await self._process.stdin.drain()
        except ConnectionError:
            raise AttackersFailed("expected attackers that go on: their error stands above") from None


@asynccontextmanager
async def attackers(target: Target, seed: int) -> AsyncIterator[Attackers]:
    """They attack while the block runs, or until `end`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proofs.prove.hostile.attackers", str(seed)),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        start_new_session=True,
        preexec_fn=partial(end_with_parent, os.getpid()),
    )
    found = Attackers(process)
    try:
        await found._say(target_line(target))
        yield found
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def main() -> int:
    """The process."""
    os.nice(NICER)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = DESCRIPTORS if most == resource.RLIM_INFINITY else min(DESCRIPTORS, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    tally = asyncio.run(_run(Random(int(sys.argv[1]))))
    sys.stdout.buffer.write(tally_line(tally))
    return 0


# Private.


async def _again_and_again(attack: Attack, scene: Scene) -> None:
    while True:
        await attack.round(scene)
        await asyncio.sleep(attack.pause_s)


async def _run(chance: Random) -> Tally:
    lines = asyncio.StreamReader(LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    scene = Scene(read_target(await lines.readline()), chance)
    await attack(scene, ATTACKS, lines)
    return scene.tally


if __name__ == "__main__":
    sys.exit(main())
