"""Twilio's `X-Twilio-Signature`, of webhooks and of the WebSocket handshake.

Why it exists: the signature covers the URL as Twilio knows it, which behind a proxy is not the URL that we
see. So the URL is built from the configured public origin only, never from Host or X-Forwarded-* headers, and
the few spellings that Twilio is known to sign are tried. Owns: what counts as signed. Pure. Must not know:
requests, what a refusal leads to. Fails closed: no token, no header, no match are all refusals, each with its
reason.

Source: Twilio, "Security: validating requests", and its SDK's RequestValidator, which does the HMAC. The
SDK's own choice of ports is not used: it adds 80, not 443, to a `wss` URL.
"""

from __future__ import annotations

import enum
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator

_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}


class Check(enum.StrEnum):
    """Whether a signature stands, and if not, why: the log line and the counter carry it."""

    OK = "ok"
    NO_TOKEN = "no_token_configured"
    MISSING = "missing"
    WRONG = "wrong"


class Params:
    """Form fields with repeated names, in the shape that the SDK's validator reads."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterable[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getall(self, name: str) -> list[str]:
        """The values of a name, in their order. The validator's own word."""
        return self._values[name]


def candidates(url: str) -> tuple[str, ...]:
    """The spellings of `url` that Twilio may have signed: with and without slash, and ports.

    `url` is scheme, host, maybe a port, path, and the query as it came on the wire.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    bare = parts.path.removesuffix("/")
    query = f"?{parts.query}" if parts.query else ""
    netlocs = (host, f"{host}:{port}") if port else (host,)
    paths = (bare, bare + "/")
    return tuple(f"{parts.scheme}://{at}{path}{query}" for at in netlocs for path in paths)


EPISODE_OVER_MS = 10_000.0
"""Nothing was refused for so long: the episode is over."""

EPISODE_LONGEST_MS = 600_000.0
"""One that does not end is summed up all the same."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Refusals one after another, summed up."""

    left_out: int
    """Those that had no line of their own."""
    lasted_ms: float


class RefusedLines:
    """Which refusals get a line in the log: the first of an episode, and all others one together when it is
    over. Strangers may send thousands a second; each is counted all the same."""

    __slots__ = ("_began_ms", "_last_ms", "_left_out", "is_episode")

    def __init__(self) -> None:
        self.is_episode = False
        """Whether there is one that is not summed up."""
        self._began_ms = self._last_ms = 0.0
        self._left_out = 0

    def next_line(self, now_ms: float) -> int | None:
        """One was refused. None: it is left out; else it begins an episode and has a line, and this is how
        many of an earlier one nobody was told of."""
        if self.is_episode and now_ms - self._last_ms < EPISODE_OVER_MS:
            self._left_out += 1
            self._last_ms = now_ms
            return None
        left_out, self._left_out = self._left_out, 0
        self.is_episode, self._began_ms, self._last_ms = True, now_ms, now_ms
        return left_out

    def summary(self, now_ms: float) -> Episode | None:
        """What there is to tell of the episode now: all that was left out, once it is over or has lasted
        long. None: nothing, or nothing yet."""
        is_over = now_ms - self._last_ms >= EPISODE_OVER_MS
        if not self.is_episode or not (is_over or now_ms - self._began_ms >= EPISODE_LONGEST_MS):
            return None
        found = Episode(self._left_out, self._last_ms - self._began_ms)
        self.is_episode, self._left_out, self._began_ms = not is_over, 0, now_ms
        return found if found.left_out else None


class Signatures:
    """Checks signatures against the auth tokens of the account: one, or two while rotating."""

    __slots__ = ("_validators", "refused")

    def __init__(self, auth_tokens: Sequence[str]) -> None:
        self._validators = [RequestValidator(token) for token in auth_tokens if token]
        self.refused = RefusedLines()
        """For the log of whoever refuses."""

    def check_webhook(self, url: str, params: Params, signature: str | None) -> Check:
        """`url` from the configured origin; `params` of the form body, blank ones too, empty for GET."""
        return self._check(candidates(url), params, signature)

    def check_handshake(self, stream_url: str, signature: str | None) -> Check:
        """`stream_url` is the wss:// URL that stands in our TwiML."""
        return self._check(candidates(stream_url), Params(()), signature)

    def sign(self, url: str, params: Mapping[str, str]) -> str:
        """The signature that Twilio would send. Raises ValueError without a token."""
        if not self._validators:
            raise ValueError("expected an auth token to sign with, got no configured one")
        return str(self._validators[0].compute_signature(url, params))

    # Private.

    def _check(self, urls: Sequence[str], params: Params, signature: str | None) -> Check:
        if not self._validators:
            return Check.NO_TOKEN
        if not signature:
            return Check.MISSING
        got = signature.encode("utf-8", "replace")
        found = False
        for validator in self._validators:
            for url in urls:
                expected = str(validator.compute_signature(url, params)).encode()
                found |= hmac.compare_digest(expected, got)
        return Check.OK if found else Check.WRONG
