"""The socket of a session: how it is opened, how it is kept alive, what its end means.

Why it exists: what a WebSocket library is told, and what it says, has nothing to do with the events that
pass. Owns: the options of the socket, its pings, the causes of a connection that failed or was closed. Must
not know: any event.

A peer that is gone without a word is found by pings: one is sent every `PING_EVERY_S`, and a socket whose
ping is unanswered for `PONG_WITHIN_S` is closed. Each ping and pong is told to the session's `Proof`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from openai import AsyncOpenAI, Omit, OpenAIError, omit
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.websocket_connection_options import WebSocketConnectionOptions
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus
from websockets.frames import CloseCode

from brain import trust_store
from brain.errors import EngineError
from brain.model.realtime.gate import FATAL_CODES, SESSION_EXPIRED
from brain.model.realtime.link import RealtimeLink
from brain.model.realtime.proof import Proof
from shared.forms import LOOPBACK_HOSTS

CLOSE_WITHIN_S = 1.0
PING_EVERY_S = 5.0
PONG_WITHIN_S = 5.0

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""The largest server event: an audio delta of minutes would be smaller."""

API_KEY, AUTHORIZATION = "api-key", "authorization"

HALF_OPEN = "half_open"
"""A ping was not answered: the peer is gone, and nobody said so."""

PASSING_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""HTTP answers to the upgrade that may be better a moment later; others will not change."""

_SOCKET_OPTIONS: dict[str, object] = {
    # Our process has no business with a proxy that the environment names: the settings name one, or none.
    "proxy": None,
    "max_size": MAX_EVENT_BYTES,
    # A finite max_size would turn permessage-deflate on: megabytes and CPU a call.
    "compression": None,
    "max_queue": 64,
    "ping_interval": PING_EVERY_S,
    "ping_timeout": PONG_WITHIN_S,
    "close_timeout": CLOSE_WITHIN_S,
}


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """An open socket: the SDK's connection, by which it is closed, and what carries the events."""

    connection: AsyncRealtimeConnection
    link: RealtimeLink


async def connect(
    client: AsyncOpenAI, model: str, headers: Mapping[str, str], proof: Proof, proxy: str = ""
) -> OpenSocket:
    """An open socket to the provider, perhaps by a proxy. Raises EngineError. The time it may take is its
    caller's to bound.

    Cancelling it drops the connection.
    """
    made: list[RealtimeLink] = []

    def make(*arguments: Any, **options: Any) -> RealtimeLink:
        made.append(RealtimeLink(*arguments, proof=proof, **options))
        return made[-1]

    try:
        manager = client.realtime.connect(
            model=model,
            extra_headers=_with_key(headers),
            websocket_connection_options=_options(client, make, proxy),
        )
        return OpenSocket(await manager.enter(), made[-1])
    except InvalidStatus as error:
        status = error.response.status_code
        raise EngineError(
            "connect_refused", f"HTTP {status}", fatal=status not in PASSING_STATUSES
        ) from error
    except (OSError, InvalidHandshake, InvalidProxy, ConnectionClosed, OpenAIError) as error:
        raise EngineError("connect_failed", type(error).__name__) from error


def end_of(error: ConnectionClosed, *, expired: bool) -> EngineError:
    """A close as a cause. The reason of a 4000 is a code of the API, and may be a fatal one."""
    if error.rcvd is None:
        if error.sent is not None and error.sent.code == CloseCode.INTERNAL_ERROR:
            return EngineError(HALF_OPEN, error.sent.reason[:80])
        return EngineError("closed_1006", "the connection was cut")
    code, reason = error.rcvd.code, error.rcvd.reason
    if expired:
        return EngineError(SESSION_EXPIRED, f"close {code}")
    if code == 4000 and reason:
        is_fatal = reason.rpartition(".")[2] in FATAL_CODES
        return EngineError(f"closed_4000_{reason[:60]}", fatal=is_fatal)
    return EngineError(f"closed_{code}", reason[:80])


# Private.


def _with_key(headers: Mapping[str, str]) -> dict[str, str | Omit]:
    """The headers, without ours of the key where they have one of their own: a provider that takes `api-key`
    (Azure) might take the other for a token."""
    found: dict[str, str | Omit] = {**headers}
    names = {name.lower() for name in headers}
    if API_KEY in names and AUTHORIZATION not in names:
        found[AUTHORIZATION] = omit
    return found


def _options(
    client: AsyncOpenAI, make: Callable[..., RealtimeLink], proxy: str
) -> WebSocketConnectionOptions:
    options = {**_SOCKET_OPTIONS, "create_connection": make}
    if proxy and client.base_url.host not in LOOPBACK_HOSTS:
        options["proxy"] = proxy
    if client.base_url.scheme == "https":
        # Else the library reads the trust store again for each session, and every call waits for that.
        options["ssl"] = trust_store.for_sessions()
    # The type names a few; the SDK hands every key on to websockets.connect.
    return cast(WebSocketConnectionOptions, options)
