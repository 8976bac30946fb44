"""Listening on a page of the web console: a socket that brings both sides of a call, and what was recorded.

Why it exists: whoever looks at a call in trouble wants to hear it; and a recording outlives all else that
is known of its call. Owns: who may, how many at once, what a
page that does not keep up meets. Must not know: how the page plays it.

The socket is opened with the seal of a form of that page, so that no page of another site can; what comes
down it are pieces: the left side, then the right, µ-law, equally long.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.calls import audit
from console.listen.sound import NotToBeHeard, pieces
from console.recorder import sidecar
from console.recorder.files import Folder
from console.text import NONE
from console.web import gate
from console.web.desk import Desk, asked, user_of
from console.web.guard import visit_of
from console.web.hiding import Shows
from console.web.rows import short_sid
from shared.clock import wall_ms
from shared.contract.keys import CALL_SID
from shared.contract.streams.audit import Deed
from shared.store.errors import STORE_ERRORS

LISTENERS_MOST = 8
"""Of this console at once."""

SENT_WITHIN_S = 5.0
"""A page that does not take a piece for so long is not there."""

RECORDINGS_MOST = 50

POLICY_VIOLATION, TRY_LATER, OVER = 1008, 1013, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """One recording."""

    call_sid: str
    short: str
    ended_at_ms: int
    """0: nobody knows."""
    caller: str
    called: str
    agent: str
    facts: sidecar.Facts


@dataclass(slots=True)
class ListenViews:
    """Handlers."""

    desk: Desk
    folder: Folder
    listeners: int = field(default=0, init=False)

    async def sound(self, socket: WebSocket) -> None:
        """A live call, for as long as the page is there."""
        desk, sid, user = self.desk, socket.path_params["sid"], str(socket.scope["user"])
        seal = socket.query_params.get("seal", "")
        is_ours = not gate.why_foreign(visit_of(socket.scope)) and desk.seals.is_form(user, seal, wall_ms())
        if not is_ours or not desk.may_listen or CALL_SID.fullmatch(sid) is None:
            await socket.close(POLICY_VIOLATION)
            return
        await socket.accept()
        if self.listeners >= LISTENERS_MOST:
            await socket.close(TRY_LATER)
            return
        self.listeners += 1
        try:
            await self._note(user, sid)
            gone = asyncio.Event()
            sending = asyncio.create_task(self._send(socket, sid, gone), name="listen_sends")
            reading = asyncio.create_task(self._read(socket), name="listen_reads")
            try:
                await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.set()
                for task in (sending, reading):
                    task.cancel()
                await asyncio.wait({sending, reading})
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # The page has gone.
                await socket.close(OVER)
        finally:
            self.listeners -= 1

    async def recording(self, request: Request) -> Response:
        """The recording of a call that is over. Cancelling is safe."""
        desk, sid = self.desk, request.path_params["sid"]
        path = await asyncio.to_thread(self.folder.sound, sid) if desk.may_listen else None
        if path is None:
            words = "There is none here" if desk.may_listen else "TRUNKLINE_WEB_LISTENS does not allow it"
            return desk.note(request, 404 if desk.may_listen else 403, "No recording", f"{words}.")
        await self._note(user_of(request), sid, "its recording")
        return FileResponse(path, media_type="audio/wav", filename=path.name)

    async def recordings(self, request: Request) -> Response:
        """All that are on this host, whatever else is known of their calls. Cancelling is safe."""
        desk, wanted = self.desk, asked(request, "find")
        found = await asyncio.to_thread(self.folder.newest, RECORDINGS_MOST + 1, wanted)
        rows = [_row(sid, told, desk.shows) for sid, told in found[:RECORDINGS_MOST]]
        return desk.page(
            request, "recordings.html", rows=rows, wanted=wanted, may_listen=desk.may_listen,
            has_more=len(found) > RECORDINGS_MOST,
        )  # fmt: skip

    async def sidecar(self, request: Request) -> Response:
        """What stands beside a recording, for programs: without what is hidden. Cancelling is safe."""
        sid = request.path_params["sid"]
        told = await asyncio.to_thread(self.folder.told, sid)
        if told is None:
            return PlainTextResponse("no such recording\n", 404)
        shown = self.desk.shows.card({name: value for name, value in told.items() if isinstance(value, str)})
        found = {
            name: shown.get(name, value)
            for name, value in told.items()
            if name in shown or not isinstance(value, str)
        }
        text = json.dumps(found, ensure_ascii=False, indent=2)
        attached = {"content-disposition": f'attachment; filename="{sid}.recording.json"'}
        return Response(text, media_type="application/json", headers=attached)

    # Private.

    async def _send(self, socket: WebSocket, sid: str, gone: asyncio.Event) -> None:
        ends = (WebSocketDisconnect, RuntimeError, OSError, TimeoutError, NotToBeHeard, *STORE_ERRORS)
        with contextlib.suppress(*ends):  # Each ends the listening, and the socket's close says so.
            async for piece in pieces(self.desk.store, self.desk.keys, sid, lambda: not gone.is_set()):
                async with asyncio.timeout(SENT_WITHIN_S):
                    await socket.send_bytes(piece.caller + piece.heard)

    async def _read(self, socket: WebSocket) -> None:
        """Until the page has gone: it says nothing else."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass

    async def _note(self, user: str, sid: str, words: str = "") -> None:
        by = f"web:{user}"
        self.desk.log.info("deed", deed=Deed.LISTEN.value, by=by, of=sid, ok=True)
        await audit.note(self.desk.store, Deed.LISTEN, by=by, of=sid, words=words)


def _row(sid: str, told: sidecar.Told, shows: Shows) -> RecordingRow:
    return RecordingRow(
        call_sid=sid,
        short=short_sid(sid),
        ended_at_ms=sidecar.ended_ms(told),
        caller=shows.number(sidecar.word(told, "from")) or NONE,
        called=shows.number(sidecar.word(told, "to")) or NONE,
        agent=sidecar.word(told, "agent") or NONE,
        facts=sidecar.facts(told),
    )
