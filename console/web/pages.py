"""What is asked for: the pages, by GET alone. Nothing is changed here.

Owns: which page is made of what. Must not know: how it is read, hidden, drawn or pushed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from console.archive.kept import KeptCall
from console.archive.shelf import Choices, Page, Search, Shelf, ShelfError
from console.calls import audit, data, ended, firing
from console.calls.ended import EndedCall, Wanted
from console.calls.firing import Moment
from console.calls.live import LiveCall, WorkerRow
from console.recorder.files import Folder
from console.recorder.sidecar import Facts, facts
from console.story import drawing
from console.text import duration
from console.web import oncall, rows
from console.web.desk import Desk, asked
from console.web.oncall import Asked, CallPage
from console.web.reading import CallReader, Told
from console.web.rows import PastRow
from shared import caller_tag
from shared.clock import now_ms, wall_ms
from shared.contract.streams.journal import JournalEntry
from shared.store.errors import STORE_ERRORS

PAST_MOST = 50
NUMBERS = ("from_number", "to_number")
"""Of the JSON of a call."""

PREFIX = "Trunkline"
"""All rules of deploy/alerts begin so."""

NO_CHOICES = Choices(agents=[], outcomes=[], causes=[])


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAsked:
    """What stands in the form of a search."""

    since: str
    number: str
    who: str
    how: str
    why: str
    before: str

    @classmethod
    def of(cls, request: Request) -> PastAsked:
        """Of the query."""
        return cls(
            since=asked(request, "since"),
            number=asked(request, "number"),
            who=asked(request, "agent"),
            how=asked(request, "outcome"),
            why=asked(request, "cause"),
            before=asked(request, "before"),
        )

    def query(self, last: KeptCall) -> str:
        """The query of the page behind this call."""
        said = (("since", self.since), ("number", self.number), ("agent", self.who), ("outcome", self.how),
                ("cause", self.why), ("before", f"{last.ended_at_ms}-{last.call_sid}"))  # fmt: skip
        return urlencode([(name, value) for name, value in said if value])


@dataclass(frozen=True, slots=True)
class PageViews:
    """Handlers, one a page."""

    desk: Desk

    # Live.

    async def live(self, request: Request) -> Response:
        """Live calls. Cancelling is safe, as of all below."""
        seen = await self.desk.looks.now()
        found = rows.live_table(seen, wall_ms(), self.desk.shows, asked(request, "find"))
        query = urlencode({"find": found.wanted}) if found.wanted else ""
        may_listen = self.desk.may_listen
        return self.desk.page(request, "live.html", table=found, query=query, may_listen=may_listen)

    # One call.

    async def call(self, request: Request) -> Response:
        """One call, live, over, or of the archive."""
        told, problem = await self._told(request.path_params["sid"])
        recording = await asyncio.to_thread(_recording, self.desk.recordings, request.path_params["sid"])
        if told is None and recording is not None and not problem:
            return RedirectResponse(f"/recordings?find={request.path_params['sid']}", 303)
        if told is None:
            words = problem or "Nobody knows this call any more: it may be older than what is kept."
            return self.desk.note(request, 503 if problem else 404, "No such call", words)
        wanted = asked_of(request)
        page = self.page_of(told, wanted)
        query = urlencode({"span": page.span, "kinds": wanted.kinds})
        return self.desk.page(
            request,
            "call.html",
            page=page,
            asked=wanted,
            lanes=drawing.lanes(),
            query=query,
            may_listen=self.desk.may_listen,
            recording=None if page.is_live else recording,
        )

    async def call_json(self, request: Request) -> Response:
        """The same for programs: all of it, without what is hidden."""
        told, problem = await self._told(request.path_params["sid"])
        if told is None:
            return PlainTextResponse(f"{problem or 'no such call'}\n", 503 if problem else 404)
        page = self.page_of(told, Asked(is_whole=True))
        lines = [entry.record for entry in told.entries if isinstance(entry.record, JournalEntry)]
        whole = data.whole_call_data(told.call, lines, wall_ms())
        shows = self.desk.shows
        found = {
            **whole,
            "card": shows.card(told.call.fields),
            "turns": [asdict(row) for row in page.turns],
            "transcript": [asdict(row) for row in page.said],
            "usage": [asdict(row.used) for row in page.used],
        }
        for number in NUMBERS:
            if number in found:
                found[number] = shows.number(str(found[number]))
        text = json.dumps(found, ensure_ascii=False, indent=2)
        attached = {"content-disposition": f'attachment; filename="{told.call.call_sid}.json"'}
        return Response(text, media_type="application/json", headers=attached)

    def page_of(self, told: Told, wanted: Asked) -> CallPage:
        """What the page of a call shows."""
        return oncall.page_of(told, wanted, self.desk.shows, self.desk.prices, wall_ms())

    async def _told(self, sid: str) -> tuple[Told | None, str]:
        desk = self.desk
        try:
            return await CallReader(desk.store, desk.keys, desk.shelf, sid).read(), ""
        except (*STORE_ERRORS, ShelfError) as error:
            return None, str(error)

    # Fleet.

    async def fleet(self, request: Request) -> Response:
        """Workers, Redis, alerts, the doctor's findings."""
        desk, at_ms = self.desk, self.desk.findings_at_ms
        age = "" if at_ms is None else duration(now_ms() - at_ms)
        of_call = asked(request, "call")
        values = await fleet_values(desk)
        return desk.page(
            request, "fleet.html", findings=desk.findings, doctor_age=age,
            grafana=desk.settings.web_grafana_url, of_call=of_call,
            leavers=await self._leavers(of_call), **values,
        )  # fmt: skip

    async def _leavers(self, of_call: str) -> list[str]:
        """Processes that may be taken out: those of a call, or all that live."""
        look = (await self.desk.looks.now()).look
        alive = [each.name for each in look.workers if isinstance(each, WorkerRow) and each.is_alive]
        for call in look.calls:
            if call.call_sid == of_call and isinstance(call, LiveCall):
                return [name for name in call.owners.values() if name in alive]
        return alive

    # Past calls.

    async def past(self, request: Request) -> Response:
        """Calls that are over: of the archive, or of the hour that Redis keeps."""
        desk, wanted = self.desk, PastAsked.of(request)
        problem, more, choices = "", "", NO_CHOICES
        found: list[PastRow] = []
        try:
            search = self._search(wanted)
            if desk.shelf is None:
                found = await self._of_redis(search)
            else:
                kept, choices = await asyncio.to_thread(_look_up, desk.shelf, search)
                found = [rows.kept_row(call, desk.shows) for call in kept.calls]
                more = wanted.query(kept.calls[-1]) if kept.has_more else ""
        except ValueError as error:
            problem = str(error)
        except (*STORE_ERRORS, ShelfError) as error:
            problem = str(error)
        return desk.page(
            request, "past.html", rows=found, asked=wanted, choices=choices, more=more, problem=problem
        )  # fmt: skip

    def _search(self, wanted: PastAsked) -> Search:
        """Raises ValueError for a time that is none."""
        since_ms = max(0, wall_ms() - round(ended.duration_s(wanted.since) * 1000)) if wanted.since else 0
        return Search(
            since_ms=since_ms,
            before=_place(wanted.before),
            number=wanted.number,
            tags=caller_tag.tags(wanted.number, self.desk.settings),
            agent=wanted.who,
            outcome=wanted.how,
            cause=wanted.why,
            limit=PAST_MOST,
        )

    async def _of_redis(self, search: Search) -> list[PastRow]:
        desk = self.desk
        wanted = Wanted(
            since_ms=search.since_ms, number=search.number, outcome=search.outcome, limit=search.limit
        )
        found = (await ended.read_ended(desk.store, desk.keys, wanted)).calls
        return [rows.ended_row(call, desk.shows) for call in found if isinstance(call, EndedCall)]

    # The rest.

    async def who_did_what(self, request: Request) -> Response:
        """The audit stream, the newest first."""
        try:
            deeds = await audit.newest(self.desk.store)
        except STORE_ERRORS as error:
            return self.desk.note(request, 503, "Redis does not answer", str(error))
        return self.desk.page(request, "audit.html", deeds=deeds)

    async def login(self, request: Request) -> Response:
        """The form that asks for the token; who needs none is led on."""
        if not self.desk.policy.token or request.scope["user"]:
            return RedirectResponse("/", 303)
        return self.desk.page(request, "login.html")


