"""The commands about calls: `calls`, `show`, `watch`, `hangup`, `say`, `drain`; their options and help texts.

Owns: names and options of these, and what their results look like to people and to programs. Must not know:
how Redis is read (live, watching). Everything here can be done with redis-cli too (docs/operating.md).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from console import options
from console.calls import live, watching
from console.calls import view as calls_view
from console.calls.journal import JournalLine, journal_line
from console.calls.live import LiveCall, WorkerRow
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.options import AsJson, RedisUrl, Sid, Worker
from console.style import AGENT, BRIDGE, CALLER, DIM, isolated, make_console
from console.text import tame
from shared.contract.entry import text_of
from shared.contract.keys import Keys
from shared.process.exits import Exit
from shared.settings import SettingsError
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

TIMEOUT_S = 5.0
DRAIN_LOOK_S = 1.0


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in (
        ("calls", calls),
        ("show", show),
        ("watch", watch),
        ("hangup", hangup),
        ("say", say),
        ("drain", drain),
    ):
        app.command(name=name)(command)


def calls(as_json: AsJson = False, redis_url: RedisUrl = "") -> None:
    """Live calls: age, masked numbers, owners, state, backlogs, verdict."""

    async def work(store: Store, keys: Keys) -> int:
        found, now = await live.read_calls(store, keys), _now_ms()
        if as_json:
            _print_json([calls_view.as_data(call, now) for call in found])
        else:
            make_console().print(calls_view.calls_table(found, now))
        return Exit.OK

    _run(work, redis_url)


def show(
    sid: Sid,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=2000, help="Journal entries.")] = 20,
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """One call: its card, the figures of its last window, its counters, its journal."""

    async def work(store: Store, keys: Keys) -> int:
        call, now = await live.find_call(store, keys, sid), _now_ms()
        journal = await _journal(store, keys, call.call_sid, lines)
        if as_json:
            _print_json(
                {
                    **calls_view.as_data(call, now),
                    "card": dict(call.card),
                    "journal": [{"at_ms": e.at_ms, "kind": e.kind, "text": e.text} for e in journal],
                }
            )
        else:
            make_console().print(calls_view.call_details(call, journal, now))
        return Exit.OK

    _run(work, redis_url)


def watch(sid: Sid, as_json: AsJson = False, redis_url: RedisUrl = "") -> None:
    """A call's journal and what is said, as they happen, until the call ends or Ctrl-C."""
    console = make_console()

    async def work(store: Store, keys: Keys) -> int:
        call = await live.find_call(store, keys, sid)
        async for entry in watching.entries(store, keys, call.call_sid):
            if as_json:
                data = {"at_ms": entry.at_ms, "stream": entry.stream, **entry.fields}
                print(json.dumps(data, ensure_ascii=False), flush=True)
                continue
            line = _line(entry, call)
            if line:
                console.print(line, soft_wrap=True)
        return Exit.OK

    _run(work, redis_url)


def hangup(sid: Sid, as_json: AsJson = False, redis_url: RedisUrl = "") -> None:
    """Ends a call at once."""

    async def work(store: Store, keys: Keys) -> int:
        call = await live.find_call(store, keys, sid)
        done = await live.hang_up(store, keys, call.call_sid)
        return _said(call, done, "asked to hang up", as_json=as_json)

    _run(work, redis_url)


