"""A web console over a store, and browsers that look at it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from console.web.desk import Desk, make_desk
from console.web.server import config, listen, make_app
from shared.logs.log import get_log
from shared.process.admin import OwnSignalsServer
from shared.settings import load
from shared.store.client import Store
from tests.support.redis_samples import KEYS
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until

HERE = "http://127.0.0.1:8081"
SEAL = re.compile(r'name="seal" value="([^"]+)"')


def desk_of(store: Store, folder: Path, **settings: Any) -> Desk:
    """One with an archive in `folder`, but for `settings`."""
    known = {"archive_url": f"sqlite:///{folder}/calls.sqlite", "caller_key": "key",
             "recordings": f"{folder}/recordings"}  # fmt: skip
    return make_desk(load(env_file=None, **{**known, **settings}), store, KEYS, get_log())


def browser(desk: Desk, *, peer: str = "127.0.0.1", here: str = HERE, **headers: str) -> httpx.AsyncClient:
    """Whoever looks at its pages; follows nothing by itself."""
    transport = httpx.ASGITransport(app=make_app(desk), client=(peer, 50_000))
    return httpx.AsyncClient(
        transport=transport, base_url=here, headers={"accept": "text/html", **headers}, trust_env=False
    )


class _Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """Elements of a page, each with its attributes."""
    parser = _Elements()
    parser.feed(html)
    return parser.found


def seal_of(html: str) -> str:
    """The seal of the first form of a page."""
    found = SEAL.search(html)
    assert found is not None, "no form on this page"
    return found.group(1)


async def post(http: httpx.AsyncClient, path: str, on: str = "/", **fields: str) -> httpx.Response:
    """Sends a form of the page `on`."""
    seal = seal_of((await http.get(on)).text)
    return await http.post(path, data={"seal": seal, **fields})


async def told_after(http: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The page that an answer to a form leads to."""
    assert answer.status_code == 303, answer.text
    return (await http.get(answer.headers["location"])).text


@contextlib.asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[str]:
    """The console on a real port, for what needs one: its URL."""
    port = free_port()
    server = OwnSignalsServer(config(desk))
    with contextlib.closing(listen("127.0.0.1", port)) as listener:
        async with running(server.serve(sockets=[listener])) as (serving,):
            await wait_until(lambda: server.started, "the port is open")
            yield f"http://127.0.0.1:{port}"
            server.end()
            await asyncio.wait_for(serving, 5)
