"""One raw connection to Redis for the hot path: bytes in, replies to callbacks, nothing awaited.

Why it exists: redis-py costs 12.6 µs for an XADD in a pipeline, most of it in packing and in awaiting
each reply. The outbox and the inbox send three or four commands thousands of times a second, so these
are packed by hand and parsed by hiredis, as redis-py itself does. Everything else goes through redis-py.

Owns: the socket, the handshake (AUTH, SELECT, CLIENT SETNAME, SCRIPT LOAD), the order of replies.
Must not know: what is sent, retries, batches.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import hiredis
from redis.exceptions import RedisError

from shared import resp
from shared.contract.lua import scripts
from shared.redis_url import RedisHost, RedisPlace, Shape
from shared.store import refusals
from shared.store.errors import LinkLost
from shared.store.reach.tls import ENDED_AT_ONCE, HANDSHAKE_TIMEOUT_S, words_of

CONNECT_TIMEOUT_S = 1.0
ROLE_QUESTION = [b"INFO", b"replication"]
"""ROLE says the same, and is a command more to be allowed."""

GONE = "the connection to Redis is gone"

ReplyError = refusals.ReplyError
"""An error that Redis answered; it is handed out as a reply, never raised."""

Replies = list[Any]
"""What one write is answered with: bytes, int, None, lists of these, or ReplyError."""

OnReplies = Callable[[Replies], None]
OnLost = Callable[["RedisLink"], None]


class RedisLink(asyncio.Protocol):
    """A connection. Open it with `open_link`; it never reconnects by itself."""

    def __init__(self, on_lost: OnLost | None = None) -> None:
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._expected: deque[tuple[int, OnReplies]] = deque()
        """Replies still to come: how many belong to a write, and who gets them."""
        self._gathered: Replies = []
        self._asking: list[asyncio.Future[Any]] = []
        """Those who wait in `ask`: a loss must reach them too."""
        self._why = GONE
        self.on_lost = on_lost
        self.lost = False

    # asyncio.Protocol.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        reader, gathered, expected = self._reader, self._gathered, self._expected
        reader.feed(data)
        while True:
            try:
                reply = reader.gets()
            except hiredis.ProtocolError:
                self.close()
                return
            if reply is False:
                return
            gathered.append(reply)
            if not expected:
                self.close()  # A reply that nobody asked for: the order is lost.
                return
            count, on_replies = expected[0]
            if len(gathered) == count:
                expected.popleft()
                gathered, self._gathered = self._gathered, []
                on_replies(gathered)
                gathered = self._gathered

    def connection_lost(self, exc: Exception | None) -> None:
        said = words_of(exc) if exc is not None else ""
        if said:  # TLS 1.3 refuses a client's certificate when the handshake is over.
            self._why = f"{GONE}: {said}"
        self._lose()

    # For users.

    def expect(self, replies: int, on_replies: OnReplies) -> None:
        """Announces that `replies` replies will come to what is sent next. After a loss, does nothing."""
        if not self.lost:
            self._expected.append((replies, on_replies))

    def send(self, packed: bytes) -> None:
        """Sends packed commands, whose replies were announced in their order. After a loss, does nothing."""
        if packed and self._transport is not None and not self.lost:
            self._transport.write(packed)

    async def ask(self, packed: bytes, *, timeout_s: float, commands: int = 1) -> Any:
        """One command, its reply; of several `commands` the last one's. Raises LinkLost (also after
        `timeout_s`: then the link is closed).

        Cancelling it is safe: the reply still comes, and is dropped.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(replies: Replies) -> None:
            if not future.done():
                future.set_result(replies[-1])

        if self.lost:
            raise LinkLost(self._why)
        self._asking.append(future)
        self.expect(commands, settle)
        self.send(packed)
        timer = loop.call_later(timeout_s, self.close)
        try:
            return await future
        finally:
            timer.cancel()
            self._asking.remove(future)

    def close(self) -> None:
        """Drops the connection at once; `on_lost` is called if it was alive."""
        if self._transport is not None:
            self._transport.abort()
        self._lose()

    # Private.

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        self._expected.clear()
        for future in self._asking:
            if not future.done():
                future.set_exception(LinkLost(self._why))
        if self.on_lost is not None:
            self.on_lost(self)


@dataclass(frozen=True, slots=True)
class Login:
    """How a connection logs in, and what it works on."""

    user: str
    password: str = field(repr=False)
    database: int
    wants_master: bool
    """A server that turned into a replica is no use, though it answers reads."""

    @classmethod
    def of(cls, place: RedisPlace) -> Login:
        """As a URL says it."""
        options = place.options
        return cls(
            user=str(options.get("username", "")),
            password=str(options.get("password", "")),
            database=place.database,
            wants_master=place.shape is Shape.SENTINEL,
        )


async def open_link(
    server: RedisHost,
    login: Login,
    context: ssl.SSLContext | None,
    *,
    name: str,
    on_lost: OnLost | None = None,
) -> RedisLink:
    """Connects, authenticates, loads our scripts. Raises OSError, TimeoutError or RedisError.

    Cancelling it closes the connection.
    """
    link = RedisLink()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await _connect(link, server, context)
            for args in _handshake(login, name):
                reply = await link.ask(resp.pack(args), timeout_s=CONNECT_TIMEOUT_S)
                if isinstance(reply, ReplyError):
                    raise RedisError(f"Redis refused {args[0].decode()}: {reply}")
                if args == ROLE_QUESTION and b"\nrole:master" not in reply:
                    raise RedisError(f"the server at {server} is no master (any more)")
    except (ssl.SSLError, ConnectionAbortedError) as error:
        link.close()
        raise RedisError(f"no connection to {server}: {words_of(error) or error}") from error
    except LinkLost as error:
        link.close()
        if context is None or str(error) != GONE:
            raise
        raise RedisError(f"no connection to {server}: {ENDED_AT_ONCE}") from error
    except BaseException:
        link.close()
        raise
    link.on_lost = on_lost
    if link.lost:
        raise LinkLost(GONE)
    return link


# Private.


async def _connect(link: RedisLink, server: RedisHost, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    if server.path:
        await loop.create_unix_connection(lambda: link, server.path)
        return
    limit_s = None if context is None else HANDSHAKE_TIMEOUT_S
    await loop.create_connection(
        lambda: link, server.name, server.port, ssl=context, ssl_handshake_timeout=limit_s
    )


def _handshake(login: Login, name: str) -> list[list[bytes]]:
    commands: list[list[bytes]] = []
    if login.password:
        user = [login.user.encode()] if login.user else []
        commands.append([b"AUTH", *user, login.password.encode()])
    if login.database:
        commands.append([b"SELECT", b"%d" % login.database])
    if login.wants_master:
        commands.append(ROLE_QUESTION)
    commands.append([b"CLIENT", b"SETNAME", name.encode()])
    commands += [[b"SCRIPT", b"LOAD", script.text.encode()] for script in scripts.ALL]
    return commands
