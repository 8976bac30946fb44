"""Stands for ingress: answers webhooks with what a test says, and takes media sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.phone.exchange import NO_ACCOUNT, BrowserCall, Exchange
from console.web.server import listen
from shared.process.admin import OwnSignalsServer
from tests.support.servers import free_port
from tests.support.waiting import running, wait_until

PUBLIC_URL = "https://bridge.trunkline.test"
MEDIA_URL = "wss://bridge.trunkline.test/media"
TOKEN = "0123456789abcdef0123456789abcdef"

STREAM = (
    f'<Connect><Stream url="{MEDIA_URL}" statusCallback="{PUBLIC_URL}/stream-status">'
    '<Parameter name="token" value="a-token"/></Stream></Connect>'
)
RESUME = f'<Redirect method="POST">{PUBLIC_URL}/voice/resume</Redirect>'
CONNECT = f"<Response>{STREAM}{RESUME}</Response>"
HANG_UP = "<Response><Hangup/></Response>"


@dataclass(slots=True)
class Asked:
    """A webhook."""

    path: str
    query: str
    form: dict[str, str]
    signature: str


@dataclass(slots=True)
class Bridge:
    """What came, and what is answered."""

    port: int
    documents: list[str] = field(default_factory=lambda: [CONNECT, HANG_UP])
    """In turn, to /voice and /voice/…; the last one repeats."""
    status: int = 200
    asked: list[Asked] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Of all streams."""
    sockets: list[WebSocket] = field(default_factory=list)
    gone: int = 0
    """Sockets whose end was seen."""

    @property
    def exchange(self) -> Exchange:
        return Exchange(
            voice_url=f"{PUBLIC_URL}/voice", auth_token=TOKEN, account_sid=NO_ACCOUNT,
            address=("127.0.0.1", self.port),
        )  # fmt: skip

    def paths(self) -> list[str]:
        """Of the webhooks, but for those that nobody waits for."""
        return [each.path for each in self.asked if each.path != "/stream-status"]

    def events(self) -> list[str]:
        return [message["event"] for message in self.messages]

    def stream_events(self) -> list[str]:
        return [each.form["StreamEvent"] for each in self.asked if each.path == "/stream-status"]

    async def webhook(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        signature = request.headers.get("x-twilio-signature", "")
        self.asked.append(Asked(request.url.path, request.url.query, form, signature))
        if not request.url.path.startswith("/voice"):
            return Response(status_code=204)
        body = self.documents.pop(0) if len(self.documents) > 1 else self.documents[0]
        return Response(body, self.status, media_type="text/xml")

    async def media(self, socket: WebSocket) -> None:
        await socket.accept()
        self.sockets.append(socket)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                self.messages.append(json.loads(await socket.receive_text()))
        self.gone += 1


@contextlib.asynccontextmanager
async def bridge() -> AsyncIterator[Bridge]:
    """One that listens."""
    made = Bridge(free_port())
    routes = [
        WebSocketRoute("/media", made.media),
        Route("/{rest:path}", made.webhook, methods=["GET", "POST"]),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes), lifespan="off", log_config=None, ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = OwnSignalsServer(config)
    async with running(server.serve(sockets=[listen("127.0.0.1", made.port)])) as (serving,):
        await wait_until(lambda: server.started, "the bridge listens")
        yield made
        server.end()
        await asyncio.wait_for(serving, 5)


@dataclass(slots=True)
class Page:
    """What the page of a call was told."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def take(self, message: bytes) -> None:
        self.told.append(json.loads(message))

    def states(self) -> list[str]:
        return [message["now"] for message in self.told if message["event"] == "phone"]

    def events(self) -> list[str]:
        return [message["event"] for message in self.told if message["event"] != "phone"]


@contextlib.asynccontextmanager
async def calling(
    of: Bridge, page: Page, *, agent: str = "", called: str = ""
) -> AsyncIterator[tuple[BrowserCall, asyncio.Task[str]]]:
    """A call that has begun; hung up with its block."""
    call = BrowserCall(of.exchange, agent, called, page.take)
    task = asyncio.create_task(call.run())
    try:
        yield call, task
    finally:
        call.hang_up()
        await asyncio.wait({task}, timeout=5)
