"""The web console beside a load: its process, and three people who look at it.

Why it exists: what the console costs the calls is a figure only while its pages are open. Owns: that process,
three open streams of events: all calls, one call, the fleet. Must not know: what is in a page, what is
measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from console.stack.ports import free_port
from proofs.bench.process import end, spawn

READY_TIMEOUT_S = 30.0
POLL_S = 0.1
SID = re.compile(r"/calls/(CA[0-9a-f]{32})")


class TabsFailed(Exception):
    """The console did not come up, or a page showed nothing."""


@dataclass(slots=True)
class Tabs:
    """What each tab has received. Raises TabsFailed at its end where one has received nothing."""

    seen_bytes: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raises TabsFailed: a tab that shows nothing costs nothing."""
        empty = [name for name in ("live", "fleet", "call") if not self.seen_bytes.get(name)]
        if empty:
            raise TabsFailed(f"expected events in each tab, none came in {', '.join(empty)}")


@contextlib.asynccontextmanager
async def opened(redis_url: str, out: Path) -> AsyncIterator[int]:
    """The console with three tabs inside the block; its process id. Gone afterwards, also when cancelled.
    Raises TabsFailed."""
    url, tabs = f"http://127.0.0.1:{free_port()}", Tabs()
    command = [
        "env", f"REDIS_URL={redis_url}", f"TRUNKLINE_ARCHIVE_URL=sqlite:///{out}/tabs.sqlite",
        sys.executable, "-m", "console.web", "--port", url.rpartition(":")[2],
    ]  # fmt: skip
    with (out / "web.log").open("wb") as output:
        process = await spawn(command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(10.0, read=None)) as client:
            await _until_ready(client)
            looking = asyncio.create_task(_look(client, tabs), name="tabs")
            try:
                yield process.pid
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
        tabs.check()
    finally:
        await end(process)


# Private.


async def _until_ready(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/healthz")).is_success:
                return
        await asyncio.sleep(POLL_S)
    raise TabsFailed(f"expected the web console to answer within {READY_TIMEOUT_S:.0f} s; see web.log")


async def _look(client: httpx.AsyncClient, tabs: Tabs) -> None:
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(name: str, path: str) -> None:
        async with client.stream("GET", path) as response:
            async for text in response.aiter_text():
                tabs.seen_bytes[name] = tabs.seen_bytes.get(name, 0) + len(text)
                found = SID.search(text)
                if found is not None and not first.done():
                    first.set_result(found[1])

    async def one_call() -> None:
        await read("call", f"/events/calls/{await first}")

    async with asyncio.TaskGroup() as group:
        group.create_task(read("live", "/events/live"))
        group.create_task(read("fleet", "/events/fleet"))
        group.create_task(one_call())
