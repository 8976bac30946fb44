"""What there is: keys in Redis, descriptors, tasks and memory of processes, sessions at the model.

Why it exists: a fault that leaves something behind a thousand times a day ends a host. Owns: the count. Must
not know: how much is too much.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections import Counter
from collections.abc import Mapping, Set
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from console.stack.launcher import Stack
from proofs.prove.chaos.evidence.shapes import Census
from shared.contract.keys import ADMITTED, WORKERS, Keys
from shared.contract.worker import ROLES
from shared.store.client import Store
from simulators.realtime.record import SessionRecord

TASKS: Final = "trunkline_tasks "
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

_OF_A_CALL: Final = re.compile(r"tl:\{\d+\}:call:[^:]+:(caller|turn|reply)")
_OF_A_WORKER: Final = re.compile(rf"tl:(?:\{{\d+\}}:)?(wake|owned|out|back|worker):(?:{'|'.join(ROLES)})-.+")
"""The watchdog shows itself too, some seconds after it has begun."""

ONE_LANE: Final = Keys(1)


async def take(
    stack: Stack,
    store: Store,
    sessions: list[SessionRecord],
    *,
    keys: Keys = ONE_LANE,
    redis_ports: Set[int] = frozenset(),
) -> Census:
    """Counts. `redis_ports`: of a Redis that is not the stack's own. Raises STORE_ERRORS and
    SUPERVISOR_ERRORS. Cancelling it only ends the count."""
    pids = {name: pid for name, pid in (await stack.pids()).items() if name.partition("-")[0] in ROLES}
    return Census(
        keys=await _keys(store, keys),
        fds=_of(pids, partial(_fds, redis_ports=redis_ports or {stack.ports.redis})),
        tasks=await _tasks(stack, pids),
        rss_bytes=_of(pids, _rss_bytes),
        sessions=sum(session.closed_at_ms is None for session in sessions),
    )


def kind_of(key: str) -> str | None:
    """What kind of key it is; None: one that stays for people, or that there is once."""
    if match := _OF_A_CALL.fullmatch(key):
        return match[1]
    if match := _OF_A_WORKER.fullmatch(key):
        return match[1]
    return None


# Private.


async def _keys(store: Store, keys: Keys) -> dict[str, int]:
    counts: Counter[str] = Counter()
    # Each once: on a Cluster redis-py asks a master that became a replica too, until something tells it.
    for key in {key async for key in store.redis.scan_iter(match="tl:*", count=500)}:
        kind = kind_of(key.decode())
        if kind is not None:
            counts[kind] += 1
    for lane in range(keys.lanes):
        counts["entries of slots"] += await store.redis.zcard(keys.slots(lane))
        counts["entries of live"] += await store.redis.zcard(keys.live(lane))
        counts["entries of calls"] += await store.redis.xlen(keys.calls(lane))
    counts["entries of admitted"] = await store.redis.zcard(ADMITTED)
    counts["entries of workers"] = await store.redis.scard(WORKERS)
    return dict(counts)


def _of(pids: Mapping[str, int], read: object) -> dict[str, int]:
    assert callable(read)
    found: dict[str, int] = {}
    for name, pid in pids.items():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended meanwhile.
            found[name] = read(pid)
    return found


def _fds(pid: int, redis_ports: Set[int]) -> int:
    """Descriptors without connections to those ports, Redis's: a process keeps as many as it ever had at
    once, to a fixed most of them, and those that Redis has dropped until it wants them again."""
    of_redis = _sockets_to(pid, redis_ports)
    folder = Path(f"/proc/{pid}/fd")
    links = []
    for each in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # Closed meanwhile.
            links.append(os.readlink(each))
    return sum(link not in of_redis for link in links)


def _sockets_to(pid: int, ports: Set[int]) -> set[str]:
    """Of all processes in its network, as their descriptors name them."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]:
            words = line.split()
            if int(words[2].rpartition(":")[2], 16) in ports:
                found.add(f"socket:[{words[9]}]")
    return found


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_BYTES


async def _tasks(stack: Stack, pids: Mapping[str, int]) -> dict[str, int]:
    async with httpx.AsyncClient(timeout=2.0) as client:
        answers = await asyncio.gather(*(_ask(client, stack, name) for name in pids))
    return {name: count for name, count in zip(pids, answers, strict=True) if count is not None}


async def _ask(client: httpx.AsyncClient, stack: Stack, name: str) -> int | None:
    role, _, number = name.rpartition("-")
    try:
        answer = await client.get(f"http://127.0.0.1:{stack.admin_port(role, int(number))}/metrics")
    except httpx.HTTPError:
        return None  # It is coming up.
    return tasks_in(answer.text)


def tasks_in(text: str) -> int | None:
    """The number of tasks in the metrics of a process; None: it does not say."""
    for line in text.splitlines():
        if line.startswith(TASKS):
            return int(float(line.removeprefix(TASKS)))
    return None
