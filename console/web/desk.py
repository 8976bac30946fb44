"""What every page needs: Redis, the archive, templates, what may be shown, words for who has just done
something.

Owns: these, from the settings; the frame that all pages have in common. Must not know: any one page.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import scrypt
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

from console.archive.shelf import Shelf
from console.archive.sql import open_shelf
from console.calls.ending import Means
from console.doctor.findings import Finding
from console.recorder.files import Folder
from console.tries import Tries
from console.web.gate import Policy
from console.web.hiding import Shows
from console.web.reading import Looks
from console.web.render import Pages
from console.web.seals import Seals
from shared.clock import now_ms, wall_ms
from shared.contract.keys import Keys
from shared.figures import prices
from shared.figures.prices import Prices, PricesError
from shared.logs.log import Log
from shared.settings import Settings, SettingsError
from shared.store.client import Store

NOTES_MOST = 200
NOTE_MS = 60_000.0


@dataclass(slots=True)
class Notes:
    """Words for the page that follows a POST: they are shown once, to whoever brings their name."""

    _kept: OrderedDict[str, tuple[str, float]] = field(default_factory=OrderedDict)

    def put(self, words: str) -> str:
        """Keeps them; returns their name, for a URL."""
        name = secrets.token_urlsafe(9)
        self._kept[name] = words, now_ms()
        while len(self._kept) > NOTES_MOST:
            self._kept.popitem(last=False)
        return name

    def take(self, name: str) -> str:
        """Empty if there are none of that name, or they are old."""
        words, at_ms = self._kept.pop(name, ("", 0.0))
        return words if now_ms() - at_ms < NOTE_MS else ""


@dataclass(slots=True, kw_only=True)
class Desk:
    """Of one process."""

    settings: Settings
    store: Store
    keys: Keys
    shelf: Shelf | None
    """None: there is no archive."""
    policy: Policy
    seals: Seals
    shows: Shows
    prices: Prices
    looks: Looks
    means: Means
    log: Log
    recordings: Folder
    tries: Tries = field(default_factory=Tries)
    pages: Pages = field(default_factory=Pages)
    notes: Notes = field(default_factory=Notes)
    findings: list[Finding] = field(default_factory=list)
    """The doctor's last."""
    findings_at_ms: float | None = None

    def page(self, request: Request, name: str, **values: object) -> HTMLResponse:
        """A page, in its frame."""
        return self._framed(request, name, values, 200)

    def note(self, request: Request, status: int, title: str, words: str) -> HTMLResponse:
        """A page that says why there is no other."""
        return self._framed(request, "note.html", {"title": title, "words": words}, status)

    @property
    def may_listen(self) -> bool:
        """Whether calls may be listened to here, and recordings be had."""
        return self.policy.is_open or self.settings.web_listens

    @property
    def may_break(self) -> bool:
        """Whether calls of the telephone may be broken on purpose: a killed brain has others' calls too."""
        return self.policy.is_open and self.settings.web_breaks

    # Private.

    def _framed(self, request: Request, name: str, values: Mapping[str, object], status: int) -> HTMLResponse:
        user = user_of(request)
        frame = {
            "here": request.url.path,
            "user": user,
            "seal": self.seals.form(user, wall_ms()),
            "told": self.notes.take(request.query_params.get("did", "")),
        }
        return HTMLResponse(self.pages.make(name, **{**frame, **values}), status)


def make_desk(settings: Settings, store: Store, keys: Keys, log: Log) -> Desk:
    """By the settings. Raises SettingsError, ShelfError where the archive's driver is missing."""
    try:
        table = prices.load(settings.prices_file)
    except PricesError as error:
        raise SettingsError(error.problems) from None
    shows = Shows.of(settings.web_shows)
    token = settings.web_token.get_secret_value()
    key = _key_of(token) if token else secrets.token_bytes(32)
    return Desk(
        settings=settings,
        store=store,
        keys=keys,
        shelf=open_shelf(settings.archive_url) if settings.archive_days else None,
        policy=Policy.of(settings),
        seals=Seals(key),
        shows=shows,
        prices=table,
        looks=Looks(store, keys, with_words=shows.text),
        means=Means.of(settings),
        log=log,
        recordings=Folder(Path(settings.recordings)),
    )


def user_of(request: Request) -> str:
    """Who asks: the gate has said so."""
    found: str = request.scope["user"]
    return found


def asked(request: Request, name: str) -> str:
    """A word of the query; empty if it is not there. Bounded: it comes from outside."""
    return request.query_params.get(name, "")[:200]


# Private.


def _key_of(token: str) -> bytes:
    """With a token sessions outlive a restart, and are good at every console that has it.

    It takes long on purpose: the form at /login, which anybody is shown, has a seal made with it, by which
    words could be tried elsewhere until one is the token.
    """
    return scrypt(token.encode(), salt=b"trunkline web", n=2**14, r=8, p=1, dklen=32)
