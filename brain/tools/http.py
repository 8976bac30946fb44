"""HTTP endpoints of the user's own as the model's tools.

Why it exists: not everybody's systems speak Python. Owns: the request (signed), its time-out, its retries,
the bound of its answer. Must not know: the call, the model. The body is JSON (tool, arguments, call), or the
arguments are the query of a GET; the answer, JSON or text, goes to the model as it is, and so do the words of
a refusal (4xx): they say what to do about it.

All tools of a process share one pool of connections: a handshake for each run would cost more than the
answer. Nothing else is shared: cookies are refused, since the next run may be another caller's.

The signature is that of the Standard Webhooks specification (as for the webhooks to the user's systems), so
that one library on the other side verifies both. A request is sent again only with the same
`Idempotency-Key`, and only when the other side cannot be at work on it: no connection, 429, 503.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlencode, urlsplit

import httpx
import orjson

from brain.errors import BadArguments, ToolFailed
from brain.json_fields import Json
from brain.signing import signed_headers
from brain.tools.schemas import misfits
from brain.tools.toolbox import ToolContext
from brain.trust_store import for_requests
from brain.variables import filled_header, filled_url, one_line
from shared.clock import wall_ms
from shared.forms import LOOPBACK_HOSTS

MAX_ANSWER_BYTES = 256 * 1024
MAX_QUERY_CHARS = 6_000
"""Of a GET: servers refuse longer ones, each at another length."""

MAX_REFUSAL_CHARS = 1_000
"""Of what a 4xx answer says: enough to know what was wrong."""

RETRIED_STATUSES = frozenset({429, 503})
FIRST_PAUSE_S = 0.2
TIMEOUT_DEFAULT_S = 5.0

MAX_CONNECTIONS = 200
"""Of a process; a run that finds none free waits for one within its time."""

KEPT_CONNECTIONS, KEEP_S = 32, 4.0
"""Idle ones. Shorter than the 5 s after which common servers close them: a request that meets a close may
have been carried out or not, and is not sent again."""


class HttpPool:
    """Connections to the user's own systems: of all HTTP tools of a process, say. `transport`: for tests.
    `proxy`: the way out, but to this host; empty: none is needed."""

    __slots__ = ("_client", "_proxy", "_transport")

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, *, proxy: str = "") -> None:
        self._transport = transport
        self._proxy = proxy
        self._client: httpx.AsyncClient | None = None

    async def client(self) -> httpx.AsyncClient:
        """The one client, made at the first run. Cancelling it is safe."""
        if self._client is None:
            # Reading the trust store takes a tenth of a second, in which no call would be served.
            trusted = await asyncio.to_thread(for_requests)
            if self._client is None:  # Another run may have been faster.
                self._client = httpx.AsyncClient(
                    verify=trusted,
                    transport=self._transport,
                    limits=httpx.Limits(
                        max_connections=MAX_CONNECTIONS,
                        max_keepalive_connections=KEPT_CONNECTIONS,
                        keepalive_expiry=KEEP_S,
                    ),
                    cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
                    follow_redirects=False,
                    trust_env=False,
                    proxy=self._proxy or None,
                    mounts=around_proxy(trusted) if self._proxy else None,
                )
        return self._client

    async def close(self) -> None:
        """Closes all connections. Cancelling it leaves some to the end of the process."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def around_proxy(trusted: ssl.SSLContext) -> dict[str, httpx.AsyncBaseTransport | None]:
    """What does not go by a proxy: this host."""
    straight = httpx.AsyncHTTPTransport(verify=trusted)
    return {f"all://[{host}]" if ":" in host else f"all://{host}": straight for host in LOOPBACK_HOSTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTool:
    """One endpoint. See brain.tools.toolbox.Tool."""

    name: str
    description: str
    url: str
    """With variables, perhaps; so are the values of `headers`."""
    parameters: Json
    method: str = "POST"
    time_limit_s: float = TIMEOUT_DEFAULT_S
    retries: int = 1
    secret: str = field(default="", repr=False)
    """Empty: not signed."""
    headers: Mapping[str, str] = field(default_factory=dict)
    hidden_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secrets."""
    pool: HttpPool = field(default_factory=HttpPool, repr=False)

    def definition(self) -> Json:
        """The tool as it stands in `session.tools`."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }

    async def run(self, arguments: str, context: ToolContext, call_id: str) -> object:
        """One request, again where that is safe. Raises BadArguments, ToolFailed. Cancelling it leaves it
        unknown whether the endpoint has acted."""
        try:
            values = orjson.loads(arguments or "{}")
        except orjson.JSONDecodeError:
            raise BadArguments("the arguments are wrong: expected a JSON object") from None
        if not isinstance(values, dict):
            raise BadArguments("the arguments are wrong: expected a JSON object")
        wrong = misfits(self.parameters, values)
        if wrong:
            raise BadArguments(f"the arguments are wrong: {'; '.join(wrong)}")
        request = self._request(values, context, call_id)
        return await self._ask(await self.pool.client(), request, call_id)

    # Private.

    def _request(self, arguments: Json, context: ToolContext, call_id: str) -> _Request:
        call = {"call_sid": context.call_sid, "caller": context.caller, "called": context.called,
                "agent": context.agent}  # fmt: skip
        variables = {**context.variables, **call}
        url = filled_url(self.url, variables)
        headers = {name: filled_header(text, variables) for name, text in self.headers.items()}
        headers |= {**self.hidden_headers, "idempotency-key": call_id}
        if self.method == "GET":
            return _Request(_with_query(url, arguments), {**headers, "x-call-sid": context.call_sid}, b"")
        told = {"tool": self.name, "arguments": arguments, "call": {**call, "call_id": call_id}}
        if context.variables:
            told["variables"] = dict(context.variables)
        return _Request(url, {**headers, "content-type": "application/json"}, orjson.dumps(told))

    async def _ask(self, client: httpx.AsyncClient, request: _Request, call_id: str) -> str:
        pause_s = FIRST_PAUSE_S
        for attempt in range(self.retries + 1):
            problem = ""
            try:
                status, answer = await self._once(client, request, call_id)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                problem = f"{urlsplit(self.url).hostname} cannot be reached"
            except httpx.HTTPError as error:
                raise ToolFailed(f"the tool failed with {type(error).__name__}") from None
            else:
                if status < 300:
                    return answer.decode(errors="replace")
                problem = _refusal(status, answer)
                if status not in RETRIED_STATUSES:
                    raise ToolFailed(problem)
            if attempt < self.retries:
                await asyncio.sleep(pause_s)
                pause_s *= 2
        raise ToolFailed(problem)

    async def _once(self, client: httpx.AsyncClient, request: _Request, call_id: str) -> tuple[int, bytes]:
        headers = request.headers
        if self.secret:
            headers = {**headers, **signed_headers(self.secret, call_id, wall_ms() // 1000, request.body)}
        asked = client.stream(
            self.method, request.url, content=request.body or None, headers=headers, timeout=self.time_limit_s
        )
        async with asked as response:
            answer = bytearray()
            async for piece in response.aiter_bytes():
                answer += piece
                if len(answer) > MAX_ANSWER_BYTES:
                    raise ToolFailed(f"the tool answered more than {MAX_ANSWER_BYTES} bytes")
            return response.status_code, bytes(answer)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent, each time that it is sent."""

    url: str
    headers: dict[str, str]
    body: bytes


def _refusal(status: int, answer: bytes) -> str:
    """What the model is told of an answer that is none. A 4xx is about what it asked, in words for whoever
    asked; a 5xx is about the endpoint, and may be a stack trace."""
    problem = f"the tool answered HTTP {status}"
    said = one_line(answer.decode(errors="replace"))[:MAX_REFUSAL_CHARS] if 400 <= status < 500 else ""
    return f"{problem}: {said}" if said else problem


def _with_query(url: str, arguments: Json) -> str:
    """A URL with arguments as its query, behind what it has. Raises ToolFailed for too many."""
    pairs: list[tuple[str, str]] = []
    for name, value in arguments.items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                pairs.append((name, each if isinstance(each, str) else orjson.dumps(each).decode()))
    query = urlencode(pairs)
    if len(query) > MAX_QUERY_CHARS:
        raise ToolFailed(f"the arguments are too long for a GET: {len(query)} characters")
    if not query:
        return url
    head, mark, fragment = url.partition("#")
    return f"{head}{'&' if '?' in head else '?'}{query}{mark}{fragment}"
