"""The WebSocket server around the session cores.

Why it exists: everything that a session says is decided in `session`; here it is only carried out. Owns:
sockets, the clock, the checks of an upgrade (path, key, model, beta header) and the list of sessions. Must
not know: what an event means. One timer and one writing task a connection; an append wakes no task at all
(`wire`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from simulators.realtime import script
from simulators.realtime.knobs import Knobs
from simulators.realtime.protocol import errors
from simulators.realtime.record import SessionRecord
from simulators.realtime.session.core import Session
from simulators.realtime.session.ids import IdMinter
from simulators.realtime.session.outlet import Close, Json, Send, StopReading
from simulators.realtime.wire import QuickConnection

PATH: Final = "/v1/realtime"
DEFAULT_MODEL: Final = "gpt-realtime-2.1"
MAX_FRAME_BYTES: Final = 24 * 1024 * 1024
"""15 MiB of audio in base64, and its JSON."""
MAX_UNSENT_EVENTS: Final = 20_000
"""The connection of a client that leaves this many unread is dropped (a policy of this simulator)."""
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
    of its own. `api_key=None` takes any bearer. `keep_audio` keeps all appended audio in the records.
    """

    def __init__(
        self,
        *,
        script: str | script.Script = "english",
        knobs: Knobs | None = None,
        knobs_for: Callable[[int], Knobs] | None = None,
        api_key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        keep_audio: bool = False,
    ) -> None:
        self.script = _loaded(script)
        self.knobs = knobs if knobs is not None else Knobs()
        self._knobs_for = knobs_for
        self._api_key = api_key
        self._host = host
        self._port = port
        self._keep_audio = keep_audio
        self._server: Server | None = None
        self._waiting: dict[ServerConnection, Knobs] = {}
        self._connections: dict[int, _Connection] = {}
        self._watchers: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._attempts = 0
        self.sessions: list[SessionRecord] = []
        self.refused: list[Refused] = []

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._check_upgrade,
            create_connection=QuickConnection,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None, "the simulator listens only inside `async with`"
        port = next(iter(self._server.sockets)).getsockname()[1]
        assert isinstance(port, int)
        return port

    @property
    def base_url(self) -> str:
        """What a client takes as `base_url` (or `OPENAI_BASE_URL`)."""
        return f"http://{self._host}:{self.port}/v1"

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
        connection.session.inject(_now_ms(), event)
        connection.pump()

    def close_session(self, record: SessionRecord, code: int, reason: str = "") -> None:
        """Closes a live session from this side; 1006 drops the connection."""
        connection = self._connections[record.number]
        connection.session.close(_now_ms(), code, reason)
        connection.pump()

    # Private.

    def _check_upgrade(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuses before the 101, or lets the upgrade go on."""
        self._attempts += 1
        number = self._attempts
        knobs = (self._knobs_for(number) if self._knobs_for else self.knobs).copy()
        status, reason = self._judge_upgrade(request, knobs)
        if status is not HTTPStatus.SWITCHING_PROTOCOLS:
            self.refused.append(Refused(status.value, reason))
            self.wake_waiters()
            return socket.respond(status, reason + "\n")
        self._waiting[socket] = knobs
        return None

    def _judge_upgrade(self, request: Request, knobs: Knobs) -> tuple[HTTPStatus, str]:
        if knobs.connect_status:
            return HTTPStatus(knobs.connect_status), "refused by the knob connect_status"
        url = urlsplit(request.path)
        if url.path != PATH:
            return HTTPStatus.NOT_FOUND, f"expected {PATH}, got {url.path}"
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not bearer or (self._api_key is not None and bearer != self._api_key):
            return HTTPStatus.UNAUTHORIZED, "Incorrect API key provided (invalid_api_key)."
        model = _query(url.query, "model")
        if model and not model.startswith("gpt-"):
            return HTTPStatus.NOT_FOUND, "The model does not exist (model_not_found)."
        return HTTPStatus.SWITCHING_PROTOCOLS, ""

    async def _serve(self, socket: ServerConnection) -> None:
        assert isinstance(socket, QuickConnection)
        knobs = self._waiting.pop(socket)
        number = len(self.sessions) + 1
        ids = IdMinter(Random())
        assert socket.request is not None
        model = _query(urlsplit(socket.request.path).query, "model")
        record = SessionRecord(
            number=number,
            session_id=ids.mint("sess"),
            model=model or DEFAULT_MODEL,
            knobs=knobs,
            opened_at_ms=_now_ms(),
            headers={name.lower(): value for name, value in socket.request.headers.raw_items()},
            keep_audio=self._keep_audio,
        )
        record.headers.pop("authorization", None)  # a record may end up in a report
        session = Session(record, self.script, Random(f"{knobs.seed}/{number}"), ids, time.time())
        self.sessions.append(record)
        connection = _Connection(self, socket, session, record)
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


class _Connection:
    """One socket and its session."""

    def __init__(
        self,
        simulator: RealtimeSimulator,
        socket: QuickConnection,
        session: Session,
        record: SessionRecord,
    ) -> None:
        self.session = session
        self._simulator = simulator
        self._socket = socket
        self._record = record
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[Send | Close] = deque()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_at_ms: float | None = None

    async def run(self, fatal: errors.Refusal | None) -> None:
        """Serves until either side closes. Cancelling it ends the session, its timer and its writer."""
        writer = asyncio.create_task(self._write(), name=f"realtime-write-{self._record.number}")
        self.session.open(_now_ms(), fatal)
        self.pump()
        try:
            await self._read()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            writer.cancel()
            await asyncio.wait({writer})
            if self._record.close_code is None:
                self._record.closed_at_ms = _now_ms()
                self._record.close_code = self._socket.close_code

    async def _read(self) -> None:
        self._socket.listen(self._receive)
        try:
            async for message in self._socket:  # only what was sent in fragments
                self._receive(message)
        except ConnectionClosed:
            return  # dropped without a close frame: run() takes the code from the socket

    def _receive(self, message: str | bytes) -> None:
        events = self._record.received_count
        self.session.receive(_now_ms(), message)
        self.pump()
        if self._record.received_count != events:
            log.info("session %d < %s", self._record.number, self._record.received[-1].type)
            self._simulator.wake_waiters()

    def pump(self) -> None:
        """Hands what the session wants done to the writer, and sets the timer again."""
        actions = self.session.take_actions()
        if actions:
            for action in actions:
                if isinstance(action, StopReading):
                    self._socket.pause()
                    self._loop.call_later(action.duration_ms / 1000, self._socket.resume)
                else:
                    self._unsent.append(action)
                    self._log(action)
            if len(self._unsent) > MAX_UNSENT_EVENTS:
                self._drop_unread()
            self._wake.set()
            self._simulator.wake_waiters()
        due_at_ms = self.session.next_due_at_ms()
        if due_at_ms != self._armed_at_ms:
            self._arm(due_at_ms)

    def _drop_unread(self) -> None:
        """The client has not read for long; the writer hangs in a send, so the connection goes at once."""
        self.session.close(_now_ms(), 1006, "the client does not read")
        self._unsent.clear()
        self._socket.transport.abort()

    def _log(self, action: Send | Close) -> None:
        """One line an event, deltas left out; never what was said."""
        number = self._record.number
        if isinstance(action, Close):
            log.info("session %d > close %d %s", number, action.code, action.reason)
            return
        event_type = str(action.event["type"])
        if event_type == "error":
            body = action.event.get("error")
            code = body.get("code") if isinstance(body, dict) else None
            log.info("session %d > error %s", number, code)
        elif not event_type.endswith(".delta"):
            log.info("session %d > %s", number, event_type)

    def _arm(self, due_at_ms: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_at_ms = due_at_ms
        if due_at_ms is not None:
            delay_s = max(0.0, (due_at_ms - _now_ms()) / 1000)
            self._timer = self._loop.call_later(delay_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._armed_at_ms = None
        self.session.tick(_now_ms())
        self.pump()

    async def _write(self) -> None:
        socket = self._socket
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._unsent:
                    action = self._unsent.popleft()
                    if isinstance(action, Send):
                        await socket.send(orjson.dumps(action.event), text=True)
                    elif action.code == 1006:
                        socket.transport.abort()
                    else:
                        await socket.close(action.code, action.reason)
        except ConnectionClosed:
            return  # the reader sees it too and ends the connection


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


def _query(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[0]


def _loaded(chosen: str | script.Script) -> script.Script:
    return script.load(chosen) if isinstance(chosen, str) else chosen


def _now_ms() -> float:
    return time.monotonic() * 1000