async def healthz(_request: Request) -> Response:
    """The loop answers."""
    return PlainTextResponse("ok\n")


async def fleet_values(desk: Desk) -> dict[str, object]:
    """What the part of the fleet's page that is pushed shows. Never raises for Redis's fault."""
    seen = await desk.looks.now()
    redis: list[tuple[str, str]] = []
    has_janitor, apologies = True, 0
    if not seen.trouble:
        try:
            redis = redis_lines(list((await desk.store.infos()).values()))
            has_janitor = await _has_janitor(desk)
            apologies = await desk.looks.apologies()
        except STORE_ERRORS as error:
            redis = [("INFO", f"not answered ({type(error).__name__})")]
    calls, workers = seen.look.calls, seen.look.workers
    moment = Moment(
        calls=calls, workers=workers, has_janitor=has_janitor, apologies=apologies, lost=seen.trouble
    )
    values: dict[str, object] = {}
    values.update(
        groups=rows.fleet(workers, calls),
        firing=firing.firing(moment),
        looked_at=[name.removeprefix(PREFIX) for name in firing.LOOKED_AT],
        redis=redis,
        live_calls=len(calls),
        taken_over=rows.taken_over(calls),
        trouble=seen.trouble,
    )
    return values


REDIS_WORDS = (
    ("redis_version", "version"),
    ("used_memory_human", "memory"),
    ("maxmemory_human", "at most"),
    ("connected_clients", "clients"),
    ("instantaneous_ops_per_sec", "commands a second"),
    ("uptime_in_seconds", "up, s"),
)


def redis_lines(infos: Sequence[Mapping[str, object]]) -> list[tuple[str, str]]:
    """What Redis says of itself; of a Cluster, what each master says, in the same order in each line."""
    found = []
    for key, words in REDIS_WORDS:
        said = [str(info[key]) for info in infos if key in info]
        if said:
            found.append((words, said[0] if len(set(said)) == 1 else ", ".join(said)))
    return found


def asked_of(request: Request) -> Asked:
    """What of a call a query asks for."""
    at = asked(request, "at")
    return Asked(
        span=asked(request, "span"),
        at_ms=int(at) if at.isdecimal() and len(at) < 16 else None,
        kinds=asked(request, "kinds")[:40],
    )


# Private.


def _place(text: str) -> tuple[int, str] | None:
    """Behind which call a page begins; None: with the newest."""
    at_ms, _, call_sid = text.partition("-")
    return (int(at_ms), call_sid) if at_ms.isdecimal() and len(at_ms) < 16 else None


def _recording(folder: Folder, sid: str) -> Facts | None:
    """What stands beside the sound of a call; None: there is no recording of it."""
    return None if folder.sound(sid) is None else facts(folder.told(sid) or {})


async def _has_janitor(desk: Desk) -> bool:
    names = [desk.keys.janitor(lane) for lane in range(desk.keys.lanes)]
    return await desk.store.exists(*names) == len(names)


def _look_up(shelf: Shelf, search: Search) -> tuple[Page, Choices]:
    return shelf.find(search), shelf.choices()
