"""A write whose answer is lost, and how often Redis has done it: `python -m proofs.prove.roles.unanswered`.

Why it exists: a library that repeats by itself what was not answered does twice what was done already. No row
of calls can miss the guard against that, for each step between the processes may be repeated; the store's own
promise is shown here. Owns: a server that stands still just when it is written to. The environment may name a
guard that is off (unguarded.py). Prints how many entries there are then. Must not know: who writes what.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import Final

from console.stack.ports import free_port
from proofs.prove.roles import unguarded
from shared.store.client import Store, make_store
from shared.store.errors import STORE_ERRORS

TIMEOUT_S: Final = 0.5
"""Of a command, here."""

STANDS_S: Final = 0.8
"""Longer than that, so that it is not answered in time; and shorter than twice that, so that a second try
is."""

READY_S: Final = 10.0
STREAM: Final = "unanswered"


async def entries_of_one_write() -> int:
    """How many there are, behind one XADD. Cancelling it ends the server. Raises OSError, TimeoutError."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "console.stack.valkey",
        env={**os.environ, "REDIS_URL": url},
        stdout=asyncio.subprocess.DEVNULL,
    )
    store = make_store(url, name="unanswered", timeout_s=TIMEOUT_S)
    try:
        await _until_there(store)
        server.send_signal(signal.SIGSTOP)
        asyncio.get_running_loop().call_later(STANDS_S, server.send_signal, signal.SIGCONT)
        # Time-outs are meant; a library that repeats has its answer in the end.
        with contextlib.suppress(*STORE_ERRORS):
            await store.xadd(STREAM, {"a": "1"})
        await _until_there(store)
        return await store.xlen(STREAM)
    finally:
        server.kill()
        await server.wait()
        await store.aclose()


def main() -> None:
    """Prints the number."""
    without = os.environ.get(unguarded.WITHOUT)
    if without:
        unguarded.install(without, "brain")
    print(asyncio.run(entries_of_one_write()))


# Private.


async def _until_there(store: Store) -> None:
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(*STORE_ERRORS):
            await store.xlen(STREAM)
            return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"expected a server within {READY_S:.0f} s, got none")


if __name__ == "__main__":
    main()