def say(
    sid: Sid,
    text: Annotated[str, typer.Argument(help="What the model is told to say, in any language.")],
    force: Annotated[bool, typer.Option("--force", help="Now: over the caller and over a reply.")] = False,
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """Makes the model say something to the caller, when nobody speaks; it waits up to 30 s for that."""
    if not text.strip():
        _fail("expected a text to say, got an empty one", Exit.USAGE)

    async def work(store: Store, keys: Keys) -> int:
        call = await live.find_call(store, keys, sid)
        done = await live.say(store, keys, call.call_sid, text, force=force)
        return _said(call, done, "will be said", as_json=as_json)

    _run(work, redis_url)


def drain(
    worker: Worker,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for its live calls; 0: do not wait.")
    ] = 3600.0,
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """Takes a worker out: it takes no new call, its live ones go on. Waits for them.

    Ctrl-C ends the waiting, not the drain. Only a restart of the process ends the drain.
    """

    async def work(store: Store, keys: Keys) -> int:
        row = await _find_worker(store, worker)
        if not await live.drain(store, keys, row.name):
            _fail(f"{row.name} does not listen: it has ended. `trunkline top` shows the workers.")
        return await _wait_until_empty(store, row, timeout, as_json=as_json)

    code = _run(work, redis_url, leave=False)
    if code > SIGNAL_EXIT_BASE:
        print("trunkline: not waiting any more; the worker goes on draining.", file=sys.stderr)
    raise typer.Exit(code)


# Private.

Work = Callable[[Store, Keys], Awaitable[int]]


def _run(work: Work, redis_url: str, *, leave: bool = True) -> int:
    """Connects, works, and leaves with the exit code."""

    async def main() -> int:
        store = make_store(_redis_url(redis_url), name="console", timeout_s=TIMEOUT_S)
        try:
            return await work(store, await live.make_keys(store))
        finally:
            await store.aclose()

    with _told():
        code = run_interruptible(main())
    if leave:
        raise typer.Exit(code)
    return code


@contextmanager
def _told() -> Iterator[None]:
    """Errors of a set-up become one line."""
    try:
        yield
    except LookupError as error:
        _fail(str(error))
    except STORE_ERRORS as error:
        _fail(f"Redis does not answer ({error}). Is REDIS_URL right? `trunkline run` prints that of a run.")


def _redis_url(given: str) -> str:
    try:
        url = options.redis_url(given)
    except SettingsError as error:
        _fail(str(error), Exit.SETTINGS)
    problem = options.url_problem(url)
    if problem:
        _fail(f"REDIS_URL: {problem}", Exit.SETTINGS)
    return url


async def _journal(store: Store, keys: Keys, call_sid: str, count: int) -> list[JournalLine]:
    if not count:
        return []
    found = await store.xrevrange(keys.journal(call_sid), count=count)
    return [journal_line(entry_id.decode(), text_of(fields)) for entry_id, fields in reversed(found)]


def _line(entry: watching.Entry, call: LiveCall) -> str:
    """An entry for people; empty for one that tells them nothing."""
    stamp = f"[{DIM}]{max(0, entry.at_ms - call.started_at_ms) / 1000:8.2f} s[/]"
    fields = entry.fields
    if entry.stream == "journal":
        line = journal_line(entry.entry_id, fields)
        return f"{stamp}  [{BRIDGE}]{escape(tame(line.kind))}[/]  [{DIM}]{_shown(line.text)}[/]"
    if fields.get("kind") == "item" and fields.get("final") == "1":
        who, style = ("caller", CALLER) if fields.get("role") == "user" else ("agent", AGENT)
        return f"{stamp}  [{style}]{who}[/]  {_shown(fields.get('text', ''))}"
    if fields.get("kind") == "heard" and fields.get("complete") != "1":
        heard = f"heard {fields.get('ms', '?')} of {fields.get('of', '?')} ms"
        return f"{stamp}  [{AGENT}]agent[/]  [{DIM}]{heard}[/]"
    return ""


def _shown(text: str) -> str:
    """What others wrote, as it may stand in a line with markup."""
    return escape(isolated(tame(text)))


def _said(call: LiveCall, done: bool, what: str, *, as_json: bool) -> int:
    if as_json:
        _print_json({"call_sid": call.call_sid, "done": done})
    elif done:
        print(f"{call.call_sid}: {what}")
    else:
        print(f"trunkline: {call.call_sid} has ended.", file=sys.stderr)
    return Exit.OK if done else Exit.FAILED


async def _find_worker(store: Store, text: str) -> WorkerRow:
    rows = await live.read_workers(store)
    fitting = [row for row in rows if row.name == text] or [row for row in rows if row.name.startswith(text)]
    alive = [row for row in fitting if row.alive] or fitting
    if not text or len(alive) != 1:
        names = ", ".join(row.name for row in (alive or rows)) or "none"
        _fail(f"expected a worker, or a beginning that only one has, got {text!r}. Workers are: {names}.")
    return alive[0]


async def _wait_until_empty(store: Store, row: WorkerRow, timeout_s: float, *, as_json: bool) -> int:
    until, told = time.monotonic() + timeout_s, -1
    while True:
        now = next((each for each in await live.read_workers(store) if each.name == row.name), None)
        count = 0 if now is None else now.calls
        if count != told:
            told = count
            if as_json:
                print(json.dumps({"worker": row.name, "calls": count}), flush=True)
            else:
                print(f"{row.name}: draining, {count} live call{'s' if count != 1 else ''}", flush=True)
        if count == 0 and (now is None or now.draining):
            return Exit.OK
        if time.monotonic() >= until:
            return Exit.OK if timeout_s == 0 else Exit.FAILED
        await asyncio.sleep(DRAIN_LOOK_S)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))


def _fail(text: str, code: Exit = Exit.FAILED) -> NoReturn:
    print(f"trunkline: {text}", file=sys.stderr)
    raise typer.Exit(code)
