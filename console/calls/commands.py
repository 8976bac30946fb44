"""The commands about calls: `calls`, `show`, `watch`, `hangup`, `say`, `drain`; their options and help texts.

Owns: names and options of these, what waits for what. Must not know: how Redis is read (live, watching), how
a result looks to people (view) or to programs (data). Everything here can be done with redis-cli too
(docs/operating.md).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from console import leave
from console.calls import audit, data, ended, ending, live, view, watching
from console.calls.journal import agents_before
from console.calls.live import AnyCall, LiveCall, WorkerRow
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.options import AsJson, RedisUrl, Sid, Worker
from console.recorder.files import Folder
from console.style import make_console
from shared.clock import wall_ms
from shared.contract.keys import Keys
from shared.contract.streams.audit import Deed
from shared.contract.streams.journal import MAXLEN
from shared.exit_codes import Exit
from shared.store.client import Store, make_store

TIMEOUT_S = 5.0
DRAIN_POLL_S = 1.0


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


def calls(
    is_ended: Annotated[bool, typer.Option("--ended", help="Calls that are over, newest first.")] = False,
    ghosts: Annotated[bool, typer.Option("--ghosts", help="Only calls that nobody has any more.")] = False,
    since: Annotated[
        str, typer.Option(help="With --ended: that ended within this time: 30m, 1h, 2d.", show_default="all")
    ] = "",
    number: Annotated[
        str, typer.Option(help="With --ended: of a number that ends with this: …89.", show_default="any")
    ] = "",
    outcome: Annotated[
        str, typer.Option(help="With --ended: that ended in this way: apology.", show_default="any")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="With --ended: at most this many.")] = 50,
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """Live calls, those in trouble first: age, masked numbers, owners, state, backlogs, verdict."""
    if is_ended and ghosts:
        leave.fail("expected --ended or --ghosts, got both", Exit.USAGE)
    if is_ended:
        wanted = _wanted(since, number, outcome, limit)
        _run(lambda store, keys: _list_ended(store, keys, wanted, as_json=as_json), redis_url)
    if since or number or outcome:
        leave.fail("expected --ended with --since, --number or --outcome, got none", Exit.USAGE)

    async def work(store: Store, keys: Keys) -> int:
        found, now = (await live.look_closely(store, keys)).calls, wall_ms()
        if ghosts:
            found = [call for call in found if call.is_ghost]
        if as_json:
            _print_json([data.aged_call_data(call, now) for call in found])
        else:
            make_console().print(view.calls_table(found, now))
        return Exit.OK

    _run(work, redis_url)


def show(
    sid: Sid,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=2000, help="Journal entries.")] = 20,
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """One call: its key in Redis, its card, the figures of its last window, its counters, its journal, its
    recording."""
    folder = Folder(Path(leave.load_settings().recordings).absolute())

    async def work(store: Store, keys: Keys) -> int:
        call, now = await live.find_call(store, keys, sid), wall_ms()
        whole = await live.read_newest_journal(store, keys, call.call_sid, MAXLEN)
        journal = whole[max(0, len(whole) - lines) :]
        key, recording = keys.card(call.call_sid), folder.sound(call.call_sid)
        if as_json:
            found = data.whole_call_data(call, journal, now, key)
            _print_json({**found, "recording_file": None if recording is None else str(recording)})
            return Exit.OK
        make_console().print(view.call_details(call, journal, now, key, agents_before(whole)))
        if recording is not None:
            print(f"recording: {recording}")
        return Exit.OK

    _run(work, redis_url)


def watch(sid: Sid, as_json: AsJson = False, redis_url: RedisUrl = "") -> None:
    """A call's journal and what is said, as they happen, until the call ends or Ctrl-C."""
    console = make_console()

    async def work(store: Store, keys: Keys) -> int:
        call = await live.find_call(store, keys, sid)
        since_ms = call.card.started_at_ms if isinstance(call, LiveCall) else None
        async for entry in watching.entries(store, keys, call.call_sid):
            since_ms = entry.at_ms if since_ms is None else since_ms
            if as_json:
                print(json.dumps(data.entry_data(entry), ensure_ascii=False), flush=True)
                continue
            line = view.watched_line(entry, since_ms)
            if line:
                console.print(line, soft_wrap=True)
        return Exit.OK

    _run(work, redis_url)


