"""What a Redis must be like before a process works with it, and the settings that all processes share.

Why it exists: a wrong Redis loses calls without a word, hours later. One that is away is waited for; one that
answers but cannot serve (too old, evicting, another number of lanes) is an error of the set-up; so is a
password that it does not take, or a user that may not do what is needed. Either makes a process not ready,
and neither ends it: it serves when somebody has mended the other end.

Owns: the checks at start. Must not know: what a process does with its Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from shared.contract import keys
from shared.contract.entry import whole
from shared.redis_url import DEFAULT_USER, RedisPlace, Shape
from shared.store.access import permissions
from shared.store.client import Store
from shared.store.errors import (
    STORE_ERRORS,
    RedisForbids,
    RedisLoginRefused,
    RedisRefused,
    is_of_the_moment,
    not_let_in,
)
from shared.store.reach.tls import words_of

LEAST_REDIS = (7, 0)
LEAST_VALKEY = (8, 0)

PATCHED: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "Redis": ((7, 2, 11), (7, 4, 9), (8, 0, 4), (8, 2, 2), (8, 4, 3), (8, 6, 3)),
    "Valkey": ((8, 0, 8), (8, 1, 7), (9, 0, 4)),
}
"""Of each line, the first release that is known to be without the flaws below (of Redis 7.2, 8.0 and 8.2
without the first of them; Valkey's by its release notes of May 2026). Lines that are not here are newer; or,
as Redis 7.0, have none: whoever packages it must have mended it."""

FLAWS = "CVE-2025-49844 (scripts) and, from 7.2 on, CVE-2026-23479 (blocked readers)"
"""With either, whoever may log in can run code on the server."""

FULL_COVERAGE = "cluster-require-full-coverage"
WAIT_MIN_S, WAIT_MAX_S = 0.2, 2.0

REFUSED_PAUSE_S = 2.0
"""Between two looks at a Redis that cannot serve: somebody has to change something."""


async def wait_for_redis(
    store: Store,
    lanes: int,
    place: RedisPlace,
    on_wait: Callable[[str], None],
    on_refused: Callable[[RedisRefused], None],
    *,
    user: str = DEFAULT_USER,
    role: str = "",
) -> str:
    """Waits until Redis answers and can serve. Returns its version for the log, and what could not be looked
    at.

    `on_wait` gets the reason each time that it did not answer, `on_refused` each time that it cannot serve:
    the process is not ready meanwhile, and goes on by itself when that is mended. `user` is for the words of
    a refusal; `role`: what is asked of that user (permissions.missing). Cancelling it is safe.
    """
    pause_s = WAIT_MIN_S
    while True:
        try:
            return await inspect(store, lanes, place, user=user, role=role)
        except RedisRefused as refused:
            on_refused(refused)
            await asyncio.sleep(REFUSED_PAUSE_S)
        except STORE_ERRORS as error:
            on_wait(f"{type(error).__name__}: {words_of(error) or error}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, WAIT_MAX_S)


async def inspect(
    store: Store, lanes: int, place: RedisPlace, *, user: str = DEFAULT_USER, role: str = ""
) -> str:
    """Looks once. Returns its version, and what it may not look at. Raises RedisRefused where it cannot
    serve, STORE_ERRORS where it does not answer. Cancelling it is safe."""
    try:
        lacking = await permissions.missing(store, role)
        if lacking:
            raise RedisForbids(
                f"expected a user that may do all that Trunkline does; {user} {lacking}."
                f" Grant it: {lacking.remedy(user)}"
            )
        infos = await store.infos()
        config = await configuration(store, place)
        stored = await agree_on_lanes(store, lanes)
    except STORE_ERRORS as error:
        match not_let_in(error):
            case AuthenticationError() as said:
                raise RedisLoginRefused(
                    f"expected user and password to be taken, got: {str(said).rstrip('.')}."
                    " Correct them in REDIS_URL (redis://user:password@host:port/0)."
                ) from None
            case NoPermissionError() as said:
                raise RedisForbids(f"expected {user} to be allowed it, got: {said}") from None
        raise
    if stored != lanes:
        raise RedisRefused(
            f"expected LANES to be {stored}, as stored in {keys.CONFIG} by the first process of this"
            f" deployment, got {lanes}. Set TRUNKLINE_LANES={stored}, or use an empty Redis."
        )
    told = judge(list(infos.values()), config, place)
    unseen = not_looked_at(config, place)
    return f"{told}; not looked at: {unseen}" if unseen else told


async def agree_on_lanes(store: Store, lanes: int) -> int:
    """How many lanes the deployment has: as its first process said; 0 where what stands there is no number.
    Raises STORE_ERRORS. Cancelling is safe."""
    await store.hsetnx(keys.CONFIG, "lanes", str(lanes))
    told = await store.hget(keys.CONFIG, "lanes")
    return lanes if told is None else whole(told) or 0


async def configuration(store: Store, place: RedisPlace) -> Mapping[str, str]:
    """What `judge` wants to know and INFO does not say; nothing where the user may not ask for it. Of a
    Cluster, where each node has a file of its own, what one of the masters says and should not. Raises
    STORE_ERRORS. Cancelling is safe."""
    if place.shape is not Shape.CLUSTER:
        return {}
    try:
        found = await store.configs(FULL_COVERAGE)
    except ResponseError as error:
        if is_of_the_moment(error):
            raise
        return {}  # Forbidden or renamed, as managed services do.
    is_full = any(each.get(FULL_COVERAGE) == "yes" for each in found.values())
    return {FULL_COVERAGE: "yes" if is_full else "no"}


def judge(infos: Sequence[Mapping[str, Any]], config: Mapping[str, str], place: RedisPlace) -> str:
    """What masters say of themselves: `infos` of INFO, one each, `config` what is known of their
    configuration. Returns their versions, for the log. Raises RedisRefused for what no waiting mends."""
    for info in infos:
        _check_version(info)
        policy = str(info.get("maxmemory_policy", "noeviction"))
        if policy != "noeviction":
            raise RedisRefused(
                f"expected maxmemory-policy noeviction, got {policy}: it would delete live calls without a"
                " word. Set it with CONFIG SET maxmemory-policy noeviction and in redis.conf."
            )
    wrong = shape_problem(infos, config, place)
    if wrong:
        raise RedisRefused(wrong)
    return " and ".join(sorted({_version_of(info) for info in infos}))


def shape_problem(infos: Sequence[Mapping[str, Any]], config: Mapping[str, str], place: RedisPlace) -> str:
    """Why its shape will not do, by the same facts as `judge`, and what to do; empty: it will."""
    is_cluster = any(str(info.get("cluster_enabled", "0")) == "1" for info in infos)
    if is_cluster and place.shape is not Shape.CLUSTER:
        return (
            "expected one server or a master with replicas, got a node of a Cluster: it has some of the keys"
            " only. Write cluster://host:port in REDIS_URL."
        )
    if place.shape is Shape.SENTINEL and not any("min_slaves_good_slaves" in info for info in infos):
        return (
            "expected min-replicas-to-write 1 or more on a master with Sentinels, got 0: one that is cut off"
            " would go on taking calls that are lost when it comes back. Set min-replicas-to-write 1 and"
            " min-replicas-max-lag 10 on the master and on each replica."
        )
    if config.get(FULL_COVERAGE, "no") == "yes":
        return (
            f"expected {FULL_COVERAGE} no, got yes: one lost master would stop the calls of all. Set it with"
            f" CONFIG SET {FULL_COVERAGE} no on each node, and in its configuration."
        )
    return ""


def not_looked_at(config: Mapping[str, str], place: RedisPlace) -> str:
    """The setting that its shape depends on and that the user may not ask for; empty: there is none."""
    return FULL_COVERAGE if place.shape is Shape.CLUSTER and FULL_COVERAGE not in config else ""


def flaw_of(info: Mapping[str, Any]) -> str:
    """What a server's patch level lacks, and the release that has it; empty: nothing that is known here. It
    is said to people, and keeps nobody from starting."""
    name, found = _name_and_numbers(info)
    release = next((each for each in PATCHED[name] if each[:2] == found[:2]), None)
    if release is None or found >= release:
        return ""
    return f"below {'.'.join(map(str, release))}, the patched release of its line: {FLAWS}"


# Private.


def _version_of(info: Mapping[str, Any]) -> str:
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', '0')}"


def _check_version(info: Mapping[str, Any]) -> None:
    name, found = _name_and_numbers(info)
    least = LEAST_VALKEY if name == "Valkey" else LEAST_REDIS
    if found[: len(least)] < least:
        version, wanted = _version_of(info).partition(" ")[2], ".".join(map(str, least))
        raise RedisRefused(f"expected {name} {wanted} or newer, got {version}. Use a newer server.")


def _name_and_numbers(info: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
    name, _, version = _version_of(info).partition(" ")
    return name, tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
