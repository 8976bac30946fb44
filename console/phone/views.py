"""The page of the telephone, and its socket.

Why it exists: the page is behind the same gate as all others, and its socket may be opened by no page of
anybody else's. Owns: who may call, how many at once, what a page that does not keep up meets. Must not know:
what a call is told to do (exchange), sound.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.calls import audit
from console.phone import wire
from console.phone.exchange import BrowserCall, Exchange, NoExchange
from console.phone.killing import kill_brain
from console.phone.wire import KILL, BadMessage, Break, Bye, How, Kill, State
from console.web import gate
from console.web.desk import Desk
from console.web.guard import visit_of
from shared.clock import wall_ms
from shared.contract.errors import ContractError
from shared.contract.speech import SpeechBook
from shared.contract.streams.audit import Deed
from shared.ownership.steps import read_speech_book
from shared.store.errors import STORE_ERRORS

CALLS_MOST = 8
"""Calls of this console at once."""

QUEUE_MOST = 750
"""Messages that the page has not taken: fifteen seconds. A page that is further behind is not listened to."""

ENDS_WITHIN_S = 10.0
"""The last webhook of a call whose page has gone."""

AGENT_MOST_CHARS = 100

POLICY_VIOLATION, TRY_LATER = 1008, 1013

NO_BOOK = SpeechBook(agents={}, numbers={})

WAYS: dict[str, str] = {
    How.STALL: "stall for 2 s", How.DROP: "drop frames for 5 s", How.CUT: "cut the stream",
    KILL: "kill its brain",
}  # fmt: skip
"""To break a call, in words."""


@dataclass(slots=True)
class PhoneViews:
    """Handlers."""

    desk: Desk
    live: int = field(default=0, init=False)

    async def page(self, request: Request) -> Response:
        """The telephone. Cancelling is safe."""
        problem = ""
        try:
            Exchange.of(self.desk.settings)
        except NoExchange as error:
            problem = str(error)
        return self.desk.page(
            request, "phone.html", agents=sorted((await self._book()).agents), problem=problem,
            can_break=self.desk.may_break, ways=WAYS,
        )  # fmt: skip

    async def media(self, socket: WebSocket) -> None:
        """One call, for as long as its page is there."""
        user = str(socket.scope["user"])
        why_not = self._why_not(socket, user)
        if why_not == TRY_LATER:
            await socket.accept()  # So that the page can say why.
        if why_not:
            await socket.close(why_not)
            return
        self.live += 1  # Before anything is waited for: whoever comes meanwhile counts it.
        try:
            exchange = Exchange.of(self.desk.settings)
            agent = socket.query_params.get("agent", "")[:AGENT_MOST_CHARS]
            called = (await self._book()).number_of(agent) if agent else ""
            await socket.accept()
            await _Conversation(self.desk, socket, user, exchange, agent, called).run()
        finally:
            self.live -= 1

    # Private.

    def _why_not(self, socket: WebSocket, user: str) -> int:
        """The code that the socket is refused with; 0: it is not."""
        seal = socket.query_params.get("seal", "")
        if gate.why_foreign(visit_of(socket.scope)) or not self.desk.seals.is_form(user, seal, wall_ms()):
            return POLICY_VIOLATION
        try:
            Exchange.of(self.desk.settings)
        except NoExchange:
            return POLICY_VIOLATION
        return TRY_LATER if self.live >= CALLS_MOST else 0

    async def _book(self) -> SpeechBook:
        """Agents and their numbers, as brains tell them; none while nobody does."""
        try:
            return await read_speech_book(self.desk.store) or NO_BOOK
        except (*STORE_ERRORS, ContractError):
            return NO_BOOK


class _Conversation:
    """A page and its call."""

    def __init__(
        self, desk: Desk, socket: WebSocket, user: str, exchange: Exchange, agent: str, called: str
    ) -> None:
        self._desk, self._socket, self._user = desk, socket, user
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_MOST)
        self._call = BrowserCall(exchange, agent, called, self._put)

    async def run(self) -> None:
        call = self._call
        await self._note(Deed.PHONE, f"agent {call.agent}" if call.agent else "")
        reading = asyncio.create_task(self._read(), name="phone_reads")
        writing = asyncio.create_task(self._write(), name="phone_writes")
        calling = asyncio.create_task(call.run(), name="phone_call")
        try:
            await asyncio.wait({reading, calling}, return_when=asyncio.FIRST_COMPLETED)
            call.hang_up()
            await asyncio.wait({calling}, timeout=ENDS_WITHIN_S)
            with contextlib.suppress(asyncio.QueueFull):  # A page that takes nothing needs no end either.
                self._queue.put_nowait(None)
            await asyncio.wait({writing}, timeout=1.0)
        finally:
            for task in (reading, writing, calling):
                task.cancel()
            await asyncio.wait({reading, writing, calling})
        _raise_from(calling)

    # Private.

    def _put(self, message: bytes) -> None:
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._call.hang_up()

    async def _read(self) -> None:
        while True:
            try:
                message = wire.read_page(await self._socket.receive_text())
            except (WebSocketDisconnect, KeyError):  # KeyError: bytes, where the page sends text.
                return
            except BadMessage as error:
                self._put(wire.told(State.OVER, words=str(error)))
                return
            match message:
                case Bye():
                    self._call.hang_up()
                case Break() | Kill():
                    if self._desk.may_break:
                        await self._break(message)
                case _:
                    self._call.from_page(message)

    async def _break(self, message: Break | Kill) -> None:
        desk, sid = self._desk, self._call.call_sid
        if isinstance(message, Break):
            await self._note(Deed.BREAK, message.how.value)
            self._call.break_it(message.how)
            return
        is_dead = False
        with contextlib.suppress(*STORE_ERRORS):  # The call goes on, and says itself that Redis is away.
            is_dead = await kill_brain(desk.store, desk.keys, sid)
        await self._note(Deed.BREAK, KILL, ok=is_dead)

    async def _write(self) -> None:
        """Until there is no more, or nobody to take it: that the page has gone is seen where it is read."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            while (message := await self._queue.get()) is not None:
                await self._socket.send_text(message.decode())
            await self._socket.close()

    async def _note(self, deed: Deed, words: str, *, ok: bool = True) -> None:
        by = f"web:{self._user}"
        self._desk.log.info("deed", deed=deed.value, by=by, of=self._call.call_sid, ok=ok)
        with contextlib.suppress(*STORE_ERRORS):  # The call says itself that Redis is away.
            await audit.note(self._desk.store, deed, by=by, of=self._call.call_sid, words=words, ok=ok)


def _raise_from(task: asyncio.Task[str]) -> None:
    """What was wrong with the call, if that was a fault of ours."""
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
