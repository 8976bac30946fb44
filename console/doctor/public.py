"""Whether Twilio would reach us: name, certificate, signatures, WebSocket, through the public URL.

Why it exists: all that stands between Twilio and a process (DNS, a proxy, its certificate, a URL that is not
quite the one that is signed) is seen only from outside. This asks from outside, and makes no call: it posts
to /stream-status, which answers any event that is properly signed and does nothing but log it, and opens a
media socket only to close it before `start`.

Owns: the questions and what each answer means. Must not know: what a route does with an event.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and how long it took; or, with status 0, why there is none."""

    status: int
    took_ms: float = 0.0
    reason: str = ""


# The rules. Pure.


def judge_addresses(host: str, addresses: Sequence[str], reason: str) -> Finding:
    """What the public name resolves to from here."""
    what = "public name"
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


def judge_certificate(days_left: float | None, reason: str) -> Finding:
    """The certificate as a client sees it that trusts what Twilio trusts."""
    what = "certificate"
    if days_left is None:
        return fail(what, reason, "Twilio refuses it too: renew it, with its whole chain.")
    if days_left < CERTIFICATE_WARN_DAYS:
        return warn(what, f"ends in {days_left:.0f} days", "Renew it.")
    return ok(what, f"valid for {days_left:.0f} days")


def judge_webhooks(url: str, forged: Answer, signed: Answer) -> list[Finding]:
    """A forged signature must be refused, a right one taken."""
    if not forged.status:
        return [
            fail(
                "webhooks",
                f"{url} gives no answer: {forged.reason}",
                "Does the proxy or tunnel lead to the public port of ingress, and does ingress run?",
            )
        ]
    if forged.status == ACCEPTED:
        return [
            fail(
                "webhooks",
                f"{url} took a forged signature",
                "Something answers in the place of ingress: correct the proxy. Anybody could make calls.",
            )
        ]
    if 300 <= forged.status < 400:
        return [
            fail(
                "webhooks",
                f"{url} is redirected (HTTP {forged.status})",
                "Set PUBLIC_URL to where it leads: Twilio's signature covers the URL that it calls.",
            )
        ]
    if forged.status != FORBIDDEN:
        return [
            fail(
                "webhooks",
                f"{url}: expected HTTP {FORBIDDEN} to a forged signature, got {forged.status}",
                "What answers is no ingress: correct the proxy (5xx: it does not reach ingress; 404: path).",
            )
        ]
    found = [ok("forged webhook", f"refused with {FORBIDDEN}")]
    if signed.status == ACCEPTED and signed.took_ms < WEBHOOK_MS:
        found.append(ok("signed webhook", f"taken in {signed.took_ms:.0f} ms"))
    elif signed.status == ACCEPTED:
        found.append(
            warn(
                "signed webhook",
                f"took {signed.took_ms:.0f} ms",
                "Ingress answers within a second: the proxy?",
            )
        )
    elif signed.status == FORBIDDEN:
        found.append(
            fail(
                "signed webhook",
                f"refused with {FORBIDDEN}",
                "The running ingress has another PUBLIC_URL or TWILIO_AUTH_TOKEN than this shell, or the"
                " proxy rewrites the path.",
            )
        )
    else:
        found.append(
            fail(
                "signed webhook",
                f"HTTP {signed.status}" if signed.status else signed.reason,
                "Look into the logs of ingress.",
            )
        )
    return found


def judge_media(url: str, answer: Answer) -> Finding:
    """The upgrade to a WebSocket; 101 is what we want."""
    what = "media socket"
    if answer.status == 101:
        return ok(what, f"opened in {answer.took_ms:.0f} ms, closed again")
    found = f"{url}: " + (f"HTTP {answer.status}" if answer.status else answer.reason)
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
    found = [judge_addresses(host, addresses, reason)]
    if not addresses:
        return found
    if parts.scheme == "https":
        found.append(judge_certificate(*await _certificate(host, port)))
        if found[-1].do and "ends in" not in found[-1].found:
            return found
    token = settings.auth_tokens[0]
    target = f"{url}{PATH}"
    async with httpx.AsyncClient(trust_env=False, timeout=WITHIN_S) as client:
        forged = await _post(client, target, sign_webhook(f"{token}-not", target, EVENT))
        signed = await _post(client, target, sign_webhook(token, target, EVENT))
    found += judge_webhooks(target, forged, signed)
    if forged.status:
        found.append(judge_media(settings.stream_url, await _upgrade(settings.stream_url, token)))
    return found


# Private.


async def _resolve(host: str, port: int) -> tuple[list[str], str]:
    try:
        async with asyncio.timeout(WITHIN_S):
            rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        return [], str(error) or "no answer"
    return sorted({str(row[4][0]) for row in rows}), ""


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
        until = writer.get_extra_info("peercert")["notAfter"]
    finally:
        writer.transport.abort()
    ends_s = ssl.cert_time_to_seconds(until)
    return (ends_s - datetime.now(UTC).timestamp()) / 86_400, ""


async def _post(client: httpx.AsyncClient, url: str, signature: str) -> Answer:
    began = time.monotonic()
    try:
        answer = await client.post(url, data=EVENT, headers={"X-Twilio-Signature": signature})
    except httpx.HTTPError as error:
        return Answer(0, reason=f"{type(error).__name__}: {error}".rstrip(": "))
    return Answer(answer.status_code, (time.monotonic() - began) * 1000)


async def _upgrade(url: str, token: str) -> Answer:
    began = time.monotonic()
    headers = {"X-Twilio-Signature": sign_upgrade(token, url) or ""}
    try:
        async with connect(
            url,
            additional_headers=headers,
            proxy=None,
            open_timeout=WITHIN_S,
            close_timeout=1,
            compression=None,
        ):
            return Answer(101, (time.monotonic() - began) * 1000)
    except InvalidStatus as error:
        return Answer(error.response.status_code)
    except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
        return Answer(0, reason=f"{type(error).__name__}: {error}".rstrip(": "))
