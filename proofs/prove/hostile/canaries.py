"""What must stand nowhere, looked for where it might: secrets, numbers and words, in logs, metrics,
argv and Redis.

Why it exists: what an attack provokes is logged by code that is seldom run. Owns: what is looked for, where.
Must not know: what led to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import httpx

from console.stack.launcher import Stack
from proofs.prove.hostile import payloads
from shared.contract.worker import ROLES
from shared.store.client import Store
from simulators.twilio.caller.plan import CALLER_NUMBER

API_KEY: Final = "sk-canary-0d5c2f6a9b"
"""Of the model; the simulated one takes any."""

WORDS: Final = payloads.WORDS[:40]

SAID, CALLER, STRANGER = "what somebody said", "a caller's number", "a stranger's number"

NUMBER_KEY: Final = ":number"
"""Where a caller's number stands in Redis in full, and nowhere else. Words may: they are the call."""

READ: Final = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", "0", "-1"),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", "0", "-1"),
    b"stream": ("XRANGE", "-", "+"),
}
"""Type of a key → what shows all of it."""


def canaries(auth_token: str, tokens: Iterable[str]) -> dict[str, str]:
    """What each is → how it reads. `tokens`: of streams."""
    known = {
        "the auth token": auth_token,
        "the API key": API_KEY,
        CALLER: CALLER_NUMBER,
        STRANGER: payloads.CALLER,
        SAID: WORDS,
    }
    return known | {f"the stream token {number}": token for number, token in enumerate(tokens) if token}


def leaks(texts: Mapping[str, str], looked_for: Mapping[str, str]) -> list[str]:
    """Where something stands that must not, as words that do not repeat it."""
    return [
        f"{what} stands in {where}"
        for where, text in texts.items()
        for what, canary in looked_for.items()
        if canary in text
    ]


def leaks_in_redis(texts: Mapping[str, str], looked_for: Mapping[str, str]) -> list[str]:
    """The same of Redis, by key."""
    found = []
    for key, text in texts.items():
        may_stand = {SAID, CALLER, STRANGER} if key.endswith(NUMBER_KEY) else {SAID}
        sought = {what: canary for what, canary in looked_for.items() if what not in may_stand}
        name = key
        for canary in sought.values():
            name = name.replace(canary, "…")
        found += leaks({f"Redis: {name}": text}, sought)
    return found


async def in_redis(store: Store) -> dict[str, str]:
    """All that stands in a Redis of one server, by key, the keys' names too. Raises STORE_ERRORS. Cancelling
    it only ends the look."""
    found = {}
    async for key in store.scan_iter(count=500):
        command, *rest = READ.get(await store.redis.type(key), ("EXISTS",))
        said = await store.redis.execute_command(command, key, *rest)
        found[key.decode("utf-8", "replace")] = f"{key!r} {said!r}"
    return found


async def texts(stack: Stack) -> dict[str, str]:
    """All that a stack has written and shows, by where: logs, metrics, command lines. Raises
    SUPERVISOR_ERRORS and httpx.HTTPError. Cancelling it only ends the look."""
    found = await asyncio.to_thread(_logs, stack.run_dir)
    pids = await stack.pids()
    found |= await asyncio.to_thread(_command_lines, pids)
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        for role in ROLES:
            for number in range(stack.options.workers[role]):
                url = f"http://127.0.0.1:{stack.admin_port(role, number)}/metrics"
                found[f"metrics of {role}-{number}"] = (await client.get(url)).text
    return found


# Private.


def _logs(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.log*"))}


def _command_lines(pids: Mapping[str, int]) -> dict[str, str]:
    found = {}
    for name, pid in pids.items():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:
            continue  # It has ended meanwhile.
        found[f"command line of {name}"] = line.replace(b"\0", b" ").decode("utf-8", "replace")
    return found
