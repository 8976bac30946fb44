"""What is pushed: parts of pages that have changed, as server-sent events.

Why it exists: a page that stays open shows what is now, and works without it. Owns: the stream, its rhythm,
that a part is sent only where it has changed, how many streams there may be. Must not know: what is in a
part.

An event's name is the part's, its data the HTML that the template made, escaped as in the page itself. A
reader that is too slow for it holds up its own stream alone: the next look waits until the last was taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from console.archive.shelf import ShelfError
from console.web import rows
from console.web.desk import Desk, asked
from console.web.oncall import CallPage
from console.web.pages import PageViews, asked_of, fleet_values
from console.web.reading import CallReader
from shared.clock import now_ms, wall_ms
from shared.store.errors import STORE_ERRORS

EVERY_S = 1.0
FLEET_TIMES = 2
"""The fleet changes less often than its calls."""

PING_EVERY_MS = 15_000.0
"""So that a proxy, and we, notice that nobody is there any more."""

LONGEST_MS = 3_600_000.0
"""Then the browser opens another one: the gate is asked again."""

STREAMS_MOST = 100

RETRY = b"retry: 2000\n\n"
OVER = b"event: over\ndata: \n\n"
"""Nothing more comes: the call has ended."""

Parts = Mapping[str, str]
"""Name of a part → its HTML."""


@dataclass(slots=True)
class EventViews:
    """Handlers, one a stream."""

    desk: Desk
    views: PageViews
    every_s: float = EVERY_S
    open_streams: int = field(default=0, init=False)

    async def live(self, request: Request) -> Response:
        """The table of live calls."""
        wanted = asked(request, "find")

        async def make() -> Parts:
            seen = await self.desk.looks.now()
            found = rows.live_table(seen, wall_ms(), self.desk.shows, wanted)
            may_listen = self.desk.may_listen
            return {"live": self.desk.pages.make("live_part.html", table=found, may_listen=may_listen)}

        return self._stream(make, self.every_s)

    async def fleet(self, request: Request) -> Response:
        """Workers and alerts."""

        async def make() -> Parts:
            values = await fleet_values(self.desk)
            return {"fleet": self.desk.pages.make("fleet_part.html", **values)}

        return self._stream(make, FLEET_TIMES * self.every_s)

    async def call(self, request: Request) -> Response:
        """The parts of one call's page, until it is over."""
        desk, wanted = self.desk, asked_of(request)
        reader = CallReader(desk.store, desk.keys, desk.shelf, request.path_params["sid"])

        async def make() -> Parts | None:
            try:
                told = await reader.read()
            except (*STORE_ERRORS, ShelfError):
                return {}  # The page says what was; the next look may be answered.
            if told is None:
                return None
            page = self.views.page_of(told, wanted)
            return {**self._parts(page), LAST: "" if page.is_live else "over"}

        return self._stream(make, self.every_s)

    # Private.

    def _parts(self, page: CallPage) -> dict[str, str]:
        return {name: self.desk.pages.make(f"call_{name}.html", page=page) for name in CALL_PARTS}

    def _stream(self, make: Callable[[], Awaitable[Parts | None]], every_s: float) -> Response:
        if self.open_streams >= STREAMS_MOST:
            return PlainTextResponse(f"{STREAMS_MOST} pages are open already\n", 503)
        return StreamingResponse(
            self._events(make, every_s),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    async def _events(
        self, make: Callable[[], Awaitable[Parts | None]], every_s: float
    ) -> AsyncGenerator[bytes, None]:
        """Cancelled when the browser has gone."""
        self.open_streams += 1
        try:
            sent: dict[str, str] = {}
            began_ms = told_ms = now_ms()
            yield RETRY
            while now_ms() - began_ms < LONGEST_MS:
                parts = await make()
                if parts is None:
                    break
                for name, html in parts.items():
                    if name != LAST and sent.get(name) != html:
                        sent[name], told_ms = html, now_ms()
                        yield event(name, html)
                if parts.get(LAST):
                    break
                if now_ms() - told_ms > PING_EVERY_MS:
                    told_ms = now_ms()
                    yield b": still here\n\n"
                await asyncio.sleep(every_s)
            else:
                return  # Too old: the browser comes again.
            yield OVER
        finally:
            self.open_streams -= 1


CALL_PARTS = ("head", "picture", "said", "turns", "used", "journal")
LAST = " last"
"""A name that no part has: whether this was the last look."""


def event(name: str, html: str) -> bytes:
    """One event. A line break in its data would end it: each line is a line of its own."""
    data = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: {name}\n{data}\n".encode()
