"""The process of the web console: its application, its socket, its end.

Owns: which path is whose, how the server is set up. Must not know: what a page shows.

It is kept apart from calls: another process, of a lower priority, that reads Redis once a second while
somebody looks, and nothing while nobody does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from uvicorn import Config

from console import leave
from console.calls import live
from console.listen.views import ListenViews
from console.phone.views import PhoneViews
from console.web.actions import ActionViews
from console.web.desk import Desk, make_desk
from console.web.events import EventViews
from console.web.gate import Policy
from console.web.guard import Guard
from console.web.pages import PageViews, healthz
from console.web.render import STATIC
from shared.exit_codes import Exit
from shared.logs.log import Log
from shared.process.admin import OwnSignalsServer
from shared.process.host import who_listens
from shared.settings import Settings
from shared.store.client import make_store
from shared.store.errors import STORE_ERRORS

NICE = 10
"""Who makes pages goes behind who has calls."""

STORE_TIMEOUT_S = 3.0
REDIS_AGAIN_S = 2.0
BACKLOG = 64


def make_app(desk: Desk) -> Starlette:
    """The whole application, behind its gate."""
    pages = PageViews(desk)
    events, actions, phone = EventViews(desk, pages), ActionViews(desk), PhoneViews(desk)
    listening = ListenViews(desk, desk.recordings)
    routes: list[BaseRoute] = [
        Route("/", pages.live),
        Route("/calls/{sid}.json", pages.call_json),
        Route("/calls/{sid}.wav", listening.recording),
        WebSocketRoute("/calls/{sid}/sound", listening.sound),
        Route("/calls/{sid}", pages.call),
        Route("/recordings", listening.recordings),
        Route("/recordings/{sid}.json", listening.sidecar),
        Route("/fleet", pages.fleet),
        Route("/past", pages.past),
        Route("/audit", pages.who_did_what),
        Route("/phone", phone.page),
        WebSocketRoute("/phone/media", phone.media),
        Route("/login", pages.login, methods=["GET"]),
        Route("/healthz", healthz),
        Route("/events/live", events.live),
        Route("/events/fleet", events.fleet),
        Route("/events/calls/{sid}", events.call),
        Route("/act", actions.act, methods=["POST"]),
        Route("/calls/{sid}/say", actions.say, methods=["POST"]),
        Route("/calls/{sid}/hangup", actions.hang_up, methods=["POST"]),
        Route("/calls/{sid}/forget", actions.forget_call, methods=["POST"]),
        Route("/workers/drain", actions.drain, methods=["POST"]),
        Route("/forget", actions.forget_caller, methods=["POST"]),
        Route("/doctor", actions.doctor, methods=["POST"]),
        Route("/login", actions.login, methods=["POST"]),
        Route("/logout", actions.logout, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    gate = Middleware(Guard, policy=desk.policy, seals=desk.seals, tries=desk.tries, log=desk.log)
    return Starlette(routes=routes, middleware=[gate])


async def serve(settings: Settings, redis_url: str, log: Log) -> int:
    """Serves until it is cancelled. Returns an exit code. Raises SettingsError, ShelfError."""
    async with opened(settings, redis_url, log) as desk:
        try:
            listener = listen(settings.web_host, settings.web_port)
        except OSError as error:
            log.error(
                "listen_failed", setting="TRUNKLINE_WEB_PORT", port=settings.web_port,
                by=who_listens(settings.web_port), reason=error.strerror,
            )  # fmt: skip
            return Exit.LISTEN
        with contextlib.suppress(OSError):
            os.nice(NICE)
        server = OwnSignalsServer(config(desk))
        log.info("ready", url=f"http://{settings.web_host}:{settings.web_port}/", open=desk.policy.is_open)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
        try:
            await asyncio.shield(serving)
        finally:
            server.end()
            await asyncio.wait({serving})
    return Exit.OK


@contextlib.asynccontextmanager
async def opened(settings: Settings, redis_url: str, log: Log) -> AsyncIterator[Desk]:
    """A desk, once Redis has told how many lanes there are. Raises SettingsError, ShelfError. Cancelling it
    lets go of all."""
    Policy.of(settings)  # What is wrong with the settings is said before Redis is waited for.
    store = make_store(redis_url, name="web", timeout_s=STORE_TIMEOUT_S)
    try:
        while True:
            try:
                keys = await live.make_keys(store)
                break
            except STORE_ERRORS as error:
                log.warning("redis_unreachable", reason=leave.in_words(error))
                await asyncio.sleep(REDIS_AGAIN_S)
        desk = make_desk(settings, store, keys, log)
        try:
            yield desk
        finally:
            if desk.shelf is not None:
                await asyncio.to_thread(desk.shelf.close)
    finally:
        await store.aclose()


def config(desk: Desk) -> Config:
    """Of uvicorn. No access log: paths have SIDs and ends of numbers in them."""
    return Config(
        make_app(desk),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
        backlog=BACKLOG,
    )


def listen(host: str, port: int) -> socket.socket:
    """The listening socket. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
