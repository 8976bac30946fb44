"""Options and arguments that several commands share, and what the shell completes them with.

Owns: their names, help texts, checks, and the candidates for Tab. Must not know: what a command does.

Completion runs on each Tab, in the middle of a line: it answers within a second or not at all, and never
prints an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from console.calls import live
from console.calls.live import AnyCall, UnreadableCall, WorkerRow
from shared.contract.worker import ROLES
from shared.redis_url import problem_of
from shared.settings import SettingsError, load
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

COMPLETE_WITHIN_S = 1.0

Candidates = list[tuple[str, str]]
"""What may stand there, and what it is."""


def calls(incomplete: str) -> Candidates:
    """Live calls, by the beginning of their SID."""

    async def read(store: Store) -> Candidates:
        found = await live.read_calls(store, await live.make_keys(store))
        return [(call.call_sid, _numbers(call)) for call in found]

    return _fitting(read, incomplete)


def workers(incomplete: str) -> Candidates:
    """Workers that are alive, without their boot: `brain-0@host`."""

    async def read(store: Store) -> Candidates:
        rows = [row for row in await live.read_workers(store) if isinstance(row, WorkerRow) and row.is_alive]
        return [(row.name.partition("#")[0], f"{row.beat.calls} calls") for row in rows]

    return _fitting(read, incomplete)


def roles(incomplete: str) -> list[str]:
    """The roles."""
    return [role for role in ROLES if role.startswith(incomplete)]


# Private.


def _numbers(call: AnyCall) -> str:
    if isinstance(call, UnreadableCall):
        return call.problem
    return f"{call.card.from_number} → {call.card.to_number}"


def _fitting(read: Callable[[Store], Awaitable[Candidates]], incomplete: str) -> Candidates:
    async def ask() -> Candidates:
        store = make_store(load().redis_url, name="completion", timeout_s=COMPLETE_WITHIN_S)
        try:
            async with asyncio.timeout(COMPLETE_WITHIN_S):
                return await read(store)
        finally:
            await store.aclose()

    try:
        found = asyncio.run(ask())
    except (*STORE_ERRORS, SettingsError, ValueError):
        return []  # Nobody wants to read an error in the middle of a line.
    return [(text, words) for text, words in found if text.startswith(incomplete)]


def _checked(url: str) -> str:
    problem = problem_of(url) if url else ""
    if problem:
        raise typer.BadParameter(problem)
    return url


# The options.

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Sid = Annotated[
    str,
    typer.Argument(
        help="The call's SID, or as much of its beginning or end as is unique.", autocompletion=calls
    ),
]
Worker = Annotated[
    str, typer.Argument(help="A worker's name, or its beginning: brain-0.", autocompletion=workers)
]
Role = Annotated[
    str, typer.Argument(help="ingress, brain or egress.", autocompletion=roles, show_default="all")
]
RedisUrl = Annotated[
    str,
    typer.Option("--redis-url", help="Redis.", callback=_checked, show_default="REDIS_URL"),
]
