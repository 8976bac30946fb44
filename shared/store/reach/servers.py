"""Which server has a key, whatever the shape of Redis: one server, a master that Sentinels name, a Cluster.

Why it exists: the hot path keeps its own connections, each to the one server that has its lane, and must find
that server again after a failover or when the lane's slot has moved. Owns: asking (Sentinels and topology are
redis-py's own clients), what is remembered of the answer, the way to open a connection. Must not know: what
is sent.

Nothing is asked while connections live: a Sentinel or the topology is asked when one is opened, and what a
server said by MOVED counts at once, for the slot that it named.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot

from shared.clock import now_ms
from shared.contract.keys import Keys
from shared.redis_url import RedisHost, RedisPlace, Shape, read
from shared.store.reach import tls
from shared.store.reach.connections import ClusterClient, PlainConnection
from shared.store.reach.link import Login, OnLost, RedisLink, open_link
from shared.store.reach.sentinels import sentinel_client
from shared.store.refusals import MOVED

ASK_TIMEOUT_S = 0.5
"""How long one node that is asked for the topology may take."""

FRESH_MS = 200.0
"""A topology is asked for again at most this often: all lanes of a lost master ask at once."""

REDIRECTED_MOST = 1024
"""Slots of which a server said that another has them; with more, the topology is asked for instead."""


class Finder(Protocol):
    """Finds the server of a hash slot."""

    async def find(self, slot: int) -> RedisHost:
        """The master that has it now. Raises STORE_ERRORS. Cancelling it is safe."""

    def moved(self, slot: int, to: RedisHost) -> None:
        """A server said so."""

    def doubt(self) -> None:
        """A server that was found cannot be used: what is remembered may be old."""

    async def aclose(self) -> None:
        """Closes what it asks with."""


class Servers:
    """The servers of one deployment. Nothing is connected by making it; its TLS context is."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for a URL that cannot be used; OSError, ssl.SSLError or RedisError for a
        certificate that cannot be read."""
        self.place = read(url)
        self._tls = tls.context_of(self.place)
        self._finder = _finder_of(self.place)
        self._login = Login.of(self.place)

    def keys(self, lanes: int) -> Keys:
        """The names of keys, as this shape wants them."""
        return Keys(lanes, spread=self.place.shape is Shape.CLUSTER)

    def way(self, key: str = "") -> Way:
        """The way to the server of a key, and of all keys of its hash slot; without one, to any (the only)
        server."""
        return Way(self, key_slot(key.encode()))

    async def open(self, slot: int, *, name: str, on_lost: OnLost | None) -> RedisLink:
        """See Way.open."""
        server = await self._finder.find(slot)
        try:
            return await open_link(server, self._login, self._tls, name=name, on_lost=on_lost)
        except BaseException:
            self._finder.doubt()
            raise

    def note(self, error: str) -> None:
        """What a server refused a command with: MOVED says who has the slot."""
        moved = moved_of(error)
        if moved is None:
            self._finder.doubt()
        else:
            self._finder.moved(*moved)

    async def aclose(self) -> None:
        """Closes what asks for servers; connections that were opened are their users'."""
        await self._finder.aclose()


@dataclass(frozen=True, slots=True)
class Way:
    """How one reader or writer comes to the server of its slot, again and again."""

    servers: Servers
    slot: int

    @property
    def may_move(self) -> bool:
        """Whether another server may have the slot tomorrow."""
        return self.servers.place.may_move

    async def open(self, *, name: str, on_lost: OnLost | None = None) -> RedisLink:
        """A connection to the server that has the slot now. Raises STORE_ERRORS. Cancelling it closes it."""
        return await self.servers.open(self.slot, name=name, on_lost=on_lost)

    def note(self, error: str) -> None:
        """What the server refused: the next `open` heeds it."""
        self.servers.note(error)


def moved_of(error: str) -> tuple[int, RedisHost] | None:
    """The slot and its server that a MOVED names; None for any other error."""
    words = error.split()
    if len(words) != 3 or words[0] != MOVED or not words[1].isdigit():
        return None
    name, _, port = words[2].rpartition(":")
    return (int(words[1]), RedisHost(name, int(port))) if name and port.isdigit() else None


