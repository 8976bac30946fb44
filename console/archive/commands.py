"""The command `trunkline archive`: the writer of the archive, and what is deleted from it.

Owns: its options, how its end becomes an exit code. Must not know: how a call is kept.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from console import leave
from console.archive import forget, writer
from console.archive.forget import Forgotten
from console.archive.shelf import Shelf, ShelfError
from console.archive.sql import open_shelf
from console.calls import audit, live
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.options import AsJson, RedisUrl
from console.recorder.files import Folder
from shared import caller_tag
from shared.contract.keys import CALL_SID, Keys
from shared.contract.streams.audit import Deed
from shared.exit_codes import Exit
from shared.forms import E164_EXAMPLE, is_number
from shared.logs.log import configure, get_log
from shared.process.host import end_with_supervisord, lock_instance
from shared.setting.forms import SQLITE
from shared.settings import Settings
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

TIMEOUT_S = 5.0
REDIS_AGAIN_S = 2.0

Work = Callable[[Store, Keys, Shelf], Awaitable[int]]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="archive")(archive)


def archive(
    once: Annotated[bool, typer.Option("--once", help="Keep what is due now, and leave.")] = False,
    forget_number: Annotated[
        str, typer.Option("--forget", metavar="NUMBER", help="Delete all that is kept of this caller.")
    ] = "",
    delete: Annotated[
        str, typer.Option("--delete", metavar="SID", help="Delete all that is kept of this call.")
    ] = "",
    as_json: AsJson = False,
    redis_url: RedisUrl = "",
) -> None:
    """Keeps calls that are over for days (TRUNKLINE_ARCHIVE_DAYS), until it is told to end; or deletes
    some."""
    settings = leave.load_settings()
    if sum(map(bool, (once, forget_number, delete))) > 1:
        leave.fail("expected one of --once, --forget and --delete, got more", Exit.USAGE)
    if forget_number:
        _forget(settings, forget_number, as_json=as_json, redis_url=redis_url)
    if delete:
        _delete(settings, delete, as_json=as_json, redis_url=redis_url)
    if not settings.archive_days:
        leave.fail("TRUNKLINE_ARCHIVE_DAYS is 0: there is no archive", Exit.SETTINGS)
    deployment = f"{settings.redis_url} {_place(settings.archive_url)}"
    lock = None if once else lock_instance("archive-0", deployment=deployment)
    if lock is None and not once:
        leave.fail("another `trunkline archive` of this deployment runs on this host", Exit.SECOND_COPY)
    end_with_supervisord()
    raise typer.Exit(_write(settings, once=once, redis_url=redis_url))


# Private.


def _place(url: str) -> str:
    """Which archive it is, from any folder: two checkouts of one host have two."""
    return str(Path(url.removeprefix(SQLITE)).absolute()) if url.startswith(SQLITE) else url


def _write(settings: Settings, *, once: bool, redis_url: str) -> int:
    # Once is for a terminal: what it did is its exit code.
    log_writer = None if once else configure(settings.log_level, settings.log_format, sys.stdout)

    async def work(store: Store, keys: Keys, shelf: Shelf) -> int:
        log = get_log(role="archive")
        made = writer.Writer(
            store=store, keys=keys, shelf=shelf, log=log, keep_days=settings.archive_days,
            with_text=settings.archive_transcript,
        )  # fmt: skip
        log.info("ready", days=settings.archive_days)
        await (writer.once(made) if once else made.run())
        if made.trouble:
            leave.complain(f"not all was kept that is due: {made.trouble}")
        return Exit.FAILED if made.trouble else Exit.OK

    try:
        code = _exit_code(settings, work, redis_url, waits=not once)
    finally:
        if log_writer is not None:
            log_writer.close()
    # A signal is how it is meant to end.
    return Exit.OK if code > SIGNAL_EXIT_BASE else code


def _forget(settings: Settings, number: str, *, as_json: bool, redis_url: str) -> None:
    if not is_number(number):
        leave.fail(f"--forget: expected a number in full, such as {E164_EXAMPLE}", Exit.USAGE)
    tags = caller_tag.tags(number, settings)
    if not tags and settings.mask_numbers:
        leave.fail(
            "numbers are masked, and there is no key by which a caller's calls were tagged: set"
            " TRUNKLINE_CALLER_KEY or TWILIO_AUTH_TOKEN to what the brains had. Single calls: --delete SID.",
            Exit.SETTINGS,
        )

    folder = Folder(Path(settings.recordings))

    async def work(store: Store, keys: Keys, shelf: Shelf) -> int:
        found = await forget.forget_caller(store, keys, shelf, folder, tags, number)
        await audit.note(store, Deed.FORGET, by=audit.whoever(), words=f"{found.kept} calls of one caller")
        _tell(found, as_json=as_json)
        return Exit.OK

    raise typer.Exit(_exit_code(settings, work, redis_url))


def _delete(settings: Settings, sid: str, *, as_json: bool, redis_url: str) -> None:
    if not CALL_SID.fullmatch(sid):
        leave.fail(f"--delete: expected a whole SID, got {sid!r}", Exit.USAGE)

    folder = Folder(Path(settings.recordings))

    async def work(store: Store, keys: Keys, shelf: Shelf) -> int:
        found = await forget.forget_calls(store, keys, shelf, folder, [sid])
        await audit.note(store, Deed.FORGET, by=audit.whoever(), of=sid)
        _tell(found, as_json=as_json)
        return Exit.OK if found.kept or found.in_redis or found.recordings else Exit.FAILED

    raise typer.Exit(_exit_code(settings, work, redis_url))


def _tell(found: Forgotten, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return
    print(
        f"forgotten: {found.kept} calls of the archive, {found.in_redis} in Redis,"
        f" {found.recordings} recordings"
    )
    if found.live:
        print(f"left alone, since they go on: {', '.join(found.live)}")


async def _keys_of(store: Store, *, waits: bool) -> Keys:
    """The keys of this deployment. `waits`: while Redis is away it is asked again, as by every process that
    supervisord starts; else raises STORE_ERRORS. Cancelling is safe."""
    while True:
        try:
            return await live.make_keys(store)
        except STORE_ERRORS as error:
            if not waits:
                raise
            get_log(role="archive").warning("redis_unreachable", reason=leave.in_words(error))
            await asyncio.sleep(REDIS_AGAIN_S)


def _exit_code(settings: Settings, work: Work, redis_url: str, *, waits: bool = False) -> int:
    url = leave.redis_url(redis_url)

    async def main() -> int:
        store, shelf = make_store(url, name="archive", timeout_s=TIMEOUT_S), open_shelf(settings.archive_url)
        try:
            return await work(store, await _keys_of(store, waits=waits), shelf)
        finally:
            await asyncio.to_thread(shelf.close)
            await store.aclose()

    try:
        with leave.instead_of_traceback():
            return run_interruptible(main())
    except ShelfError as error:
        leave.fail(str(error))
