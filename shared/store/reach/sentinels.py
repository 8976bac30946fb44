"""redis-py's client of the Sentinels, which says in words why none of them names a master.

Why it exists: where Sentinels cannot be asked, redis-py's own text is every option of each connection and
the kind of the error, without its words: a wrong certificate and a wrong password look alike. Owns: the
options of the connections to Sentinels, these words. Must not know: what is asked of the master.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.redis_url import RedisHost, RedisPlace
from shared.store.reach import tls

ASK_TIMEOUT_S = 0.5
"""How long one Sentinel may take."""


class Sentinels(Sentinel):
    """All that a URL names; the one that answered last is asked first."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Host and port of the master, as the first that answers names it. Raises MasterNotFoundError, whose
        cause is what the first of them failed with. Cancelling it is safe."""
        why: Exception | None = None
        said = []
        for number, sentinel in enumerate(self.sentinels):
            options = sentinel.connection_pool.connection_kwargs
            place = RedisHost(options["host"], options["port"])
            try:
                masters: Mapping[str, Any] = await sentinel.sentinel_masters()  # type: ignore[assignment]
            except (RedisConnectionError, RedisTimeoutError) as error:
                why = why or error
                said.append(f"{place}: {tls.words_of(error) or error}")
                continue
            state = masters.get(service_name)
            if state and self.check_master_state(state, service_name):
                self.sentinels[0], self.sentinels[number] = sentinel, self.sentinels[0]
                return str(state["ip"]), int(state["port"])
            said.append(f"{place}: it knows none that lives")
        raise MasterNotFoundError(f"no Sentinel names a master {service_name} ({'; '.join(said)})") from why


def sentinel_client(place: RedisPlace) -> Sentinels:
    """The Sentinels of a place, each of which is asked once. Nothing is connected yet."""
    ssl_options = {name: value for name, value in place.options.items() if name.startswith("ssl_")}
    found = Sentinels(  # type: ignore[no-untyped-call]
        [(host.name, host.port) for host in place.hosts],
        sentinel_kwargs={
            "socket_timeout": ASK_TIMEOUT_S,
            "socket_connect_timeout": ASK_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 0),
            "driver_info": None,
            "protocol": 2,
            **place.sentinel_login,
            **({"ssl": True, **ssl_options} if place.is_tls else {}),
        },
    )
    if place.is_tls:
        for each in found.sentinels:
            pool = each.connection_pool
            assert pool.connection_class is SSLConnection, pool.connection_class
            pool.connection_class = tls.SharedTlsConnection
    return found
