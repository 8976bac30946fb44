"""The gate in front of every request, and the headers of every answer: ASGI middleware.

Why it exists: a page that was added in a hurry must be behind the gate too, and nothing of ours may be
framed, sniffed or scripted from elsewhere. Owns: what of a request the gate is shown, what a visitor without
a token gets, the headers. Must not know: the rules (gate), pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.tries import Tries
from console.web import gate
from console.web.gate import Admitted, Policy, Refused, Visit
from console.web.seals import Seals
from shared.clock import wall_ms
from shared.logs.log import Log, get_log

COOKIE = "trunkline_session"
LOGIN = "/login"
OPEN_PATHS = frozenset({LOGIN, "/healthz", "/static/style.css", "/static/icon.svg"})
"""What is shown before the token: the form that asks for it."""

WRONG_NAME = 421
TOO_MANY = 429
TRY_LATER = "so many wrong tokens were shown: try again later"

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""No inline script, no inline style, no other host: what a page of ours does not bring itself is not
loaded."""

# With the referrer policy "no-referrer" a browser says of our own forms that their origin is null.
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """Around the whole application."""

    app: ASGIApp
    policy: Policy
    seals: Seals
    tries: Tries = field(default_factory=Tries)
    log: Log = field(default_factory=get_log)
    clock: Callable[[], int] = wall_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through with its user in `scope["user"]`, or answers it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        visit = visit_of(scope)
        verdict, wait_s = self._judge(visit)
        is_open = scope["path"] in OPEN_PATHS
        if isinstance(verdict, Admitted):
            scope["user"] = verdict.user
        elif is_open and verdict.status not in (WRONG_NAME, TOO_MANY):
            scope["user"] = ""
        else:
            if scope["type"] == "websocket":
                await _close(receive, send)
                return
            later = {"retry-after": str(wait_s)} if wait_s else None
            answer: Response = PlainTextResponse(f"{verdict.words}\n", verdict.status, later)
            if verdict.asks and scope["method"] == "GET" and "text/html" in visit.header("accept"):
                answer = RedirectResponse(LOGIN, 303)
            await answer(scope, receive, _with_headers(scope, send))
            return
        await self.app(scope, receive, _with_headers(scope, send))

    def _judge(self, visit: Visit) -> tuple[Admitted | Refused, int]:
        """The gate's word, unless a token was shown where no more may be; in how many seconds one may."""
        has_session = self.seals.is_session(visit.session, self.clock())
        verdict = gate.judge(self.policy, visit, has_session=has_session)
        if not verdict.tried:
            return verdict, 0
        peer = gate.peer_of(self.policy, visit)
        wait_s = self.tries.wait_s(peer)
        if wait_s:
            return Refused(TOO_MANY, TRY_LATER), wait_s
        if isinstance(verdict, Refused):
            untold = self.tries.failed(peer)
            if untold:
                self.log.warning("tokens_refused", tries=untold)
        return verdict, 0


def visit_of(scope: Scope) -> Visit:
    """What the gate is shown of a request."""
    client = scope.get("client")
    headers = Headers(scope=scope)
    return Visit(
        peer=client[0] if client else "",
        headers=dict(headers.items()),
        session=_cookie(headers.get("cookie", "")),
    )


# Private.


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _with_headers(scope: Scope, send: Send) -> Send:
    is_static = scope["path"].startswith("/static/")

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            # What is in a page is nobody else's, and of this moment.
            headers["cache-control"] = "no-cache" if is_static else "no-store"
        await send(message)

    return with_headers


async def _close(receive: Receive, send: Send) -> None:
    """Before the handshake is answered: a server makes a 403 of it."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})
