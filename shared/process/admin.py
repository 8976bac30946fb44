"""The admin port of each process, on 127.0.0.1: `/healthz`, `/readyz`, `/metrics`, `/neighbours`.

Owns: what alive and ready mean on the wire. Must not know: why a role is not ready (it is told).
Alive = the event loop answers. Ready = able to take calls now.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import Callable, Iterator

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shared.ownership.liveness import WorkerStanding

HOST = "127.0.0.1"
BACKLOG = 64
TICK_S = 1.0

Ready = Callable[[], str]
"""Why the process is not ready; empty when it is."""

Standings = Callable[[], list[WorkerStanding]]
"""The other workers of the role, as this process sees them."""


class OwnSignalsServer(uvicorn.Server):
    """uvicorn, leaving the signals to the process: its own SIGTERM closes every live socket at once.

    It ends by `end`.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """`serve` closes the sockets and returns."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """uvicorn looks ten times a second whether it is to end; all that is left to do is the date of its
        answers, once a second."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._ending.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def admin_listener(port: int) -> socket.socket:
    """The socket of the admin port, on 127.0.0.1. Raises OSError if somebody has it."""
    listener = socket.socket()
    try:
        # What an earlier run left in TIME_WAIT does not count; a listener does.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def make_admin_server(
    port: int, ready: Ready, standings: Standings, registry: CollectorRegistry
) -> OwnSignalsServer:
    """A server to run with `serve(sockets=[admin_listener(port)])`; it ends by `end()`."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        reason = ready()
        return PlainTextResponse(f"not ready: {reason}\n" if reason else "ready\n", 503 if reason else 200)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def neighbours(_request: Request) -> Response:
        return JSONResponse([dataclasses.asdict(each) for each in standings()])

    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/neighbours", neighbours),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes),
        host=HOST,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    return OwnSignalsServer(config)
