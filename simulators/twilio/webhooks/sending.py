"""Signed webhooks as Twilio sends them: overrides in the URL's fragment, retries, one record each.

Why it exists: whether a bridge survives a slow or a restarting web server is decided by these rules. Owns:
the HTTP side of a call. Must not know: TwiML or media. With a `dial` address it plays the proxy that ends
TLS: the public URL is signed and named in Host, the connection goes plain to `dial`. Source: Twilio,
"Webhooks: connection overrides" and "Security".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urldefrag, urlencode, urlsplit

import httpx

from simulators.twilio.record import CallRecord, Webhook
from simulators.twilio.webhooks.signing import sign_webhook

_RETRY_POLICIES: Final = frozenset({"4xx", "5xx", "ct", "rt", "all"})


@dataclass(frozen=True, slots=True)
class Overrides:
    """How patient Twilio is with one URL."""

    connect_ms: int = 5000
    read_ms: int = 15_000
    total_ms: int = 15_000
    retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})


def read_overrides(url: str) -> tuple[str, Overrides]:
    """(URL without its fragment, overrides in it); values outside Twilio's ranges are clamped."""
    bare, fragment = urldefrag(url)
    written = dict(parse_qsl(fragment))

    def number(key: str, default: int, least: int, most: int) -> int:
        text = written.get(key, "")
        return min(most, max(least, int(text))) if text.isdigit() else default

    policies = frozenset(written.get("rp", "ct").split(",")) & _RETRY_POLICIES
    return bare, Overrides(
        connect_ms=number("ct", 5000, 100, 10_000),
        read_ms=number("rt", 15_000, 100, 15_000),
        total_ms=number("tt", 15_000, 100, 15_000),
        retries=number("rc", 1, 0, 5),
        retry_on=policies or frozenset({"ct"}),
    )


def should_retry(overrides: Overrides, status: int, error: str) -> bool:
    """Whether a failed attempt (`status`, or `error` ct or rt) may be made again."""
    if not error and status < 400:
        return False
    kind = error or ("5xx" if status >= 500 else "4xx")
    return "all" in overrides.retry_on or kind in overrides.retry_on


class DialTransport(httpx.AsyncHTTPTransport):
    """Sends every request plain to one address, whatever host its URL names."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(limits=httpx.Limits(max_connections=256))
        self._host, self._port = host, port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The Host header was set from the public URL when the request was built; it stays.

        Cancelling it breaks the request off.
        """
        request.headers["X-Forwarded-Proto"] = request.url.scheme
        request.url = request.url.copy_with(scheme="http", host=self._host, port=self._port)
        return await super().handle_async_request(request)


@dataclass(slots=True)
class WebhookClient:
    """Posts the webhooks of all calls of one account."""

    client: httpx.AsyncClient
    auth_token: str

    async def ask(
        self,
        record: CallRecord,
        purpose: str,
        url: str,
        params: Mapping[str, str],
        *,
        method: str = "POST",
        retry_pause_ms: float = 0.0,
    ) -> Webhook:
        """One webhook with its retries; the last attempt is returned, all are on the record.

        Cancelling it breaks the attempt off; no other one follows.
        """
        bare, overrides = read_overrides(url)
        attempt = 0
        while True:
            attempt += 1
            webhook = Webhook(purpose, bare, attempt, _now_ms() - record.zero_ms)
            webhook.params = dict(params)
            record.webhooks.append(webhook)
            kind = await self._attempt(webhook, bare, overrides, params, method)
            webhook.answered_at_ms = _now_ms() - record.zero_ms
            retry = should_retry(overrides, webhook.status, kind)
            if not retry or attempt > overrides.retries:
                return webhook
            await asyncio.sleep(retry_pause_ms / 1000)

    async def _attempt(
        self,
        webhook: Webhook,
        url: str,
        overrides: Overrides,
        params: Mapping[str, str],
        method: str,
    ) -> str:
        """Fills in the answer; returns the retry kind of an error (ct, rt) or nothing."""
        body: dict[str, str] | None = dict(params)
        signed: Mapping[str, str] = params
        if method == "GET":
            url = url + ("&" if urlsplit(url).query else "?") + urlencode(params)
            body, signed = None, {}
        timeout = httpx.Timeout(overrides.read_ms / 1000, connect=overrides.connect_ms / 1000)
        headers = {
            "X-Twilio-Signature": sign_webhook(self.auth_token, url, signed),
            "I-Twilio-Idempotency-Token": f"{params.get('CallSid', '')}-{webhook.purpose}",
            "User-Agent": "TwilioProxy/1.1",
        }
        try:
            async with asyncio.timeout(overrides.total_ms / 1000):
                answer = await self.client.request(method, url, data=body, headers=headers, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            webhook.error = f"expected a connection, got {type(error).__name__}: {error}"
            return "ct"
        except (httpx.HTTPError, TimeoutError) as error:
            webhook.error = f"expected an answer, got {type(error).__name__}: {error}"
            return "rt"
        webhook.status = answer.status_code
        webhook.body = answer.text
        webhook.content_type = answer.headers.get("content-type", "")
        return ""


def _now_ms() -> float:
    return time.monotonic() * 1000
