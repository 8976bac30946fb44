"""One Realtime session: the socket, its gate, what is said on it and heard.

Why it exists: somebody must hold the socket, and read and write at once. Owns: connecting, the order of the
gate and the seed, the bounded send queue, which events are the session's end. Must not know: the sequencer's
rules, Redis, the call. Whether another session is tried after this one is not decided here.

Raw frames both ways, and no task for either (link.py): the SDK's typed path costs ten times as much per
event, its raw one twice. The SDK's own reconnect stays off: it would open a blank session.
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
from base64 import b64decode
from binascii import b2a_base64
from collections import deque
from collections.abc import AsyncIterator, Callable

import orjson
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed

from brain.agents.agent import Agent
from brain.counters import BrainCounters
from brain.errors import EngineError
from brain.json_fields import Json, inner, read_object, text
from brain.model.engine import Listener, Opened, Opening, SeedItem, ToModel
from brain.model.realtime import translate
from brain.model.realtime.connection import CLOSE_WITHIN_S, OpenSocket, connect, end_of
from brain.model.realtime.gate import FATAL_CODES, PASSING_CODES, SESSION_EXPIRED, GateStep, SessionGate
from brain.model.realtime.headroom import RATE_UPDATED, Headroom
from brain.model.realtime.link import RealtimeLink
from brain.model.realtime.proof import Proof
from brain.model.realtime.seed import Seed
from brain.model.realtime.session import answering_session, change_of, session_config
from brain.model.realtime.updates import Updates
from brain.model.realtime.usage import ago_ms, read_usage
from brain.model.realtime.voice import VoiceLength
from brain.sequencer import actions, inputs
from shared.audio import BYTES_PER_MS
from shared.clock import now_ms, wall_ms

CONNECT_WITHIN_S = 3.0
CONFIRM_WITHIN_S = 4.0
SEED_WITHIN_S = 4.0

MAX_QUEUED_APPENDS = 50
"""Appends waiting for the socket (2 s of caller audio). Above it the caller's stream is left unread in
Redis, where XLEN shows it. Control events are few and always queued."""

MAX_QUEUED_EVENTS = 2_000
"""Beyond it the socket is taken for dead: it has not taken a byte for minutes."""


class RealtimeEngine:
    """See brain.model.engine.Engine."""

    def __init__(
        self,
        client: AsyncOpenAI,
        agent: Agent,
        opening: Opening,
        counters: BrainCounters,
        *,
        headroom: Headroom | None = None,
        now_wall_ms: Callable[[], int] = wall_ms,
    ) -> None:
        """`headroom`: who is to hear what is left of the account's rate."""
        self._client = client
        self._agent = agent
        self._opening = opening
        self._counters = counters
        self._headroom = headroom
        self._now_wall_ms = now_wall_ms
        self._socket: OpenSocket | None = None
        self._proof = Proof()
        self._gate = SessionGate(update_id=f"{opening.tag}-session")
        self._seed = Seed((), opening.tag)
        self._writes_to: RealtimeLink | None = None
        """While the session runs: what is said goes there at once, as long as the peer reads."""
        self._queue: deque[tuple[bytes, bytes | None]] = deque()
        """Events that wait, each with the caller entry up to which it has audio; None: it has none."""
        self._queued_appends = 0
        self._on_drained: Callable[[], None] | None = None
        self._voice = VoiceLength()
        self._given_bytes = 0  # Of caller audio, since the session began: what the server counts time by.
        self._out_of_band: set[str] = set()
        self._expired = False
        self._updates = Updates()
        self._changes = 0
        self._has_spoken = self._is_silenced = False
        self._told = self._config(agent, opening.tools)
        """Who the model is told to be, once it may answer."""
        self.appended_id = b""

    # Opening.

    async def open(self) -> Opened:
        """One attempt: connects and passes the gate. Cancelling it leaves a socket to `close`."""
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                self._socket = await connect(
                    self._client, self._agent.model, self._opening.headers, self._proof, self._opening.proxy
                )
        except TimeoutError as error:
            raise EngineError("connect_failed", type(error).__name__) from error
        await self._confirm(self._socket.link)
        return Opened(session_id=self._gate.session_id, life_ms=self._gate.life_ms(self._now_wall_ms()))

    async def _confirm(self, link: RealtimeLink) -> None:
        config = self._config(self._agent, self._opening.tools, answering=not self._opening.seeded)
        async with _confirming():
            while True:
                match self._gate.handle(await self._receive(link)):
                    case GateStep.SEND_UPDATE:
                        update = translate.update_session(self._gate.update_id, config)
                        link.write(orjson.dumps(update))
                    case GateStep.OPEN:
                        return
                    case GateStep.REFUSED:
                        raise self._gate.refusal
                    case GateStep.WAIT:
                        pass

    # Seeding.

    async def seed(self, items: tuple[SeedItem, ...]) -> None:
        """Sends the past, waits until it is in, then lets the server answer turns. Cancelling it leaves a
        session that knows part of it: to be closed."""
        link = self._link()
        self._seed = Seed(items, self._opening.tag)
        update_id = f"{self._opening.tag}-answering"
        try:
            async with asyncio.timeout(SEED_WITHIN_S):
                for event in self._seed.events():
                    link.write(event)
                while not self._seed.is_in:
                    self._seed.handle(await self._receive(link))
                update = translate.update_session(update_id, answering_session(self._agent))
                link.write(orjson.dumps(update))
                await self._answered(link, update_id)
        except TimeoutError:
            raise EngineError("seed_unconfirmed", f"not answered within {SEED_WITHIN_S:g} s") from None
        except ConnectionClosed as error:
            raise end_of(error, expired=False) from error
        self._counters.items_seeded += len(items)
        self._counters.seeds_refused += self._seed.refused

    async def _answered(self, link: RealtimeLink, update_id: str) -> None:
        while True:
            event = await self._receive(link)
            match text(event, "type"):
                case "session.updated":
                    return
                case "error":
                    error = inner(event, "error")
                    code = translate.error_code(event)
                    if code in FATAL_CODES or text(error, "event_id") == update_id:
                        raise EngineError("session_refused", code, fatal=code not in PASSING_CODES)
                case _:
                    pass

    async def _receive(self, link: RealtimeLink) -> Json:
        """The next event before the session runs."""
        while True:
            try:
                return read_object(await link.receive())
            except orjson.JSONDecodeError:
                self._counters.events_bad += 1

    # Another agent.

    async def become(self, agent: Agent, tools: tuple[Json, ...]) -> bool:
        """One `session.update`, or none where nothing differs. Cancelling it leaves it unknown who the model
        is."""
        told = self._config(agent, tools, answering=not self._is_silenced)
        if agent.connection != self._agent.connection:
            return False
        if told != self._told:
            change = change_of(self._told, told, has_spoken=self._has_spoken)
            if change is None:
                return False
            await self._tell_change(change)
        self._agent, self._told = agent, told
        return True

    async def _tell_change(self, change: Json) -> None:
        link, self._changes = self._link(), self._changes + 1
        update_id = f"{self._opening.tag}-agent-{self._changes}"
        update = orjson.dumps(translate.update_session(update_id, change))
        async with _confirming():
            if self._writes_to is None:
                link.write(update)
                await self._answered(link, update_id)
            else:
                answered = self._updates.awaited(update_id)
                self._queue.append((update, None))
                self._write()
                await answered

    def _config(self, agent: Agent, tools: tuple[Json, ...], *, answering: bool = True) -> Json:
        return session_config(agent, list(tools), answering=answering, call=self._opening.call)

    # Running.

    async def run(self, listener: Listener) -> EngineError:
        """Reads and writes until the session is over. Cancelling it ends both: what is queued is not sent."""
        try:
            link = self._link()
        except EngineError as error:
            return error
        over: asyncio.Future[EngineError] = asyncio.get_running_loop().create_future()

        def heard(data: bytes) -> None:
            if over.done():
                return
            try:
                end = self._heard(data, listener)
            except Exception as bug:  # noqa: BLE001 - the library would go on without it: whoever runs us hears of it
                over.set_exception(bug)
            else:
                if end is not None:
                    over.set_result(end)

        def closed(error: ConnectionClosed) -> None:
            # 1000 and 1001 are causes here too.
            if not over.done():
                over.set_result(end_of(error, expired=self._expired))

        self._writes_to = link
        link.when_it_takes_more(self._write)
        self._write()
        link.listen(heard, closed)
        try:
            return await over
        finally:
            self._writes_to = None
            link.unlisten()
            self._updates.over(EngineError("closed"))

    def _heard(self, data: bytes, listener: Listener) -> EngineError | None:
        """Takes one message; returns the session's end if that is what it is."""
        self._counters.events += 1
        self._proof.event(now_ms())
        try:
            event = read_object(data)
        except orjson.JSONDecodeError:
            self._counters.events_bad += 1
            return None
        return self._hear(event, listener)

    def _hear(self, event: Json, listener: Listener) -> EngineError | None:
        """Hands on one event; returns the session's end if that is what it is."""
        kind = text(event, "type")
        if kind == translate.AUDIO_DELTA:
            try:
                audio = b64decode(text(event, "delta"))
            except binascii.Error:
                self._counters.deltas_bad += 1
                return None
            self._has_spoken = True
            listener.on_audio(text(event, "response_id"), text(event, "item_id"), audio)
            return None
        fatal = translate.fatal_code(event)
        if fatal:
            return EngineError(fatal, "the account or the model", fatal=True)
        if kind == "error":
            code = translate.error_code(event)
            self._updates.refused(text(inner(event, "error"), "event_id"), code)
            self._hear_error(code, listener)
        elif kind == "session.updated":
            self._updates.accepted()
        elif kind == RATE_UPDATED and self._headroom is not None:
            self._headroom.heard(event)
        elif kind in ("mcp_list_tools.failed", "response.mcp_call.failed"):
            listener.on_trouble(kind.removeprefix("response.").replace(".", "_"), known=False)
        elif kind == translate.TRANSCRIPTION_FAILED:
            self._counters.transcriptions_failed += 1
            listener.on_trouble("transcription_failed", known=False)
        said = translate.read_said(event)
        if said is not None and text(event, "response_id") not in self._out_of_band:
            listener.on_said(said)
        server_tool = translate.read_server_tool(event)
        if server_tool is not None:
            listener.on_server_tool(server_tool)
        spoke_ms = self._voice.read(event, self._agent.turn_detection)
        used = read_usage(event, self._agent.model, self._agent.transcription_model)
        if used is not None:
            listener.on_usage(used)
        for input_ in translate.read_event(event, approve=self._agent.approves_mcp, spoke_ms=spoke_ms):
            if isinstance(input_, inputs.SpeechStarted | inputs.SpeechStopped):
                begins = isinstance(input_, inputs.SpeechStarted)
                given_ms = self._given_bytes / BYTES_PER_MS
                listener.on_voice(input_.item_id, begins=begins, ago_ms=ago_ms(event, given_ms))
            if isinstance(input_, inputs.ResponseCreated) and input_.out_of_band:
                self._out_of_band.add(input_.response_id)
            listener.on_input(input_)
        return None

    def _hear_error(self, code: str, listener: Listener) -> None:
        if code == SESSION_EXPIRED:
            self._expired = True  # The close that follows ends the session.
            return
        listener.on_trouble(code, known=translate.is_benign(code))

    def _write(self) -> None:
        """Sends what is queued, in order, as long as the socket takes it."""
        link = self._writes_to
        while self._queue and link is not None and link.takes_more:
            message, entry_id = self._queue.popleft()
            link.write(message)
            if entry_id is not None:
                self._appended(entry_id)
                self._queued_appends -= 1
                if self._on_drained is not None and self._queued_appends == 0:
                    drained, self._on_drained = self._on_drained, None
                    drained()

    def _appended(self, entry_id: bytes) -> None:
        if entry_id:
            self.appended_id = entry_id
            self._proof.appended(entry_id, now_ms())

    @property
    def proven_id(self) -> bytes:
        """The last caller entry that the server has, for sure."""
        return self._proof.proven_id

    def do(self, action: ToModel) -> None:
        """Queues an action."""
        if len(self._queue) >= MAX_QUEUED_EVENTS:
            raise EngineError("socket_stuck", f"{len(self._queue)} events are not sent")
        if isinstance(action, actions.TellSaid) and not self._seed.takes(action.item_id):
            return
        if isinstance(action, actions.SilenceServer):
            self._is_silenced = True  # For whomever it becomes, too.
            self._updates.sent(action.event_id)
        for event in translate.client_events(action, self._agent):
            self._queue.append((event, None))
        self._write()

    def rewrite(self, item_id: str, said: str) -> None:
        """Replaces an item that was told at its place; one that was not told is unknown here."""
        for event in self._seed.rewritten(item_id, said):
            self._queue.append((event, None))
        self._write()

    def append(self, audio: bytes, entry_id: bytes) -> bool:
        """Sends caller audio, or queues it. Base64 needs no escaping, so an append is a concatenation: a
        tenth of the cost of building JSON."""
        self._given_bytes += len(audio)
        message = b"".join((translate.APPEND_HEAD, b2a_base64(audio, newline=False), translate.APPEND_TAIL))
        link = self._writes_to
        if link is not None and not self._queue and link.takes_more:
            link.write(message)
            self._appended(entry_id)
            return True
        self._queue.append((message, entry_id))
        self._queued_appends += 1
        return self._queued_appends < MAX_QUEUED_APPENDS

    def when_drained(self, then: Callable[[], None]) -> None:
        """Calls `then` once when all queued audio was sent."""
        self._on_drained = then

    @property
    def queued_events(self) -> int:
        """Events that wait for the socket."""
        return len(self._queue)

    async def close(self) -> None:
        """Closes the socket, within a bounded time; safe to call at any moment and again. Cancelling it
        leaves the socket to its own time-outs."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        with contextlib.suppress(TimeoutError, OSError, ConnectionClosed):
            async with asyncio.timeout(CLOSE_WITHIN_S * 2):
                await socket.connection.close()

    def _link(self) -> RealtimeLink:
        if self._socket is None:
            raise EngineError("not_open", "expected an open session: call open() first")
        return self._socket.link


@contextlib.asynccontextmanager
async def _confirming() -> AsyncIterator[None]:
    """What is told inside is answered within a time limit. Raises EngineError."""
    try:
        async with asyncio.timeout(CONFIRM_WITHIN_S):
            yield
    except TimeoutError:
        reason = f"no session.updated within {CONFIRM_WITHIN_S:g} s"
        raise EngineError("session_unconfirmed", reason) from None
    except ConnectionClosed as error:
        raise end_of(error, expired=False) from error
