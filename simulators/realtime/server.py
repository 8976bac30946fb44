"""The WebSocket server around the session cores.

Why it exists: everything that a session says is decided in `session`; here connections come and go. Owns: the
listening port, the checks of an upgrade (path, key, model, beta header) and the list of sessions. Must not
know: what an event means. One timer and one writing task a connection; an append wakes no task at all
(`wire`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from random import Random
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from simulators.realtime import script
from simulators.realtime.connection import Connection, now_ms
from simulators.realtime.knobs import Knobs
from simulators.realtime.protocol import errors
from simulators.realtime.record import SessionRecord
from simulators.realtime.session.core import Session
from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.outlet import Json
from simulators.realtime.voice import Voice, clip_voice
from simulators.realtime.wire import QuickConnection

PATH: Final = "/v1/realtime"
AZURE_PATH: Final = "/openai/v1/realtime"
"""As Azure's GA endpoint has it: with the key in a header of its own, and a deployment's name for a model."""
DEFAULT_MODEL: Final = "gpt-realtime-2.1"
MAX_FRAME_BYTES: Final = 24 * 1024 * 1024
"""15 MiB of audio in base64, and its JSON."""
CLOSE_TIMEOUT_S: Final = 1.0

log = logging.getLogger("simulators.realtime")


@dataclass(frozen=True, slots=True)
class Refused:
    """An upgrade that was answered with a status other than 101."""

    status: int
    reason: str


class RealtimeSimulator:
    """A Realtime API on a local port, as an async context manager.

    `script` is a script's name, a TOML path or a `Script`. `knobs` is copied for each session;
    `knobs_for(number)` instead gives each attempt to connect, counted from 1 and refused ones included, knobs
    of its own, and so does `knobs_by(headers)`, by the headers of the request (names in lower case).
    `api_key=None` takes any bearer. `keep_audio` keeps all appended audio in the records. `voice` says what
    the words of a script sound like.
    """

    def __init__(
        self,
        *,
        script: str | script.Script = "english",
        knobs: Knobs | None = None,
        knobs_for: Callable[[int], Knobs] | None = None,
        knobs_by: Callable[[Mapping[str, str]], Knobs] | None = None,
        api_key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_audio: bool = False,
        voice: Voice = clip_voice,
    ) -> None:
        self.script = _loaded(script)
        self.knobs = knobs if knobs is not None else Knobs()
        self._knobs_for = knobs_for
        self._knobs_by = knobs_by
        self._api_key = api_key
        self._host = host
        self._port = port
        self._keep_audio = keep_audio
        self._voice = voice
        self._server: Server | None = None
        self._earlier: list[Server] = []
        self._closing = asyncio.Event()
        self._waiting: dict[ServerConnection, Knobs] = {}
        self._connections: dict[int, Connection] = {}
        self._watchers: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._attempts = 0
        self.sessions: list[SessionRecord] = []
        self.refused: list[Refused] = []

    async def __aenter__(self) -> Self:
        self._server = await self._listen(self._port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        for connection in self._connections.values():
            if connection.is_frozen:
                connection.abort()
        for server in (*self._earlier, self._server):
            if server is None:
                continue
            server.close()
            await asyncio.gather(*(each.close(1001) for each in server.connections), return_exceptions=True)
            await server.wait_closed()

    @property
    def port(self) -> int:
        """The port it listens on."""
        if not self.is_listening:
            assert self._port, "the simulator listens only inside `async with`"
            return self._port
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        assert isinstance(port, int)
        return port

    @property
    def is_listening(self) -> bool:
        """Whether connections are accepted, refused ones among them."""
        return self._server is not None and self._server.is_serving()

    @property
    def base_url(self) -> str:
        """What a client takes as `base_url` (or `OPENAI_BASE_URL`)."""
        return f"http://{self._host}:{self.port}/v1"

    @property
    def azure_base_url(self) -> str:
        """The same, in the way of Azure."""
        return f"http://{self._host}:{self.port}/openai/v1"

    async def wait_for(self, predicate: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Returns once `predicate()` holds; it is asked after every event but appends.

        Raises `TimeoutError`. Cancelling it only ends the wait.
        """
        if predicate():
            return
        future = asyncio.get_running_loop().create_future()
        self._watchers[future] = predicate
        try:
            await asyncio.wait_for(future, timeout_s)
        finally:
            del self._watchers[future]

    def inject(self, record: SessionRecord, event: Json) -> None:
        """Sends any event on a live session."""
        connection = self._connections[record.number]
        connection.session.inject(now_ms(), event)
        connection.pump()

    def close_session(self, record: SessionRecord, code: int, reason: str = "") -> None:
        """Closes a live session from this side; 1006 drops the connection."""
        connection = self._connections[record.number]
        connection.session.close(now_ms(), code, reason)
        connection.pump()

    async def refuse_connections(self, duration_ms: float) -> None:
        """Closes the port for this long, as a host without a server does; open sessions go on.

        Cancelling it opens the port again.
        """
        assert self._server is not None, "the simulator listens only inside `async with`"
        self._port = self.port
        self._server.close(close_connections=False)
        self._earlier.append(self._server)
        try:
            await asyncio.sleep(duration_ms / 1000)
        finally:
            self._server = await self._listen(self._port)

    def freeze(self, record: SessionRecord, duration_ms: float = inf) -> None:
        """Makes a live session's connection half open: nothing passes in either direction for this long."""
        self._connections[record.number].freeze(duration_ms)

    # Private.

    async def _listen(self, port: int) -> Server:
        return await serve(
            self._serve,
            self._host,
            port,
            process_request=self._check_upgrade,
            create_connection=QuickConnection,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=None,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
        )

    async def _check_upgrade(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuses before the 101, or lets the upgrade go on, after the time that the knob `opening_ms`
        names."""
        self._attempts += 1
        knobs = self._knobs_of(request, self._attempts).copy()
        if knobs.opening_ms:
            # A time-out is the usual case: nobody has closed the simulator meanwhile.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), knobs.opening_ms / 1000)
            if self._closing.is_set() or socket.transport.is_closing():
                # One of the two has gone: there is nothing to answer, and nothing to log.
                socket.transport.abort()
                raise asyncio.CancelledError
        status, reason = self._judge_upgrade(request, knobs)
        if status is not HTTPStatus.SWITCHING_PROTOCOLS:
            self.refused.append(Refused(status.value, reason))
            self.wake_waiters()
            return socket.respond(status, reason + "\n")
        self._waiting[socket] = knobs
        return None

    def _knobs_of(self, request: Request, number: int) -> Knobs:
        if self._knobs_by is not None:
            return self._knobs_by(_headers(request))
        return self.knobs if self._knobs_for is None else self._knobs_for(number)

    def _judge_upgrade(self, request: Request, knobs: Knobs) -> tuple[HTTPStatus, str]:
        if knobs.connect_status:
            return HTTPStatus(knobs.connect_status), "refused by the knob connect_status"
        url = urlsplit(request.path)
        if url.path not in (PATH, AZURE_PATH):
            return HTTPStatus.NOT_FOUND, f"expected {PATH}, got {url.path}"
        is_azure = url.path == AZURE_PATH
        key = request.headers.get("api-key", "") if is_azure else ""
        key = key or request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not key or (self._api_key is not None and key != self._api_key):
            return HTTPStatus.UNAUTHORIZED, "Incorrect API key provided (invalid_api_key)."
        model = _query(url.query, "model")
        if model and not is_azure and not model.startswith("gpt-"):
            return HTTPStatus.NOT_FOUND, "The model does not exist (model_not_found)."
        return HTTPStatus.SWITCHING_PROTOCOLS, ""

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, QuickConnection)
        knobs = self._waiting.pop(socket)
        number = len(self.sessions) + 1
        ids = IdMinter(Random(secrets.token_bytes(16)))
        assert socket.request is not None
        model = _query(urlsplit(socket.request.path).query, "model")
        record = SessionRecord(
            number=number,
            session_id=ids.mint("sess"),
            model=model or DEFAULT_MODEL,
            knobs=knobs,
            opened_at_ms=now_ms(),
            headers=_headers(socket.request),
            keep_audio=self._keep_audio,
        )
        told = script.load(knobs.script) if knobs.script else self.script
        session = Session(record, told, Random(f"{knobs.seed}/{number}"), ids, time.time(), self._voice)
        self.sessions.append(record)
        connection = Connection(socket, session, record, self.wake_waiters)
        self._connections[number] = connection
        log.info("session %d opened model=%s", number, record.model)
        try:
            await connection.run(_fatal(socket.request))
        finally:
            del self._connections[number]
            log.info("session %d closed code=%s", number, record.close_code)
            self.wake_waiters()

    def wake_waiters(self) -> None:
        """Wakes those in `wait_for` whose condition holds now."""
        for future, predicate in self._watchers.items():
            if not future.done() and predicate():
                future.set_result(None)


def _fatal(request: Request) -> errors.Refusal | None:
    """What ends a session right after its upgrade, by the request itself."""
    query = urlsplit(request.path).query
    if "realtime=v1" in request.headers.get("OpenAI-Beta", ""):
        return errors.Refusal(
            "beta_api_shape_disabled",
            "The Realtime beta API is no longer supported. Remove the OpenAI-Beta header.",
        )
    if _query(query, "intent"):
        return errors.Refusal("invalid_intent", "Only speech-to-speech sessions exist here.")
    if not _query(query, "model"):
        return errors.Refusal("missing_model", "Expected a model parameter in the URL.")
    return None


def _headers(request: Request) -> dict[str, str]:
    """By name in lower case, without the key: they may end up in a report."""
    found = {name.lower(): value for name, value in request.headers.raw_items()}
    for name in ("authorization", "api-key"):
        found.pop(name, None)
    return found


def _query(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[0]


def _loaded(chosen: str | script.Script) -> script.Script:
    return script.load(chosen) if isinstance(chosen, str) else chosen
