"""The process: its socket, its routes, its end."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount, Route
from structlog.testing import capture_logs

from console.web import server
from console.web.actions import ActionViews
from console.web.desk import Desk
from console.web.server import NICE, config, listen, make_app, serve
from shared.exit_codes import Exit
from shared.logs.log import get_log
from shared.settings import Settings, SettingsError, load
from shared.store.client import Store
from tests.console.web.desks import desk_of
from tests.support.redis_samples import ONE, make_living_call
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until


@pytest.fixture
def niced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much lower the process has set itself; ours stays where it is."""
    found: list[int] = []
    monkeypatch.setattr(os, "nice", found.append)
    return found


def settings_of(folder: Path, **changes: object) -> Settings:
    known = {"archive_url": f"sqlite:///{folder}/calls.sqlite", "web_port": free_port()}
    return load(env_file=None, **{**known, **changes})


async def answered(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"{url}/healthz")).text == "ok\n"
        except httpx.TransportError:
            return False


async def test_it_serves_until_it_is_cancelled(
    store: Store, redis_url: str, tmp_path: Path, niced: list[int]
) -> None:
    """Behind whoever has calls; then the port is free again."""
    await make_living_call(store, ONE)
    settings = settings_of(tmp_path)
    url = f"http://127.0.0.1:{settings.web_port}"
    async with running(serve(settings, redis_url, get_log())):
        await wait_until(lambda: answered(url), "it answers")
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            page = await http.get("/", headers={"accept": "text/html"})
            assert ONE in page.text
            assert "server" not in page.headers
            style = await http.get("/static/style.css")
            assert style.headers["content-type"].startswith("text/css")
            script = await http.get("/static/live.js")
            assert "javascript" in script.headers["content-type"]
            outside = ("/static/../pages.py", "/static/%2e%2e/pages.py", "/static/", "/templates/base.html")
            for path in outside:
                assert (await http.get(path)).status_code == 404, path
    assert niced == [NICE]
    listen("127.0.0.1", settings.web_port).close()


async def test_a_page_that_stays_open_does_not_hold_it_up(
    store: Store, redis_url: str, tmp_path: Path, niced: list[int]
) -> None:
    """Its stream is cut; the browser comes again to whoever listens next."""
    settings = settings_of(tmp_path)
    url = f"http://127.0.0.1:{settings.web_port}"
    serving = asyncio.create_task(serve(settings, redis_url, get_log()))
    await wait_until(lambda: answered(url), "it answers")
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
        http.stream("GET", "/events/live") as answer,
    ):
        assert answer.status_code == 200
        serving.cancel()
        async with asyncio.timeout(8):
            await asyncio.wait({serving})
    assert serving.cancelled()


async def test_a_port_that_is_taken_is_named(
    store: Store, redis_url: str, tmp_path: Path, niced: list[int]
) -> None:
    """With who has it, where the system says so."""
    with socket.socket() as taken, capture_logs() as lines:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = settings_of(tmp_path, web_port=taken.getsockname()[1])
        assert await serve(settings, redis_url, get_log()) == Exit.LISTEN
    (line,) = [each for each in lines if each["event"] == "listen_failed"]
    assert line["setting"] == "TRUNKLINE_WEB_PORT"


async def test_a_page_that_would_be_open_to_all_is_not_served(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """Before a port is opened."""
    with pytest.raises(SettingsError, match="TRUNKLINE_WEB_TOKEN"):
        await serve(settings_of(tmp_path, web_host="0.0.0.0"), redis_url, get_log())


async def test_it_waits_for_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, niced: list[int]) -> None:
    """A console that starts before Redis does comes up with it."""
    monkeypatch.setattr(server, "REDIS_AGAIN_S", 0.05)
    settings = settings_of(tmp_path)
    with capture_logs() as lines:
        async with running(serve(settings, f"redis://127.0.0.1:{free_port()}/0", get_log())):
            await wait_until(
                lambda: len([each for each in lines if each["event"] == "redis_unreachable"]) > 1, "it tries"
            )
    assert not await answered(f"http://127.0.0.1:{settings.web_port}")


def routes(desk: Desk) -> list[Route]:
    return [route for route in make_app(desk).routes if isinstance(route, Route)]


async def test_what_changes_something_is_a_post_and_nothing_else_is(store: Store, tmp_path: Path) -> None:
    """Handlers of deeds take POST alone, all others GET alone."""
    for route in routes(desk_of(store, tmp_path)):
        is_deed = inspect.ismethod(route.endpoint) and isinstance(route.endpoint.__self__, ActionViews)
        assert route.methods == ({"POST"} if is_deed else {"GET", "HEAD"}), route.path


async def test_the_server_says_little(store: Store, tmp_path: Path) -> None:
    """Paths have SIDs in them: there is no log of requests."""
    made = config(desk_of(store, tmp_path))
    assert (made.access_log, made.server_header, made.proxy_headers) == (False, False, False)
    assert any(isinstance(each, Mount) for each in make_app(desk_of(store, tmp_path)).routes)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_it_listens_where_it_is_told(host: str) -> None:
    """By name and by address."""
    port = free_port()
    try:
        listener = listen(host, port)
    except OSError as error:
        pytest.skip(f"this host has no {host}: {error}")
    assert listener.getsockname()[1] == port
    listener.close()
