"""The guard: in front of every request, and headers on every answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from console.tries import PEER_AT_ONCE
from console.web.gate import Policy
from console.web.guard import COOKIE, CSP, HEADERS, OPEN_PATHS, Guard
from console.web.seals import SESSION_MS, Seals
from shared.settings import load
from tests.console.web.desks import HERE

TOKEN = "a-token-of-some-length"
SEALS = Seals(b"key")
AT_MS = 1_700_000_000_000


async def hello(request: Request) -> Response:
    return PlainTextResponse(f"user={request.scope['user']}")


def client(**settings: Any) -> httpx.AsyncClient:
    """Of an application with one page behind the guard, and those in front of it."""
    routes = [Route(path, hello, methods=["GET", "POST"]) for path in ("/", *OPEN_PATHS)]
    guard = Middleware(
        Guard, policy=Policy.of(load(env_file=None, **settings)), seals=SEALS, clock=lambda: AT_MS
    )
    app = Starlette(routes=routes, middleware=[guard])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HERE)


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/nowhere", 404), ("/login", 200)])
async def test_every_answer_has_the_headers(path: str, status: int) -> None:
    """Refusals too: nothing of ours is framed, sniffed, scripted from elsewhere, or kept."""
    for settings in ({}, {"web_token": TOKEN}):
        async with client(**settings) as http:
            answer = await http.get(path)
            assert answer.status_code == status or settings
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert answer.headers["cache-control"] == "no-store"


def test_the_policy_allows_nothing_inline_and_nobody_else() -> None:
    """A word of a caller that became an element would still do nothing."""
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert "*" not in CSP
    assert CSP.startswith("default-src 'none'")
    for rule in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'"):
        assert rule in CSP.split("; ")


async def test_what_never_changes_may_be_kept_if_it_is_asked_for_again() -> None:
    """Style and script."""
    async with client() as http:
        assert (await http.get("/static/style.css")).headers["cache-control"] == "no-cache"


async def test_a_name_that_leads_here_is_turned_away_everywhere() -> None:
    """From the form for the token too."""
    async with client() as http:
        for path in ("/", *OPEN_PATHS):
            answer = await http.get(path, headers={"host": "rebound.example"})
            assert answer.status_code == 421
            assert "user=" not in answer.text


async def test_whoever_has_no_token_is_asked_for_it() -> None:
    """A browser is led to the form; a program, and whoever posts, is told."""
    async with client(web_token=TOKEN) as http:
        led = await http.get("/", headers={"accept": "text/html,*/*"})
        assert (led.status_code, led.headers["location"]) == (303, "/login")
        assert (await http.get("/", headers={"accept": "*/*"})).status_code == 401
        assert (await http.post("/", headers={"accept": "text/html"})).status_code == 401
        assert (await http.get("/login")).text == "user="


async def test_a_session_is_believed_for_its_time() -> None:
    """Ours alone."""
    async with client(web_token=TOKEN) as http:
        good = SEALS.session(AT_MS - SESSION_MS + 1)
        for session, status in ((good, 200), (SEALS.session(AT_MS - SESSION_MS), 401), ("1.x", 401)):
            answer = await http.get("/", headers={"cookie": f"a=b; {COOKIE}={session}"})
            assert answer.status_code == status


@pytest.mark.parametrize("cookie", ["\x01=;;;", f"{COOKIE}", f'{COOKIE}="', "=" * 500])
async def test_a_cookie_that_is_none_lets_nobody_in(cookie: str) -> None:
    """And breaks nothing."""
    async with client(web_token=TOKEN) as http:
        assert (await http.get("/", headers={"cookie": cookie})).status_code == 401


async def test_a_socket_is_behind_it_too() -> None:
    """Its handshake is refused; with a token it gets to the application, with its user."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    guard = Guard(app, Policy.of(load(env_file=None, web_token=TOKEN)), SEALS)
    scope: Scope = {
        "type": "websocket", "path": "/phone/media", "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1:8081")],
    }  # fmt: skip
    await guard(dict(scope), receive, send)
    assert ([message["type"] for message in sent], seen) == (["websocket.close"], [])

    scope["headers"].append((b"authorization", f"Bearer {TOKEN}".encode()))
    await guard(dict(scope), receive, send)
    assert [each["user"] for each in seen] == ["token"]


async def test_tokens_in_a_header_are_tried_so_often_and_no_oftener() -> None:
    """On every path: an answer that tells right from wrong is one. A session goes on, a proxy's user too."""
    async with client(web_token=TOKEN, web_user_header="x-user", web_proxies="10.0.0.7") as http:
        wrong = {"authorization": "Bearer guessed"}
        for _ in range(PEER_AT_ONCE):
            assert (await http.get("/", headers=wrong)).status_code == 401
        for path in ("/", "/login"):
            for token in ("guessed", TOKEN):
                answer = await http.get(path, headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == 429
                assert int(answer.headers["retry-after"]) > 0
        assert (await http.get("/")).status_code == 401  # Who shows none is asked for it.
        session = {"cookie": f"{COOKIE}={SEALS.session(AT_MS)}", **wrong}
        assert (await http.get("/", headers=session)).text == "user=token"


async def test_wrong_tokens_leave_one_line() -> None:
    """Whoever guesses does not fill the log."""
    with capture_logs() as lines:
        async with client(web_token=TOKEN) as http:
            for _ in range(PEER_AT_ONCE):
                await http.get("/", headers={"authorization": "Bearer guessed"})
    assert [(line["event"], line["tries"]) for line in lines] == [("tokens_refused", 1)]
