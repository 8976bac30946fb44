"""What a Redis must be like before a process works with it, and the settings that all processes share.

Why it exists: a wrong Redis loses calls without a word, hours later. One that is away is waited for; one that
answers but cannot serve (too old, evicting, another number of lanes) is an error of the set-up that no
waiting mends; so is a password that it does not take, or a user that may not do what is needed.

Owns: the checks at start. Must not know: what a process does with its Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from redis.exceptions import AuthenticationError, NoPermissionError

from shared.contract import keys
from shared.contract.entry import whole
from shared.redis_url import DEFAULT_USER
from shared.store import permissions
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS, RedisForbids, RedisLoginRefused, RedisRefused

LEAST_REDIS = (7, 0)
LEAST_VALKEY = (8, 0)
WAIT_MIN_S, WAIT_MAX_S = 0.2, 2.0


async def wait_for_redis(
    store: Store, lanes: int, on_wait: Callable[[str], None], *, user: str = DEFAULT_USER
) -> str:
    """Waits until Redis answers, then checks it. Returns its version for the log.

    `on_wait` gets the reason each time an attempt failed; `user` is for the words of a refusal. Raises
    RedisRefused. Cancelling it is safe.
    """
    pause_s = WAIT_MIN_S
    while True:
        try:
            lacking = await permissions.missing(store)
            if lacking:
                raise RedisForbids(
                    f"expected a user that may do all that Trunkline does; {user} {lacking}."
                    f" Grant it: {lacking.remedy(user)}"
                )
            info = await store.info()
            stored = await agree_on_lanes(store, lanes)
        except AuthenticationError as error:
            raise RedisLoginRefused(
                f"expected user and password to be taken, got: {str(error).rstrip('.')}."
                " Correct them in REDIS_URL (redis://user:password@host:port/0)."
            ) from None
        except NoPermissionError as error:
            raise RedisForbids(f"expected {user} to be allowed it, got: {error}") from None
        except STORE_ERRORS as error:
            on_wait(f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, WAIT_MAX_S)
            continue
        if stored != lanes:
            raise RedisRefused(
                f"expected LANES to be {stored}, as stored in {keys.CONFIG} by the first process of this"
                f" deployment, got {lanes}. Set TRUNKLINE_LANES={stored}, or use an empty Redis."
            )
        return _check(info)


async def agree_on_lanes(store: Store, lanes: int) -> int:
    """How many lanes the deployment has: as its first process said; 0 where what stands there is no number.
    Raises STORE_ERRORS. Cancelling is safe."""
    await store.hsetnx(keys.CONFIG, "lanes", str(lanes))
    told = await store.hget(keys.CONFIG, "lanes")
    return lanes if told is None else whole(told) or 0


# Private.


def _check(info: dict[str, Any]) -> str:
    is_valkey = "valkey_version" in info
    version = str(info["valkey_version"] if is_valkey else info.get("redis_version", "0"))
    name, least = ("Valkey", LEAST_VALKEY) if is_valkey else ("Redis", LEAST_REDIS)
    if tuple(int(part) for part in version.split(".")[:2]) < least:
        raise RedisRefused(
            f"expected {name} {least[0]}.{least[1]} or newer, got {version}. Use a newer server."
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise RedisRefused(
            f"expected maxmemory-policy noeviction, got {policy}: it would delete live calls without a word."
            " Set it with CONFIG SET maxmemory-policy noeviction and in redis.conf."
        )
    return f"{name} {version}"