def hangup(
    sid: Sid,
    force: Annotated[bool, typer.Option("--force", help="Without asking its brain.")] = False,
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """Ends a call at once, and waits to see it over; one that nobody has any more too."""
    means = ending.Means.of(leave.load_settings())

    async def work(store: Store, keys: Keys) -> int:
        call = await live.find_call(store, keys, sid)
        became = await ending.hang_up(store, keys, call, means, force=force, within_s=ending.WITHIN_S)
        await audit.note(
            store, Deed.HANG_UP, by=audit.whoever(), of=call.call_sid, words=became.words, ok=became.done
        )
        if as_json:
            _print_json({"call_sid": call.call_sid, "done": became.done, "what": became.words})
        elif became.done:
            print(f"{call.call_sid}: {became.words}")
        else:
            leave.complain(f"{call.call_sid} {became.words}")
        return Exit.OK if became.done else Exit.FAILED

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
        leave.fail("expected a text to say, got an empty one", Exit.USAGE)

    async def work(store: Store, keys: Keys) -> int:
        call = await live.find_call(store, keys, sid)
        reason = ending.why_not_asked(call, force=False)
        done = not reason and await live.say(store, keys, call.call_sid, text, force=force)
        words = f"{len(text)} characters"
        await audit.note(store, Deed.SAY, by=audit.whoever(), of=call.call_sid, words=words, ok=done)
        return _said(call, done, reason, as_json=as_json)

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
        name = await _find_worker(store, worker)
        if not await live.drain(store, keys, name):
            leave.fail(f"{name} does not listen: it has ended. `trunkline top` shows the workers.")
        await audit.note(store, Deed.DRAIN, by=audit.whoever(), of=name)
        return await _wait_until_empty(store, name, timeout, as_json=as_json)

    code = _exit_code(work, redis_url)
    if code > SIGNAL_EXIT_BASE:
        leave.complain("not waiting any more; the worker goes on draining.")
    raise typer.Exit(code)


# Private.

Work = Callable[[Store, Keys], Awaitable[int]]


def _wanted(since: str, number: str, outcome: str, limit: int) -> ended.Wanted:
    try:
        since_ms = wall_ms() - round(ended.duration_s(since) * 1000) if since else 0
    except ValueError as error:
        leave.fail(f"--since: {error}", Exit.USAGE)
    return ended.Wanted(since_ms=since_ms, number=number, outcome=outcome, limit=limit)


async def _list_ended(store: Store, keys: Keys, wanted: ended.Wanted, *, as_json: bool) -> int:
    found = await ended.read_ended(store, keys, wanted)
    if as_json:
        _print_json([data.ended_data(call) for call in found.calls])
    else:
        make_console().print(view.ended_table(found))
    return Exit.OK


def _run(work: Work, redis_url: str) -> NoReturn:
    """Connects, works, and leaves with the exit code."""
    raise typer.Exit(_exit_code(work, redis_url))


def _exit_code(work: Work, redis_url: str) -> int:
    url = leave.redis_url(redis_url)

    async def main() -> int:
        store = make_store(url, name="console", timeout_s=TIMEOUT_S)
        try:
            return await work(store, await live.make_keys(store))
        finally:
            await store.aclose()

    with leave.instead_of_traceback():
        return run_interruptible(main())


def _said(call: AnyCall, done: bool, reason: str, *, as_json: bool) -> int:
    """`reason`: why nobody was asked; empty where that is not why it was not done."""
    if as_json:
        _print_json({"call_sid": call.call_sid, "done": done})
    elif done:
        print(f"{call.call_sid}: will be said")
    else:
        leave.complain(f"{call.call_sid} {f'not said: {reason}' if reason else 'has ended.'}")
    return Exit.OK if done else Exit.FAILED


async def _find_worker(store: Store, text: str) -> str:
    """The name of the worker that is meant; of several the one that lives."""
    rows = await live.read_workers(store)
    fitting = [row for row in rows if row.name == text] or [row for row in rows if row.name.startswith(text)]
    alive = [row for row in fitting if isinstance(row, WorkerRow) and row.is_alive] or fitting
    if not text or len(alive) != 1:
        names = ", ".join(row.name for row in (alive or rows)) or "none"
        leave.fail(
            f"expected a worker, or a beginning that only one has, got {text!r}. Workers are: {names}."
        )
    return alive[0].name


async def _wait_until_empty(store: Store, name: str, timeout_s: float, *, as_json: bool) -> int:
    until, told = time.monotonic() + timeout_s, ""
    while True:
        row = next((each for each in await live.read_workers(store) if each.name == name), None)
        is_over = row is None or (isinstance(row, WorkerRow) and row.beat.draining and row.beat.calls == 0)
        found = json.dumps(data.drained_data(name, row)) if as_json else view.drained_line(name, row)
        if found != told:
            told = found
            print(found, flush=True)
        if is_over:
            return Exit.OK
        if time.monotonic() >= until:
            return Exit.OK if timeout_s == 0 else Exit.FAILED
        await asyncio.sleep(DRAIN_POLL_S)


def _print_json(found: object) -> None:
    print(json.dumps(found, ensure_ascii=False, indent=2))
