"""Whether Twilio would reach us: name, certificate, signatures, WebSocket, through the public URL.

Why it exists: all that stands between Twilio and a process (DNS, a proxy, its certificate, a URL that is not
quite the one that is signed) is seen only from outside. This asks from outside, and makes no call: it posts
to /stream-status, which answers any event that is properly signed and does nothing but log it, and opens a
media socket only to close it before `start`.

Where this host does not get there straight on it asks by TRUNKLINE_PROXY_URL, if there is one: the name is
the proxy's to look up, and what the proxy does not reach Twilio may reach all the same.

Owns: the questions and what each answer means. Must not know: what a route does with an event.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from console.doctor.findings import Finding, fail, ok, skipped, warn
from shared.forms import LOOPBACK_HOSTS
from shared.settings import Settings
from simulators.twilio.webhooks.signing import sign_upgrade, sign_webhook

PATH = "/stream-status"
EVENT = {"StreamEvent": "trunkline-doctor"}
WITHIN_S = 5.0
WEBHOOK_MS = 1000.0
CERTIFICATE_WARN_DAYS = 14
ACCEPTED, FORBIDDEN = 204, 403

FROM_OUTSIDE = (
    "Twilio does not come by this proxy, and may get there all the same: ask from a host outside, or have the"
    " proxy let this host through."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and how long it took; or, with status 0, why there is none."""

    status: int
    took_ms: float = 0.0
    reason: str = ""


# The rules. Pure.


def judge_addresses(host: str, addresses: Sequence[str], reason: str, *, by_proxy: bool = False) -> Finding:
    """What the public name resolves to from here. `by_proxy`: it is asked for by the proxy, which looks it up
    itself."""
    what = "public name"
    if not addresses and by_proxy:
        return skipped(what, f"{host} is not known here ({reason}): the proxy looks it up")
    if not addresses:
        return fail(
            what, f"{host} does not resolve: {reason}", "Create its DNS record, or correct PUBLIC_URL."
        )
    shown = f"{host} → {', '.join(addresses)}"
    if host in LOOPBACK_HOSTS:
        return warn(
            what, f"{shown}: only this host reaches it", "For real calls: an https:// name of your own."
        )
    if all(ipaddress.ip_address(each).is_private for each in addresses):
        return warn(
            what,
            f"{shown}: a private address",
            "If that is so only inside your network, all is well; Twilio needs a public one.",
        )
    return ok(what, shown)


def judge_certificate(days_left: float | None, reason: str, *, by_proxy: bool = False) -> Finding:
    """The certificate as a client sees it that trusts what Twilio trusts. `by_proxy`: a proxy that opens TLS
    shows its own."""
    what = "certificate"
    if days_left is None and by_proxy:
        return warn(what, f"by the proxy: {reason}", FROM_OUTSIDE)
    if days_left is None:
        return fail(what, reason, "Twilio refuses it too: renew it, with its whole chain.")
    if days_left < CERTIFICATE_WARN_DAYS:
        return warn(what, f"ends in {days_left:.0f} days", "Renew it.")
    return ok(what, f"valid for {days_left:.0f} days")


def judge_webhooks(url: str, forged: Answer, signed: Answer) -> list[Finding]:
    """A forged signature must be refused, a right one taken."""
    if forged.status == FORBIDDEN:
        return [ok("forged webhook", f"refused with {FORBIDDEN}"), _judge_signed(signed)]
    if not forged.status:
        found = f"{url} gives no answer: {forged.reason}"
        do = "Does the proxy or tunnel lead to the public port of ingress, and does ingress run?"
    elif forged.status == ACCEPTED:
        found = f"{url} took a forged signature"
        do = "Something answers in the place of ingress: correct the proxy. Anybody could make calls."
    elif 300 <= forged.status < 400:
        found = f"{url} is redirected (HTTP {forged.status})"
        do = "Set PUBLIC_URL to where it leads: Twilio's signature covers the URL that it calls."
    else:
        found = f"{url}: expected HTTP {FORBIDDEN} to a forged signature, got {forged.status}"
        do = "What answers is no ingress: correct the proxy (5xx: it does not reach ingress; 404: path)."
    return [fail("webhooks", found, do)]


def judge_media(url: str, answer: Answer, *, by_proxy: bool = False) -> Finding:
    """The upgrade to a WebSocket; 101 is what we want."""
    what = "media socket"
    if answer.status == 101:
        return ok(what, f"opened in {answer.took_ms:.0f} ms, closed again")
    found = f"{url}: " + (f"HTTP {answer.status}" if answer.status else answer.reason)
    if by_proxy and not answer.status:
        return warn(what, f"by the proxy: {found}", FROM_OUTSIDE)
    if answer.status == FORBIDDEN:
        return fail(
            what, found, "As for a signed webhook that is refused; or the host has no socket left to give."
        )
    return fail(
        what, found, "The proxy must pass WebSocket upgrades of /media on (docs/scaling.md, haproxy.cfg)."
    )


# The driver.


