"""A client and a server on a simulated network, for tests of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from proofs.simulate.kernel.history import History
from proofs.simulate.kernel.loop import VirtualLoop
from proofs.simulate.kernel.machine import Machine
from proofs.simulate.kernel.network import Network
from proofs.simulate.kernel.virtual import VirtualClock, virtual

PORT = 7000


class Pair:
    """A server that echoes lines, and a client."""

    def __init__(self, network: Network, loop: VirtualLoop) -> None:
        self.network, self.loop = network, loop
        self.server, self.client = Machine("server"), Machine("client")
        self.got: list[bytes] = []
        self.ended: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self) -> None:
        await self.as_(self.server, asyncio.start_server(self._serve, "127.0.0.1", PORT))

    def as_(self, machine: Machine, work: Any) -> asyncio.Task[Any]:
        async def whole() -> Any:
            return await work

        return self.loop.create_task(whole(), context=machine.context())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        found: tuple[asyncio.StreamReader, asyncio.StreamWriter] = await self.as_(
            self.client, asyncio.open_connection("127.0.0.1", PORT)
        )
        self._writers.append(found[1])
        await asyncio.sleep(0.01)  # The other side serves it by then.
        return found

    async def close(self) -> None:
        """Both sides let go, so that nothing is collected that is open."""
        await asyncio.sleep(1)  # A connection that has just been taken is served by then.
        for writer in self._writers:
            writer.close()
        # What belongs to a killed process never ends.
        self.left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in self.left:
            task.cancel()
        await asyncio.sleep(1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while line := await reader.readline():
                self.got.append(line)
                writer.write(line)
            self.ended.append("eof")
        except ConnectionResetError:
            self.ended.append("reset")
        writer.close()


def run_pair(work: Callable[[Pair], Awaitable[Any]]) -> Any:
    """Runs it in a world with a pair that listens."""
    clock = VirtualClock()
    with virtual(clock, 1):
        loop = VirtualLoop(clock)
        network = Network(loop, History(lambda: clock.passed_s), Random(1))
        loop.network = network
        pair = Pair(network, loop)

        async def whole() -> Any:
            await pair.listen()
            found = await work(pair)
            await pair.close()
            return found

        try:
            return loop.run_until_complete(whole())
        finally:
            loop.close()
