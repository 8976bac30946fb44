"""redis-py's connections, as several commands share them: one that is closed under a command says so.

Why it exists: where a server of a Cluster dies, or another becomes master, redis-py closes the connections
that are free, and waits for each; meanwhile another command takes one of them, finds it open, and fails by
what asyncio or uvloop says of a closed transport. That is no error of Redis, so nobody expects it: it ended
tasks, and their processes with them, when a master died under calls. Owns: closing without a wait, these
errors in redis-py's words, asking a Cluster for its topology again. Must not know: which server has a key,
what is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis.asyncio.cluster import ClusterPipeline, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection
from redis.asyncio.sentinel import SentinelManagedConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class SharedConnection(AbstractConnection):
    """To be mixed into a class of redis-py's."""

    async def disconnect(self, nowait: bool = False, *args: Any, **options: Any) -> None:
        """See redis-py; it never waits for the other side, so that nobody finds a connection half closed."""
        await super().disconnect(True, *args, **options)

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        """See redis-py. Raises its ConnectionError also where the connection is closed between the look at it
        and the write."""
        try:
            await super().send_packed_command(command, check_health)
        except (AttributeError, RuntimeError) as error:
            # No writer any more, or uvloop's word for a transport that is closed.
            raise RedisConnectionError(f"the connection was closed under a command: {error}") from error


class PlainConnection(SharedConnection, Connection):
    """Without TLS."""


class SentinelConnection(SharedConnection, SentinelManagedConnection):
    """The same, to whichever server is master."""


class ClusterClient(RedisCluster):
    """redis-py's client of a Cluster, whose pipelines notice that a master is gone, as its commands do: by
    itself a pipeline goes to the dead one until a single command has failed there."""

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """See redis-py."""
        assert not shard_hint, "there is none in a Cluster"
        return _Pipeline(self, transaction)  # type: ignore[abstract]  # An attribute of redis-py's own protocol.

    def doubt(self) -> None:
        """A server that it knows of cannot be used: the next command asks for the topology first."""
        self._initialize = True


# Private.


class _Pipeline(ClusterPipeline):
    __slots__ = ()

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        try:
            answers = await super().execute(raise_on_error, allow_redirections)
        except RedisCluster.ERRORS_ALLOW_RETRY:
            self._doubt()
            raise
        if any(isinstance(answer, RedisCluster.ERRORS_ALLOW_RETRY) for answer in answers):
            self._doubt()
        return answers

    def _doubt(self) -> None:
        client = self.cluster_client
        assert isinstance(client, ClusterClient), client
        client.doubt()
