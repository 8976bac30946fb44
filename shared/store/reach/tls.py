"""TLS to Redis: one context for all connections of a process, made before any call lives, and refusals in
words.

Why it exists: redis-py makes a context for each connection, 10 ms of the loop (it reads every certificate
authority of the machine), and what OpenSSL says of a wrong certificate tells an operator nothing. Owns: the
contexts, the words. Must not know: who connects, what is sent.

The options are redis-py's own (`ssl_ca_certs`, `ssl_certfile` …), read by its own class: what holds for its
connections holds for ours. A certificate that was renewed is read at the next start of the process.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import RedisSSLContext, SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.redis_url import RedisPlace
from shared.store.reach.connections import SentinelConnection, SharedConnection

HANDSHAKE_TIMEOUT_S = 0.8
"""Within the time that a connection may take: so that it is named when it is what hangs."""

_CERTIFICATE = "it wants a certificate of ours: add ?ssl_certfile=FILE&ssl_keyfile=FILE"

ENDED_AT_ONCE = f"it ended the connection right after the TLS handshake, as one does where {_CERTIFICATE}"
"""Where the server's reason is lost: by TLS 1.3 it judges a certificate when its client has done."""

_made: dict[tuple[object, ...], RedisSSLContext] = {}


class SharedTlsConnection(SharedConnection, SSLConnection):
    """redis-py's connection over TLS, with the context that all connections with its options share."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = _shared(self.ssl_context)

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "ssl_handshake_timeout": HANDSHAKE_TIMEOUT_S}

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """See redis-py. Raises its ConnectionError in words for a connection that ends before it is used."""
        try:
            await super().on_connect_check_health(check_health)
        except (RedisConnectionError, OSError) as error:
            if not isinstance(error, OSError) and type(error) is not RedisConnectionError:
                raise  # A kind of it that says what it is.
            raise RedisConnectionError(words_of(error) or ENDED_AT_ONCE) from error


class SentinelTlsConnection(SentinelConnection, SharedTlsConnection):
    """The same, to whichever server is master."""


def context_of(place: RedisPlace) -> ssl.SSLContext | None:
    """The context for connections to a place; None without TLS. Made at the first question: ask before calls
    live.

    Raises OSError or ssl.SSLError for a certificate or key that cannot be read, redis-py's RedisError for an
    option that it does not know.
    """
    if not place.is_tls:
        return None
    options = {name: value for name, value in place.options.items() if name.startswith("ssl_")}
    return SharedTlsConnection(host="", **options).ssl_context.get()


def words_of(error: BaseException) -> str:
    """What a failed handshake means and what to do; empty for any other failure."""
    cause: BaseException | None = error
    while cause is not None:
        said = _words_of_one(cause)
        if said:
            return said
        cause = cause.__cause__ or cause.__context__
    return ""


# Private.


_UNTRUSTED = (
    "its certificate is signed by nobody that this host trusts: add ?ssl_ca_certs=FILE with the certificate"
    " of its authority"
)
_PLAIN = "it does not speak TLS on this port: use the plain scheme, or its TLS port"

_HANGS = "SSL handshake is taking longer"
"""asyncio's word. A server that speaks no TLS says nothing at all to most handshakes."""

_REASONS: tuple[tuple[str, str], ...] = (
    (
        "Hostname mismatch",
        "its certificate names another host than REDIS_URL: use the name that it names, or add"
        " ?ssl_check_hostname=false",
    ),
    (
        "IP address mismatch",
        "its certificate does not name this address: use the name that it names, or add"
        " ?ssl_check_hostname=false",
    ),
    ("certificate has expired", "its certificate has expired: renew it"),
    ("self-signed certificate", _UNTRUSTED),
    ("unable to get local issuer", _UNTRUSTED),
    ("CERTIFICATE_REQUIRED", _CERTIFICATE),
    (
        "UNKNOWN_CA",
        "it does not trust our certificate: use one that its authority has signed (ssl_certfile,"
        " ssl_keyfile)",
    ),
    ("WRONG_VERSION_NUMBER", _PLAIN),
    ("RECORD_LAYER_FAILURE", _PLAIN),
    ("UNSUPPORTED_PROTOCOL", "it speaks no version of TLS that we speak (1.2 or newer)"),
)
"""What OpenSSL says, and what it means."""


def _words_of_one(error: BaseException) -> str:
    said = str(error)
    if isinstance(error, ConnectionAbortedError) and _HANGS in said:
        return f"it answers no TLS handshake within {HANDSHAKE_TIMEOUT_S} s: either {_PLAIN}; or it hangs"
    if not isinstance(error, ssl.SSLError):
        return ""
    for mark, words in _REASONS:
        if mark.lower() in said.lower():
            return words
    return f"TLS failed: {error.reason or said}"


def _shared(made: RedisSSLContext) -> RedisSSLContext:
    options = (
        made.keyfile, made.certfile, made.cert_reqs, made.ca_certs, made.ca_data, made.ca_path,
        made.check_hostname, made.min_version, made.ciphers, made.password,
        tuple(made.include_verify_flags or ()), tuple(made.exclude_verify_flags or ()),
    )  # fmt: skip
    return _made.setdefault(options, made)