def cluster_client(place: RedisPlace, **options: Any) -> ClusterClient:
    """redis-py's client of a Cluster, which tries nothing twice by itself. `options`: of its connections."""
    client = ClusterClient(
        startup_nodes=[ClusterNode(host.name, host.port) for host in place.hosts],
        ssl=place.is_tls,
        retry=Retry(NoBackoff(), 0),
        # MOVED names the slot and its server, and that is remembered. By default each fifth one closes all
        # connections and has the topology read again: 8 ms of the loop, in each process, while a slot moves.
        reinitialize_steps=0,
        **{**_known_to_a_cluster(place), **options},
    )
    kind = tls.SharedTlsConnection if place.is_tls else PlainConnection
    # Before any of them connects: nodes that it finds later are made with the same dictionary.
    client.connection_kwargs["connection_class"] = kind
    for node in client.startup_nodes:
        node.connection_class = kind
    return client


# Private.


class _Fixed:
    """One server has everything, for ever."""

    def __init__(self, host: RedisHost) -> None:
        self._host = host

    async def find(self, slot: int) -> RedisHost:
        return self._host

    def moved(self, slot: int, to: RedisHost) -> None:
        """It cannot move: somebody runs a Cluster's node as one server. The next command is refused again."""

    def doubt(self) -> None:
        """There is no other."""

    async def aclose(self) -> None:
        """Nothing is asked."""


class _Named:
    """The server that the Sentinels call master has everything."""

    def __init__(self, place: RedisPlace) -> None:
        self._master = place.master
        self._sentinel = sentinel_client(place)

    async def find(self, slot: int) -> RedisHost:
        return RedisHost(*await self._sentinel.discover_master(self._master))

    def moved(self, slot: int, to: RedisHost) -> None:
        """Sentinels know no slots."""

    def doubt(self) -> None:
        """They are asked each time."""

    async def aclose(self) -> None:
        await self._sentinel.aclose()


class _Slotted:
    """Each slot has a master of its own."""

    def __init__(self, place: RedisPlace) -> None:
        self._client = cluster_client(
            place, socket_timeout=ASK_TIMEOUT_S, socket_connect_timeout=ASK_TIMEOUT_S, driver_info=None,
            protocol=2,
        )  # fmt: skip
        self._redirected: dict[int, RedisHost] = {}
        self._asked_at_ms = -FRESH_MS
        self._is_doubted = False
        self._asking = asyncio.Lock()

    async def find(self, slot: int) -> RedisHost:
        redirected = self._redirected.get(slot)
        if redirected is not None:
            return redirected
        async with self._asking:
            await self._client.initialize()
            if self._is_doubted and now_ms() - self._asked_at_ms >= FRESH_MS:
                await self._client.nodes_manager.initialize()
                self._asked_at_ms, self._is_doubted = now_ms(), False
        node = self._client.nodes_manager.get_node_from_slot(slot)
        return RedisHost(str(node.host), int(node.port))

    def moved(self, slot: int, to: RedisHost) -> None:
        # The topology is not asked for: that takes 8 ms of the loop, and each slot that moves says so itself.
        if len(self._redirected) >= REDIRECTED_MOST:
            self.doubt()
        self._redirected[slot] = to

    def doubt(self) -> None:
        self._redirected.clear()
        self._is_doubted = True

    async def aclose(self) -> None:
        await self._client.aclose()


def _finder_of(place: RedisPlace) -> Finder:
    if place.shape is Shape.CLUSTER:
        return _Slotted(place)
    if place.shape is Shape.SENTINEL:
        return _Named(place)
    return _Fixed(place.hosts[0])


_OF_A_CLUSTER = frozenset({"username", "password", "socket_keepalive", "health_check_interval"})


def _known_to_a_cluster(place: RedisPlace) -> dict[str, Any]:
    return {
        name: value
        for name, value in place.options.items()
        if name in _OF_A_CLUSTER or (place.is_tls and name.startswith("ssl_"))
    }
