"""redis-py, with every option explicit and every reply typed: for all that is not the hot path.

Why it exists: the library's defaults changed between versions (time-outs, retries, protocol), its retry
repeats a write whose answer was lost, and its types are a union of what any protocol and decoding might
return. A time-out here means *unknown*, never *failed*, and only what is idempotent is tried again, by its
caller (docs/decisions.md).

Owns: the options of the connection, the types of the replies. Must not know: what a key holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from redis.asyncio.cluster import RedisCluster

from shared.contract.command import Command
from shared.contract.entry import text_of
from shared.redis_url import read
from shared.store.errors import STORE_ERRORS
from shared.store.reach.pools import close_client, make_client

COMMAND_TIMEOUT_S = 1.0

Key = str | bytes
"""The name of a key, of a field, of a group: text goes out as UTF-8."""

Value = str | bytes | int | float

Hash = Mapping[bytes, bytes]
"""A hash, or the fields of an entry, as Redis returns them."""

StreamEntry = tuple[bytes, dict[bytes, bytes]]
"""(entry id, fields)."""

Streams = list[tuple[bytes, list[StreamEntry]]]
"""What a read of several streams found: (key, entries)."""


class Store:
    """A client for commands that answer at once: one method a command, bytes out.

    Each raises STORE_ERRORS (shared/store/errors.py). Cancelling one costs its connection, no more; whether
    it was done is unknown then, as after a time-out.
    """

    __slots__ = ("redis",)

    def __init__(self, client: Any) -> None:
        self.redis = client
        """redis-py's own client, whose types are of no help: for what has no method here."""

    @property
    def is_cluster(self) -> bool:
        """Whether keys are spread over several servers."""
        return isinstance(self.redis, RedisCluster)

    async def aclose(self) -> None:
        """Closes the connections. Cancelling it leaves them to be closed with the process."""
        await close_client(self.redis)

    # Keys of any type.

    async def exists(self, *keys: Key) -> int:
        """How many of the keys there are."""
        found: int = await self.redis.exists(*keys)
        return found

    async def delete(self, *keys: Key) -> int:
        """Removes the keys; returns how many there were."""
        removed: int = await self.redis.delete(*keys)
        return removed

    async def expire(self, key: Key, ttl_s: int) -> bool:
        """Sets the TTL of a key; False if there is no such key."""
        return bool(await self.redis.expire(key, ttl_s))

    async def pexpire(self, key: Key, ttl_ms: int) -> bool:
        """Sets the TTL of a key; False if there is no such key."""
        return bool(await self.redis.pexpire(key, ttl_ms))

    async def ttl(self, key: Key) -> int:
        """Seconds that a key has left: -1 for ever, -2 if there is no such key."""
        left_s: int = await self.redis.ttl(key)
        return left_s

    async def pttl(self, key: Key) -> int:
        """Milliseconds that a key has left: -1 for ever, -2 if there is no such key."""
        left_ms: int = await self.redis.pttl(key)
        return left_ms

    async def scan_iter(self, *, match: str | None = None, count: int | None = None) -> AsyncIterator[bytes]:
        """The names of all keys that fit; `count` is how many the server looks at in one step."""
        async for key in self.redis.scan_iter(match=match, count=count):
            yield key

    # Hashes.

    async def hget(self, key: Key, name: Key) -> bytes | None:
        """One field; None if it, or the hash, is missing."""
        value: bytes | None = await self.redis.hget(key, name)
        return value

    async def hmget(self, key: Key, names: Sequence[Key]) -> list[bytes | None]:
        """Several fields, in the order of `names`; None for one that is missing."""
        values: list[bytes | None] = await self.redis.hmget(key, list(names))
        return values

    async def hmget_text(self, key: Key, names: Sequence[str]) -> dict[str, str]:
        """Several fields as text; one that is missing is left out."""
        values = await self.hmget(key, names)
        return {
            name: value.decode(errors="replace")
            for name, value in zip(names, values, strict=True)
            if value is not None
        }

    async def hgetall(self, key: Key) -> dict[bytes, bytes]:
        """A whole hash; empty if there is no such key."""
        found: dict[bytes, bytes] = await self.redis.hgetall(key)
        return found

    async def hgetall_text(self, key: Key) -> dict[str, str]:
        """A whole hash as text; empty if there is no such key."""
        return text_of(await self.hgetall(key))

    async def hset(
        self,
        key: Key,
        name: Key | None = None,
        value: Value | None = None,
        *,
        mapping: Mapping[Any, Value] | None = None,
    ) -> int:
        """Writes one field, or those of `mapping`; returns how many are new."""
        added: int = await self.redis.hset(key, name, value, mapping=mapping)
        return added

    async def hsetnx(self, key: Key, name: Key, value: Value) -> bool:
        """Writes a field unless it is there; False if it was."""
        return bool(await self.redis.hsetnx(key, name, value))

    # Sets, sorted sets.

    async def sadd(self, key: Key, *members: Value) -> int:
        """Adds members to a set; returns how many are new."""
        added: int = await self.redis.sadd(key, *members)
        return added

    async def smembers(self, key: Key) -> set[bytes]:
        """A whole set; empty if there is no such key."""
        found: set[bytes] = await self.redis.smembers(key)
        return found

    async def srem(self, key: Key, *members: Value) -> int:
        """Removes members of a set; returns how many there were."""
        removed: int = await self.redis.srem(key, *members)
        return removed

    async def zadd(self, key: Key, scores: Mapping[Any, float]) -> int:
        """Adds members with their scores; returns how many are new."""
        added: int = await self.redis.zadd(key, scores)
        return added

    async def zcard(self, key: Key) -> int:
        """How many members a sorted set has."""
        count: int = await self.redis.zcard(key)
        return count

    async def zrange(self, key: Key, start: int, end: int) -> list[bytes]:
        """Members by rank, lowest score first; -1 is the last."""
        found: list[bytes] = await self.redis.zrange(key, start, end)
        return found

    async def zrem(self, key: Key, *members: Value) -> int:
        """Removes members of a sorted set; returns how many there were."""
        removed: int = await self.redis.zrem(key, *members)
        return removed

    async def zscore(self, key: Key, member: Value) -> float | None:
        """The score of a member; None if there is no such member."""
        score: float | None = await self.redis.zscore(key, member)
        return score

    # Streams.

    async def xadd(
        self,
        key: Key,
        fields: Mapping[Any, Value],
        id: Key = "*",
        *,
        maxlen: int | None = None,
        approximate: bool = True,
        nomkstream: bool = False,
    ) -> bytes | None:
        """Adds an entry; returns its id, or None with `nomkstream` if there is no such stream."""
        entry_id: bytes | None = await self.redis.xadd(
            key, fields, id=id, maxlen=maxlen, approximate=approximate, nomkstream=nomkstream
        )
        return entry_id

    async def xack(self, key: Key, group: Key, *entry_ids: Key) -> int:
        """Says that a group is done with entries; returns how many were pending."""
        acknowledged: int = await self.redis.xack(key, group, *entry_ids)
        return acknowledged

    async def xdel(self, key: Key, *entry_ids: Key) -> int:
        """Removes entries; returns how many there were."""
        removed: int = await self.redis.xdel(key, *entry_ids)
        return removed

    async def xlen(self, key: Key) -> int:
        """How many entries a stream has; 0 if there is no such key."""
        count: int = await self.redis.xlen(key)
        return count

    async def xtrim(self, key: Key, *, maxlen: int, approximate: bool = True) -> int:
        """Drops the oldest entries above `maxlen`; returns how many."""
        dropped: int = await self.redis.xtrim(key, maxlen=maxlen, approximate=approximate)
        return dropped

    async def xrange(
        self,
        key: Key,
        min: Key = "-",
        max: Key = "+",
        count: int | None = None,
    ) -> list[StreamEntry]:
        """Entries from `min` to `max`, oldest first."""
        found: list[StreamEntry] = await self.redis.xrange(key, min=min, max=max, count=count)
        return found

    async def xrevrange(self, key: Key, *, count: int | None = None) -> list[StreamEntry]:
        """The newest entries, newest first."""
        found: list[StreamEntry] = await self.redis.xrevrange(key, count=count)
        return found

    async def xread(
        self, after: Mapping[str, Key], *, count: int | None = None, block: int | None = None
    ) -> Streams:
        """Entries after the id given for each stream; waits `block` ms for the first one.

        Cancelling it loses nothing: the caller holds the positions.
        """
        found: Streams = await self.redis.xread(dict(after), count=count, block=block)
        return found

    async def xgroup_create(self, key: Key, group: Key, *, id: Key, mkstream: bool = False) -> None:
        """Makes a consumer group that reads after `id`. Raises ResponseError if it is there already."""
        await self.redis.xgroup_create(key, group, id=id, mkstream=mkstream)

    async def xreadgroup(
        self, group: Key, consumer: Key, after: Mapping[str, Key], *, count: int | None = None
    ) -> Streams:
        """Entries that no consumer was handed yet; cancelling it may leave them pending, for a claim."""
        found: Streams = await self.redis.xreadgroup(group, consumer, dict(after), count=count)
        return found

    async def xclaim(self, key: Key, group: Key, consumer: Key, entry_ids: Sequence[Key]) -> list[bytes]:
        """Takes pending entries over, whoever has them; returns the ids of those that are still pending."""
        ids: list[bytes] = await self.redis.xclaim(key, group, consumer, 0, list(entry_ids), justid=True)
        return ids

    async def xautoclaim(
        self, key: Key, group: Key, consumer: Key, idle_ms: int, *, count: int
    ) -> list[StreamEntry]:
        """Takes over what others were handed and have not acknowledged for `idle_ms`.

        Cancelling it may leave them pending, for the next claim.
        """
        reply: list[Any] = await self.redis.xautoclaim(key, group, consumer, idle_ms, "0-0", count=count)
        entries: list[StreamEntry] = reply[1]
        return entries

    # Commands of the contract, scripts, and many commands in one round trip.

    async def execute(self, command: Command) -> Any:
        """Sends a command that the contract has made, by itself; returns the server's plain reply."""
        name, *words = command.args
        # As text: on a Cluster redis-py looks the name up in the server's table.
        return await self.redis.execute_command(name.decode(), *words)

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: Value) -> Any:
        """Runs a script that the server knows. Raises NoScriptError if it has forgotten it."""
        return await self.redis.evalsha(sha, numkeys, *keys_and_args)

    async def script_load(self, text: str, key: Key) -> None:
        """Tells a script to the server that has a key: others may be away, and are told when they ask."""
        if self.is_cluster:
            await self.redis.initialize()
        to = {"target_nodes": self.redis.get_node_from_key(key)} if self.is_cluster else {}
        await self.redis.execute_command("SCRIPT LOAD", text, **to)

    async def ask_each(self, commands: Sequence[Sequence[Value]]) -> list[Any]:
        """Commands of one key each, which is their second word: one round trip to each server that has some.
        What was refused has its error as its answer, and of a server that does not answer all have.

        Raises STORE_ERRORS where nobody says which server has what. Cancelling it leaves unknown what was
        done.
        """
        if not self.is_cluster:
            return await self._ask_one(commands)
        await self.redis.initialize()
        by_server: dict[str, list[int]] = {}
        for place, command in enumerate(commands):
            node = self.redis.get_node_from_key(command[1])
            by_server.setdefault("" if node is None else str(node.name), []).append(place)
        answers: list[Any] = [None] * len(commands)
        shares = [[commands[place] for place in places] for places in by_server.values()]
        found = await asyncio.gather(*(self._ask_one(share) for share in shares))
        for places, of_server in zip(by_server.values(), found, strict=True):
            for place, answer in zip(places, of_server, strict=True):
                answers[place] = answer
        return answers

    def pipeline(self, *, transaction: bool) -> Any:
        """redis-py's pipeline, to enter with `async with`: commands are queued, `execute` returns replies."""
        return self.redis.pipeline(transaction=transaction)

    # The server itself.

    async def ping(self) -> None:
        """Returns when the server has answered."""
        await self.redis.ping(**await self._one())

    async def time(self) -> tuple[int, int]:
        """The server's clock: seconds, and microseconds of the second."""
        seconds, microseconds = await self.redis.time(**await self._one())
        return int(seconds), int(microseconds)

    async def info(self, *sections: str) -> dict[str, Any]:
        """What a server says of itself, numbers as numbers: the only one, the master, the first node of a
        Cluster."""
        return next(iter((await self.infos(*sections)).values()))

    async def infos(self, *sections: str) -> dict[str, dict[str, Any]]:
        """The same of each master, of which a Cluster has several, by where it is (`host:port`); where there
        is one alone, it is nowhere in particular (empty)."""
        return {at: await self.redis.info(*sections, **to) for at, to in await self._each()}

    async def configs(self, *names: str) -> dict[str, dict[str, str]]:
        """Configuration by name, of each master, by where it is, as `infos`. Raises ResponseError where that
        is forbidden."""
        return {at: await self.redis.config_get(*names, **to) for at, to in await self._each()}

    async def connections(self) -> dict[str, Any]:
        """One of redis-py's connections to each master, by where it is, as `infos`: not connected, and no
        pool has it, for what leaves a connection in a state that nobody else may find. It has no name: to
        give itself one is a command that may be forbidden.

        Raises STORE_ERRORS where a Cluster or Sentinels must be asked.
        """
        if self.is_cluster:
            sources = {str(node.name): node for node in await self._masters()}
        else:
            sources = {"": self.redis.connection_pool}
        return {
            at: source.connection_class(**{**source.connection_kwargs, "client_name": None})
            for at, source in sources.items()
        }

    # Private.

    async def _ask_one(self, commands: Sequence[Sequence[Value]]) -> list[Any]:
        """All in one pipeline. Raises nothing of STORE_ERRORS: then each is answered with the error."""
        try:
            async with self.pipeline(transaction=False) as pipe:
                for command in commands:
                    pipe.execute_command(*command)
                answers: list[Any] = await pipe.execute(raise_on_error=False)
        except STORE_ERRORS as error:
            return [error] * len(commands)
        return answers

    async def _one(self) -> dict[str, Any]:
        """Where a command without a key goes: on a Cluster to one master, not to all."""
        return {"target_nodes": (await self._masters())[0]} if self.is_cluster else {}

    async def _each(self) -> list[tuple[str, dict[str, Any]]]:
        """Where each master is, and where a command without a key goes to reach it."""
        if not self.is_cluster:
            return [("", {})]
        return [(str(node.name), {"target_nodes": node}) for node in await self._masters()]

    async def _masters(self) -> list[Any]:
        """The nodes of a Cluster that have slots. Raises STORE_ERRORS."""
        await self.redis.initialize()
        nodes: list[Any] = self.redis.get_primaries()
        return nodes


def make_store(url: str, *, name: str, timeout_s: float = COMMAND_TIMEOUT_S) -> Store:
    """A client of the Redis at `url`, which shows itself there as `name`. Nothing is connected yet.

    Raises ValueError for a URL that cannot be used.
    """
    return Store(make_client(read(url), name=name, timeout_s=timeout_s))
