"""One connection after another: how a process comes back to a Redis that went away.

Why it exists: a lost connection is opened again at once, a server that is away or turns writes down must not
be run at by every process at full speed. Owns: the pauses between attempts. Must not know: what is written.
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from shared.clock import now_ms
from shared.store.errors import STORE_ERRORS
from shared.store.reach.link import RedisLink
from shared.store.reach.servers import Way

RECONNECT_MIN_S, RECONNECT_MAX_S = 0.05, 1.0
SHORT_LIVED_MS = 1000.0
"""A connection that lasted no longer makes the pause before the next one grow."""

WATCH_S = 0.5


class Host(Protocol):
    """Who writes on the connection. Nothing here waits."""

    def link_opened(self, link: RedisLink) -> None:
        """There is a connection."""

    def link_lost(self, link: RedisLink) -> None:
        """It is gone."""

    def link_failed(self, why: str) -> None:
        """There is none yet."""

    def close_stuck(self, link: RedisLink) -> None:
        """Twice a second: closes a connection on which no answer comes."""


async def keep_link(way: Way, name: str, host: Host) -> None:
    """Keeps a connection for as long as it runs; cancelling it closes the one there is."""
    pause_s, lost = RECONNECT_MIN_S, asyncio.Event()

    def on_lost(link: RedisLink) -> None:
        host.link_lost(link)
        lost.set()

    while True:
        try:
            link = await way.open(name=name, on_lost=on_lost)
        except STORE_ERRORS as error:
            host.link_failed(f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, RECONNECT_MAX_S)
            continue
        opened_at_ms = now_ms()
        lost.clear()
        try:
            host.link_opened(link)
            while not link.lost:
                try:
                    async with asyncio.timeout(WATCH_S):
                        await lost.wait()
                except TimeoutError:
                    host.close_stuck(link)
        finally:
            link.close()
        # A server that takes connections and refuses writes is not sent the backlog at full speed.
        is_short = now_ms() - opened_at_ms < SHORT_LIVED_MS
        pause_s = min(pause_s * 2, RECONNECT_MAX_S) if is_short else RECONNECT_MIN_S
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
