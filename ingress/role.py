"""The ingress role: the public port, put together and taken apart in order.

Why it exists: uvicorn serves HTTP and hands over upgrades, the skeleton gives the process, the switchboard
the calls; here they are joined. Owns: the drain (what stops first, what is waited for, what is moved), which
carrier's wire is spoken. Must not know: what a request or a message means.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial
from http import HTTPStatus

import uvicorn
from starlette.applications import Starlette

from ingress.calls.departures import Departures
from ingress.calls.holding import Holding
from ingress.calls.registry import Registry
from ingress.calls.strays import Strays
from ingress.calls.switchboard import Switchboard
from ingress.counters import CallCounters, RescueCounters, SocketCounters, WebhookCounters
from ingress.janitor.sweep import Janitor
from ingress.media import twilio
from ingress.media.gate import CloseCode
from ingress.media.protocol import MediaProtocol, TextSink, media_protocol_class
from ingress.media.strangers import Strangers
from ingress.rescue.api import CallsApi
from ingress.rescue.rescuer import Rescuer, calls_of
from ingress.web.admission import Admission
from ingress.web.announcer import Announcer
from ingress.web.door import Doorkeeper, Doorway
from ingress.web.http_protocol import http_protocol_class
from ingress.web.listening import BACKLOG, is_about_host, public_listener
from ingress.web.overload.load import LoadWatch
from ingress.web.readiness import readiness_route
from ingress.web.routes import Webhooks
from ingress.web.signature import Check, Signatures
from ingress.web.store_turns import StoreTurns
from shared import public_port
from shared.clock import now_ms
from shared.contract.errors import EntryError
from shared.contract.streams.control import MOVING
from shared.contract.streams.doorbell import Why, read_ring
from shared.exit_codes import Exit
from shared.process.admin import OwnSignalsServer
from shared.process.host import who_listens
from shared.process.role import Process
from shared.process.tasks import cancel_all, comes_first
from shared.settings import environment_name
from shared.store.inbox import Entry

MEDIA_PATHS = frozenset({"/media", "/media/"})
HTTP_CONNECTIONS_MAX = 1024
"""Webhook connections at once; more are answered 503. Media sockets are not among them."""

REQUEST_HEADERS_MAX_BYTES = 16 * 1024
KEEP_ALIVE_S = 15
CLOSED_WITHIN_S = 3.0
"""From our close frames to the last detach, when the process ends."""

SERVER_WITHIN_S = 2.0

PORT_WITHIN_MS = 20_000.0
"""So long a process whose supervisord has died keeps the port open for the next one's, beyond its drain."""

LOOK_AGAIN_S = 1.0
"""How often a process that drains looks who else is there."""

MOVE_STEP_S = 0.025

REDIS_WITHIN_MS = 10_000.0
"""So long calls stay here for the sake of a Redis that is away: they hear what there is, our clip at
least."""


