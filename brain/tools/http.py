"""HTTP endpoints of the user's own as the model's tools.

Why it exists: not everybody's systems speak Python. Owns: the request (signed), its time-out, its retries,
the bound of its answer. Must not know: the call, the model. The body is JSON (tool, arguments, call); the
answer, JSON or text, goes to the model as it is.

All tools of a process share one pool of connections: a handshake for each run would cost more than the
answer. Nothing else is shared: cookies are refused, since the next run may be another caller's.

The signature is that of the Standard Webhooks specification (as for the webhooks to the user's systems), so
that one library on the other side verifies both. A request is sent again only with the same
`Idempotency-Key`, and only when the other side cannot be at work on it: no connection, 429, 503.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx
import orjson

from brain.errors import BadArguments, ToolFailed
from brain.json_fields import Json
from brain.signing import signed_headers
from brain.tools.schemas import misfits
from brain.tools.toolbox import ToolContext
from brain.trust_store import for_requests
from shared.clock import wall_ms

MAX_ANSWER_BYTES = 256 * 1024
RETRIED_STATUSES = frozenset({429, 503})
FIRST_PAUSE_S = 0.2
TIMEOUT_DEFAULT_S = 5.0

MAX_CONNECTIONS = 200
"""Of a process; a run that finds none free waits for one within its time."""

KEPT_CONNECTIONS, KEEP_S = 32, 4.0
"""Idle ones. Shorter than the 5 s after which common servers close them: a request that meets a close may
have been carried out or not, and is not sent again."""


class HttpPool:
    """The connections of all HTTP tools of a process. `transport`: for tests."""

    __slots__ = ("_client", "_transport")

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
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
                )
        return self._client

    async def close(self) -> None:
        """Closes all connections. Cancelling it leaves some to the end of the process."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTool:
    """One endpoint. See brain.tools.toolbox.Tool."""

    name: str
    description: str
    url: str
    parameters: Json
    method: str = "POST"
    time_limit_s: float = TIMEOUT_DEFAULT_S
    retries: int = 1
    secret: str = field(default="", repr=False)
    """Empty: not signed."""
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
        call = {"call_sid": context.call_sid, "caller": context.caller, "called": context.called,
                "agent": context.agent, "call_id": call_id}  # fmt: skip
        body = orjson.dumps({"tool": self.name, "arguments": values, "call": call})
        return await self._ask(await self.pool.client(), body, call_id)

    async def _ask(self, client: httpx.AsyncClient, body: bytes, call_id: str) -> str:
        pause_s = FIRST_PAUSE_S
        for attempt in range(self.retries + 1):
            problem = ""
            try:
                status, answer = await self._once(client, body, call_id)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                problem = f"{urlsplit(self.url).hostname} cannot be reached"
            except httpx.HTTPError as error:
                raise ToolFailed(f"the tool failed with {type(error).__name__}") from None
            else:
                if status < 300:
                    return answer.decode(errors="replace")
                problem = f"the tool answered HTTP {status}"
                if status not in RETRIED_STATUSES:
                    raise ToolFailed(problem)
            if attempt < self.retries:
                await asyncio.sleep(pause_s)
                pause_s *= 2
        raise ToolFailed(problem)

    async def _once(self, client: httpx.AsyncClient, body: bytes, call_id: str) -> tuple[int, bytes]:
        headers = {"content-type": "application/json", "idempotency-key": call_id}
        if self.secret:
            headers |= signed_headers(self.secret, call_id, wall_ms() // 1000, body)
        request = client.stream(
            self.method, self.url, content=body, headers=headers, timeout=self.time_limit_s
        )
        async with request as response:
            answer = bytearray()
            async for piece in response.aiter_bytes():
                answer += piece
                if len(answer) > MAX_ANSWER_BYTES:
                    raise ToolFailed(f"the tool answered more than {MAX_ANSWER_BYTES} bytes")
            return response.status_code, bytes(answer)
