"""The command `trunkline recorder`: the process that makes recordings.

Owns: its options, how its end becomes an exit code. Must not know: how a recording is made.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import typer

from console import leave
from console.calls import live
from console.interrupts import SIGNAL_EXIT_BASE
from console.interrupts import run as run_interruptible
from console.options import RedisUrl
from console.recorder.files import Folder
from console.recorder.worker import Recorder
from shared import env_file
from shared.contract.keys import Keys
from shared.contract.streams.hooks import Event
from shared.exit_codes import Exit
from shared.logs.log import Log, configure, get_log
from shared.process.host import end_with_supervisord, lock_instance
from shared.settings import Settings, role_redis_name
from shared.store.access.grants import RECORDER
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

TIMEOUT_S = 5.0
REDIS_AGAIN_S = 2.0


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="recorder")(recorder)


def recorder(redis_url: RedisUrl = "") -> None:
    """Makes recordings of the calls of agents that are recorded (TRUNKLINE_RECORDINGS), until it is told to
    end."""
    settings = leave.load_settings()
    own_url = env_file.environment().get(role_redis_name(RECORDER), "")
    folder = Folder(Path(settings.recordings).absolute())
    lock = lock_instance("recorder-0", deployment=f"{settings.redis_url} {folder.path}")
    if lock is None:
        leave.fail("another `trunkline recorder` of this deployment runs on this host", Exit.SECOND_COPY)
    end_with_supervisord()
    writer = configure(settings.log_level, settings.log_format, sys.stdout)
    try:
        with leave.instead_of_traceback():
            code = run_interruptible(
                _record(settings, folder, leave.redis_url(redis_url or own_url), get_log(role=RECORDER))
            )
    finally:
        writer.close()
    # A signal is how it is meant to end.
    raise typer.Exit(Exit.OK if code > SIGNAL_EXIT_BASE else code)


# Private.


async def _record(settings: Settings, folder: Folder, url: str, log: Log) -> int:
    store = make_store(url, name="recorder", timeout_s=TIMEOUT_S)
    try:
        made = Recorder(
            store=store,
            keys=await _keys_of(store, log),
            folder=folder,
            log=log,
            name=f"{RECORDER}@{settings.host_name or socket.gethostname()}",
            keep_days=settings.recordings_days,
            tells=Event.RECORDED in settings.told_events,
        )
        log.info("ready", days=settings.recordings_days)
        try:
            await made.run()
        finally:
            await made.flush()
    finally:
        await store.aclose()
    return Exit.OK


async def _keys_of(store: Store, log: Log) -> Keys:
    """The keys of this deployment; while Redis is away it is asked again. Cancelling is safe."""
    while True:
        try:
            return await live.make_keys(store)
        except STORE_ERRORS as error:
            log.warning("redis_unreachable", reason=type(error).__name__)
            await asyncio.sleep(REDIS_AGAIN_S)
