"""The web console as people look at it: three open streams of events, all calls, one call, the fleet.

Why it exists: what the console costs the calls is a figure only while its pages are open. Owns: those
streams, that none of them stays empty. Must not know: what is in a page, what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

READY_TIMEOUT_S = 30.0
POLL_S = 0.1
SID = re.compile(r"/calls/(CA[0-9a-f]{32})")
NAMES = ("live", "fleet", "call")


class TabsFailed(Exception):
    """The console did not come up, or a page showed nothing."""


@dataclass(slots=True)
class Tabs:
    """What each tab has received."""

    seen_chars: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    """What went wrong in a tab."""

    def check(self) -> None:
        """Raises TabsFailed: a tab that shows nothing, or an error, costs nothing."""
        if self.wrong:
            told = ", ".join(f"{name}: {what}" for name, what in sorted(self.wrong.items()))
            raise TabsFailed(f"expected events in each tab of the web console until the end, but {told}")
        empty = [name for name in NAMES if not self.seen_chars.get(name)]
        if empty:
            raise TabsFailed(
                f"expected events in each tab of the web console, none came in {', '.join(empty)}"
            )


@contextlib.asynccontextmanager
async def looked_at(url: str) -> AsyncIterator[Tabs]:
    """Three tabs on the console at `url` inside the block, as soon as it answers; the third is of the first
    call that is shown. Closed afterwards, also when cancelled. Raises TabsFailed, at its end where a tab
    stayed empty, was answered with an error or broke."""
    tabs = Tabs()
    async with httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(10.0, read=None)) as client:
        await _until_ready(client)
        looking = asyncio.create_task(_look(client, tabs), name="tabs")
        try:
            yield tabs
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
    tabs.check()


# Private.


async def _until_ready(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/healthz")).is_success:
                return
        await asyncio.sleep(POLL_S)
    raise TabsFailed(f"expected the web console to answer within {READY_TIMEOUT_S:.0f} s; see its log")


async def _look(client: httpx.AsyncClient, tabs: Tabs) -> None:
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def read(name: str, path: str) -> None:
        try:
            async with client.stream("GET", path) as response:
                if not response.is_success:
                    tabs.wrong[name] = f"it was answered {response.status_code}"
                    return
                async for text in response.aiter_text():
                    tabs.seen_chars[name] = tabs.seen_chars.get(name, 0) + len(text)
                    found = SID.search(text)
                    if found is not None and not first.done():
                        first.set_result(found[1])
            if name != "call":  # A call may be over; these go on.
                tabs.wrong[name] = "its stream ended"
        except httpx.TransportError as error:
            tabs.wrong[name] = f"its stream broke ({type(error).__name__})"

    async def one_call() -> None:
        await read("call", f"/events/calls/{await first}")

    async with asyncio.TaskGroup() as group:
        group.create_task(read("live", "/events/live"))
        group.create_task(read("fleet", "/events/fleet"))
        group.create_task(one_call())
