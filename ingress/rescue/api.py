"""Twilio's REST API for live calls: one request, `go on at this URL`.

Why it exists: a call whose media stream hangs at a host that vanished goes on only when Twilio is told so.
Owns: the request, its account and token, its time, what each answer means. Must not know: which call is asked
for and when, what is in Redis. No secret stands in what it returns or raises.

`POST /2010-04-01/Accounts/{account}/Calls/{call}.json` with `Url` leaves the running TwiML: the stream gets
`stop`, and the new document is asked for. A call that is over answers 404 (20404) or 400 (21220). A 404 of
another shape is not Twilio's word, and no call is given up by it.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

import httpx
import orjson

from ingress.rescue.stranded import Outcome
from shared.settings import Settings, environment_name

ANSWER_WITHIN_S = 5.0
CONNECT_WITHIN_S = 2.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 16

NOT_FOUND, NOT_IN_PROGRESS = 20404, 21220
"""Twilio's codes of a call that it does not have, or has no longer."""

UNKNOWN_PAUSE_MS = 4_000.0
"""After a request whose answer was lost: if it was carried out, the call is back on a new stream by then."""

MOST_PAUSE_MS = 30_000.0


@dataclass(frozen=True, slots=True)
class Told:
    """What Twilio answered. `after_ms`: when it may be asked again; 0: it named no time."""

    outcome: Outcome
    why: str = ""
    """For the log: status and code, or the kind of error."""
    after_ms: float = 0.0


@dataclass(slots=True)
class CallsApi:
    """The one client of a process. `transport`: for tests."""

    settings: Settings
    transport: httpx.AsyncBaseTransport | None = None
    _client: httpx.AsyncClient | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _token: int = 0
    """Which of the auth tokens was taken last: while one is replaced there are two."""

    @property
    def lacks(self) -> str:
        """The setting without which nothing can be asked; empty: all is there."""
        needed = ("twilio_account_sid", self.settings.twilio_account_sid)
        token = ("twilio_auth_token", self.settings.auth_tokens)
        return next((environment_name(name) for name, value in (needed, token) if not value), "")

    async def open(self) -> None:
        """Makes the client, so that the first call does not wait for it. Cancelling it is safe."""
        async with self._opening:
            if self._client is None:
                # Reading the trust store takes a tenth of a second, in which no call would be served.
                trusted = await asyncio.to_thread(ssl.create_default_context)
                self._client = httpx.AsyncClient(
                    verify=trusted,
                    transport=self.transport,
                    timeout=httpx.Timeout(ANSWER_WITHIN_S, connect=CONNECT_WITHIN_S),
                    limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=4),
                    follow_redirects=False,
                    trust_env=False,
                )

    async def close(self) -> None:
        """Closes all connections. Cancelling it leaves some to the end of the process."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def send_to_resume(self, call_sid: str) -> Told:
        """Has Twilio leave what the call does and ask `/voice/resume`. Raises nothing. Cancelling it leaves
        it unknown whether Twilio has."""
        lacks = self.lacks
        if lacks:
            return Told(Outcome.REFUSED, f"{lacks} is not set")
        await self.open()
        tokens = self.settings.auth_tokens
        told = Told(Outcome.REFUSED)
        for number in range(len(tokens)):
            place = (self._token + number) % len(tokens)
            status, told = await self._once(call_sid, tokens[place])
            if status != httpx.codes.UNAUTHORIZED:
                self._token = place
                return told
        return told

    # Private.

    async def _once(self, call_sid: str, token: str) -> tuple[int, Told]:
        """The HTTP status, 0 where there was none."""
        client, settings = self._client, self.settings
        if client is None:
            return 0, Told(Outcome.LATER, "the process ends")
        account = settings.twilio_account_sid
        form = {
            "Url": f"{settings.public_url}/voice/resume",
            "Method": "POST",
            "FallbackUrl": f"{settings.public_url}/voice/fallback",
            "FallbackMethod": "POST",
        }
        url = f"{settings.twilio_api_url}/2010-04-01/Accounts/{account}/Calls/{call_sid}.json"
        request = client.stream("POST", url, data=form, auth=httpx.BasicAuth(account, token))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), request as response:
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        break
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return 0, Told(Outcome.LATER, type(error).__name__)
        except (httpx.HTTPError, TimeoutError) as error:
            return 0, Told(Outcome.LATER, type(error).__name__, UNKNOWN_PAUSE_MS)
        return response.status_code, judge(
            response.status_code, bytes(body), response.headers.get("retry-after", "")
        )


def judge(status: int, body: bytes, retry_after: str) -> Told:
    """What an answer of Twilio's means."""
    code = _code_of(body)
    why = f"HTTP {status}" + (f", code {code}" if code else "")
    if 200 <= status < 300:
        return Told(Outcome.DONE, why)
    if (status, code) in ((404, NOT_FOUND), (400, NOT_IN_PROGRESS)):
        return Told(Outcome.GONE, why)
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        seconds = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
        return Told(Outcome.LATER, why, min(seconds * 1000, MOST_PAUSE_MS))
    return Told(Outcome.REFUSED, why)


# Private.


def _code_of(body: bytes) -> int:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return 0
    code = found.get("code") if isinstance(found, dict) else None
    return code if isinstance(code, int) else 0