async def examine(settings: Settings) -> list[Finding]:
    """Everything about the public URL. Never raises for a peer's fault. Cancelling is safe."""
    url = settings.public_url
    if not url or not settings.auth_tokens:
        return [skipped("public URL", "PUBLIC_URL or TWILIO_AUTH_TOKEN is missing")]
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses, reason = await _resolve(host, port)
    proxy = await _proxy(settings, host, port if addresses else None)
    found = [judge_addresses(host, addresses, reason, by_proxy=bool(proxy))]
    if not addresses and not proxy:
        return found
    target = f"{url}{PATH}"
    if parts.scheme == "https":
        seen = await (_certificate_by(proxy, target) if proxy else _certificate(host, port))
        found.append(judge_certificate(*seen, by_proxy=bool(proxy)))
        if found[-1].do and "ends in" not in found[-1].found:
            return found
    token = settings.auth_tokens[0]
    async with _client(proxy) as client:
        forged = await _post(client, target, sign_webhook(f"{token}-not", target, EVENT))
        signed = await _post(client, target, sign_webhook(token, target, EVENT))
    if proxy and not forged.status:
        reason = f"by the proxy no answer of {target}: {forged.reason}"
        return [*found, warn("webhooks", reason, FROM_OUTSIDE)]
    found += judge_webhooks(target, forged, signed)
    if forged.status:
        opened = await _upgrade(settings.stream_url, token, proxy)
        found.append(judge_media(settings.stream_url, opened, by_proxy=bool(proxy)))
    return found


# Private.


def _judge_signed(answer: Answer) -> Finding:
    what = "signed webhook"
    if answer.status == ACCEPTED and answer.took_ms < WEBHOOK_MS:
        return ok(what, f"taken in {answer.took_ms:.0f} ms")
    if answer.status == ACCEPTED:
        return warn(what, f"took {answer.took_ms:.0f} ms", "Ingress answers within a second: the proxy?")
    if answer.status == FORBIDDEN:
        return fail(
            what,
            f"refused with {FORBIDDEN}",
            "The running ingress has another PUBLIC_URL or TWILIO_AUTH_TOKEN than this shell, or the proxy"
            " rewrites the path.",
        )
    found = f"HTTP {answer.status}" if answer.status else answer.reason
    return fail(what, found, "Look into the logs of ingress.")


async def _resolve(host: str, port: int) -> tuple[list[str], str]:
    try:
        async with asyncio.timeout(WITHIN_S):
            rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        return [], str(error) or "no answer"
    return sorted({str(row[4][0]) for row in rows}), ""


async def _proxy(settings: Settings, host: str, port: int | None) -> str:
    """The proxy by which the public URL is asked; empty: straight on, since that is a way, or the only one.
    `port`: None where the name is not known here."""
    if not settings.proxy_url or host in LOOPBACK_HOSTS:
        return ""
    if port is None:
        return settings.proxy_url
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return settings.proxy_url
    writer.transport.abort()
    return ""


def _client(proxy: str) -> httpx.AsyncClient:
    if not proxy:
        return httpx.AsyncClient(trust_env=False, timeout=WITHIN_S)
    trusted = ssl.create_default_context()
    return httpx.AsyncClient(trust_env=False, timeout=WITHIN_S, proxy=proxy, verify=trusted)


async def _certificate(host: str, port: int) -> tuple[float | None, str]:
    """Days that it is valid for, or why it is not."""
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        return None, f"not trusted: {error.verify_message}"
    except (OSError, TimeoutError) as error:
        return None, f"no TLS at {host}:{port}: {error or 'no answer'}"
    try:
        return _days_left(writer.get_extra_info("peercert")), ""
    finally:
        writer.transport.abort()


async def _certificate_by(proxy: str, url: str) -> tuple[float | None, str]:
    """The same by the proxy; any answer at all will do."""
    try:
        async with _client(proxy) as client, client.stream("GET", url) as answer:
            tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
            return _days_left(tls.getpeercert()), ""
    except httpx.HTTPError as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        return None, f"not trusted: {error}" if "CERTIFICATE_VERIFY_FAILED" in said else f"no answer: {said}"


def _days_left(certificate: Mapping[str, Any]) -> float:
    ends_s = ssl.cert_time_to_seconds(certificate["notAfter"])
    return (ends_s - datetime.now(UTC).timestamp()) / 86_400


async def _post(client: httpx.AsyncClient, url: str, signature: str) -> Answer:
    began = time.monotonic()
    try:
        answer = await client.post(url, data=EVENT, headers={"X-Twilio-Signature": signature})
    except httpx.HTTPError as error:
        return Answer(0, reason=f"{type(error).__name__}: {error}".rstrip(": "))
    return Answer(answer.status_code, (time.monotonic() - began) * 1000)


async def _upgrade(url: str, token: str, proxy: str) -> Answer:
    began = time.monotonic()
    headers = {"X-Twilio-Signature": sign_upgrade(token, url) or ""}
    try:
        async with connect(
            url,
            additional_headers=headers,
            proxy=proxy or None,
            open_timeout=WITHIN_S,
            close_timeout=1,
            compression=None,
        ):
            return Answer(101, (time.monotonic() - began) * 1000)
    except InvalidStatus as error:
        return Answer(error.response.status_code)
    except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
        return Answer(0, reason=f"{type(error).__name__}: {error}".rstrip(": "))
