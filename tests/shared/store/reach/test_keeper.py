"""One connection after another, on a real server that comes and goes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from shared.resp import pack
from shared.store.reach.keeper import keep_link
from shared.store.reach.link import RedisLink
from shared.store.reach.servers import Servers
from tests.support.servers import free_port, server, valkey_binary
from tests.support.waiting import running, wait_until


@dataclass
class Keeping:
    """Notes what it is told."""

    told: list[str] = field(default_factory=list)
    link: RedisLink | None = None
    is_stuck: bool = False

    def link_opened(self, link: RedisLink) -> None:
        self.link = link
        self.told.append("opened")

    def link_lost(self, link: RedisLink) -> None:
        assert link is self.link
        self.link = None
        self.told.append("lost")

    def link_failed(self, why: str) -> None:
        if self.told[-1:] != ["failed"]:
            self.told.append("failed")
        assert why

    def close_stuck(self, link: RedisLink) -> None:
        if self.is_stuck:
            self.is_stuck = False
            link.close()


async def test_it_comes_back_to_a_server_that_was_away(tmp_path: Path) -> None:
    """Away, there, away again: its host is told each time, and the last connection is closed with it."""
    host, port = Keeping(), free_port()
    async with running(keep_link(Servers(f"redis://127.0.0.1:{port}/0").way(), "t", host)):
        await wait_until(lambda: host.told == ["failed"], "there is no server")
        with server(valkey_binary(), tmp_path, port=port):
            await wait_until(lambda: host.told == ["failed", "opened"], "it is connected")
            link = host.link
            assert link is not None
            assert await link.ask(pack([b"PING"]), timeout_s=1) == b"PONG"
        await wait_until(lambda: host.told[1:] == ["opened", "lost", "failed"], "the server has gone")
        with server(valkey_binary(), tmp_path, port=port):
            await wait_until(lambda: host.told[-1] == "opened", "it is connected again")
            last = host.link
            await asyncio.sleep(0)
    assert last is not None
    assert last.lost


async def test_a_stuck_connection_is_given_up_for_another(valkey_url: str) -> None:
    """When its host says so, which it is asked twice a second."""
    host = Keeping(is_stuck=True)
    async with running(keep_link(Servers(valkey_url).way(), "t", host)):
        await wait_until(lambda: host.told == ["opened", "lost", "opened"], "there is another")