class IngressRole:
    """See `shared.process.role.Role`. It is also the Front of every media socket."""

    starts_without_redis = True

    def __init__(self, process: Process, *, held: str = "") -> None:
        """`held`: the public socket, as tcp://host:port, where another process holds it."""
        self.own_streams = tuple(process.keys.out(process.name, lane) for lane in process.keys.ways)
        settings = process.settings
        self._process = process
        self._held = held
        self._signatures = Signatures(settings.auth_tokens)
        self.counters = SocketCounters()
        self.strangers = Strangers()
        self.send_buffer_bytes = settings.socket_send_buffer_bytes
        calls, hooks = CallCounters(), WebhookCounters()
        admission = Admission(settings, process.store, process.keys)
        registry = Registry(process, calls)
        self._door = Doorkeeper(process)
        self._announcer = Announcer(settings, process.store, process.ownership, process.log)
        self.switchboard = Switchboard(process, registry, admission.judge, twilio, calls, self.counters)
        table = self.switchboard.table
        self._strays = Strays(process, table, registry, calls)
        self._holding = Holding(process, table, calls, admission.name_of)
        self._load = LoadWatch(process, table)
        self._janitor = Janitor(process)
        self._webhooks = Webhooks(
            settings=settings,
            store=process.store,
            keys=process.keys,
            admission=admission,
            load=self._load,
            door=self._door,
            announcer=self._announcer,
            registry=registry,
            signatures=self._signatures,
            counters=hooks,
            ownership=process.ownership,
            log=process.log,
            spawn_for=process.spawn_for,
            turns=StoreTurns(lambda sid: process.outbox.lane_away_since_ms(process.keys.lane(sid))),
        )
        self._api = CallsApi(settings)
        rescued = RescueCounters()
        self.rescuer = Rescuer(
            process, self._api, partial(calls_of, process), self.switchboard.attaching.lost, rescued
        )
        process.neighbours.on_dead = self.rescuer.on_dead
        process.neighbours.on_back = self.rescuer.ingress_alive
        process.metrics.add("sockets", self.counters)
        process.metrics.add("strangers", self.strangers.counters)
        process.metrics.add("calls", calls)
        process.metrics.add("webhooks", hooks)
        process.metrics.add("rescue", rescued)
        process.metrics.add("hop", self.switchboard.hops)
        self._server: OwnSignalsServer | None = None
        self._serving: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._parent = os.getppid()
        self._passed_on = asyncio.Event()
        """Who holds the port has it from us."""
        self._moves_by_ms = 0.0
        self.port = 0
        """The port that is listened on: PORT, or that of an inherited socket."""

    # Role.

    async def start(self) -> None:
        """Listens. Raises SystemExit with its own code if the port cannot be opened. Never cancelled."""
        settings = self._process.settings
        try:
            listener = await asyncio.to_thread(public_listener, settings, self._held)
        except OSError as error:
            setting = "host" if is_about_host(error) else "port"
            self._process.log.error(
                "listen_failed",
                setting=environment_name(setting),
                host=settings.host,
                port=settings.port,
                by=who_listens(settings.port),
                reason=str(error),
            )
            raise SystemExit(Exit.LISTEN) from None
        if self._held:
            self._process.spawn(public_port.offer(self._held, listener.dup(), self._passed_on), "port")
        name = listener.getsockname()
        self.port = name[1] if isinstance(name, tuple) else 0
        self.switchboard.open()
        process = self._process
        process.spawn(self._announcer.run(), "announcer")
        process.spawn(self._strays.look_on(), "strays")
        process.spawn(self._holding.run(), "holding")
        process.spawn(self._load.run(), "load")
        process.spawn(self._janitor.run(), "janitor")
        process.spawn(self.rescuer.run(), "rescuer")
        for lane, inbox in enumerate(process.inboxes):
            inbox.watch(process.keys.wake(lane, process.name), "0", self._receive_rings)
        self._server = OwnSignalsServer(self._config())
        self._serving = self._process.spawn(self._server.serve(sockets=[listener]), "public")
        while not self._server.started and not self._serving.done():  # noqa: ASYNC110 - its only sign
            await asyncio.sleep(0.01)
        self._process.log.info("listening", port=self.port)

    async def drain(self) -> None:
        """Calls go on until they end, or nobody is there to serve them. While a sibling on this host takes
        what comes, nothing more is listened for; else Twilio is answered for the calls that are here, and new
        ones are refused. If supervisord has died, and the holder of the port with it, the port is kept open
        until the next one's holder has it. Cancelling is safe: they go on."""
        self._passed_on.clear()
        looking = self._step_aside()
        emptied = asyncio.create_task(self.switchboard.table.emptied())
        try:
            if not await comes_first(emptied, self._door.deserted):
                self._process.log.warning(
                    "drain_deserted", calls=self.live_calls(), hint="no brain, or no egress, is left"
                )
            if self._is_orphan:
                await self._passed_on.wait()
        finally:
            await cancel_all([looking, emptied])

    async def stop(self) -> None:
        """Moves what is left, each at a quiet moment, one after the other: the carrier asks /voice/resume of
        a sibling, and streams there. Without one it asks whoever listens next, so all go at once: the sooner
        this process has ended, the sooner they are heard again. Never cancelled."""
        has_calls = bool(self.switchboard.table.streams)
        self._moves_by_ms = now_ms() + REDIS_WITHIN_MS
        while self.switchboard.table.streams and not self._may_move():  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(MOVE_STEP_S)
        await self._keep_port()
        is_urgent = self._is_urgent
        if self._door.state is Doorway.OPEN and has_calls and not is_urgent:
            await self._door.look()
        self._stop_listening()
        if self._door.state is not Doorway.SHUT and not is_urgent:
            await self._move()
        self.switchboard.close_all(CloseCode.GOING_AWAY, MOVING)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSED_WITHIN_S):
                await self.switchboard.table.emptied()
        self.switchboard.shut()
        await self._api.close()
        if self._server is not None and self._serving is not None:
            self._server.end()
            await asyncio.wait({self._serving}, timeout=SERVER_WITHIN_S)

    def live_calls(self) -> int:
        """Calls that are served here."""
        return self.switchboard.table.live_calls()

    def not_ready(self) -> str:
        """Why no new call should come here; empty when ready."""
        return "" if self._server is not None and self._server.started else "not listening"

    # Front.

    def refuse_upgrade(self, path: str, signature: str | None) -> HTTPStatus | None:
        """Before the 101: path, then signature. Who ends serves no stream any more."""
        if self._server is None or self._server.should_exit:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if path not in MEDIA_PATHS:
            self.counters.refused_path += 1
            return HTTPStatus.NOT_FOUND
        check = self._signatures.check_handshake(self._process.settings.stream_url, signature)
        if check is not Check.OK:
            self.counters.refused_signature += 1
            self._webhooks.note_refused("upgrade_refused", path, check)
            return HTTPStatus.FORBIDDEN
        return None

    def opened(self, media: MediaProtocol) -> TextSink:
        """A media stream for a new socket."""
        return self.switchboard.socket_opened(media)

    # Private.

    def _step_aside(self) -> asyncio.Task[None]:
        """Looks from here on who takes new calls instead: the one task that does."""
        if self._looking is None or self._looking.done():
            self._looking = self._process.spawn(self._look(), "door")
        return self._looking

    async def _look(self) -> None:
        while True:
            if await self._door.look() is Doorway.SIBLING:
                self._stop_listening()
            await asyncio.sleep(LOOK_AGAIN_S)

    @property
    def _is_urgent(self) -> bool:
        return self._process.forced.is_set() or self._process.fatal is not None

    @property
    def _is_orphan(self) -> bool:
        """Whether supervisord has died, and with it the holder of the port that is ours."""
        return bool(self._held) and os.getppid() != self._parent

    async def _keep_port(self) -> None:
        """Beyond the drain too, until the next one's holder has it; not for ever, and not if there is
        haste."""
        until_ms = now_ms() + PORT_WITHIN_MS
        while (  # noqa: ASYNC110 - a signal and a clock end it too
            self._is_orphan and not self._passed_on.is_set() and not self._is_urgent and now_ms() < until_ms
        ):
            await asyncio.sleep(MOVE_STEP_S)

    def _may_move(self) -> bool:
        """Whether who is moved is told how to go on: what /voice/resume answers is in Redis. Without it they
        would hear the apology."""
        now = now_ms()
        return self._is_urgent or now >= self._moves_by_ms or self.switchboard.redis_knows(now)

    async def _move(self) -> None:
        """Closes one stream after the other, until none is left or a second signal comes."""
        table = self.switchboard.table
        departures = Departures(len(table.streams), now_ms())
        while not self._is_urgent:
            if self._may_move():
                self.switchboard.close_some(departures, now_ms())
            if all(stream.has_ended for stream in table.streams):
                return
            await asyncio.sleep(MOVE_STEP_S)

    def _stop_listening(self) -> None:
        """Whoever shares the port, or holds it, has what comes from here on."""
        if self._server is not None:
            for server in self._server.servers:
                server.close()

    def _receive_rings(self, entries: list[Entry]) -> None:
        """The sink of the doorbell: nobody rings here but to take this process out."""
        process = self._process
        for _, fields in entries:
            try:
                ring = read_ring(fields)
            except EntryError as error:
                process.ownership.contract_errors += 1
                process.log.error("contract_error", record=error.record, field=error.field, reason=str(error))
                continue
            if ring.why is Why.DRAIN:
                self._step_aside()
                process.begin_drain()

    def _config(self) -> uvicorn.Config:
        app = Starlette(routes=[*self._webhooks.routes(), readiness_route(self._process, self.not_ready)])
        app.router.redirect_slashes = False
        return uvicorn.Config(
            app,
            http=http_protocol_class(self.counters, self.strangers),
            ws=media_protocol_class(self, self.strangers),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=HTTP_CONNECTIONS_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=REQUEST_HEADERS_MAX_BYTES,
        )
