"""Has the public port open while `supervisorctl restart all` ends its holder too, and gives it to the next
one.

Why it exists: `restart all` stops everything, then starts it. The calls that ingress lets go of come back
meanwhile, and wait in the queue of the port: closed with its holder, it would refuse them all. Owns: when
somebody has to keep the port, how long. Must not know: who listens.

It is started by the holder (port.py) when that is told to end while supervisord goes on. supervisord does not
know of it, so it ends by itself: as soon as the next holder has the port, or, if none is started, as after
`stop all`, some moments after supervisord has stopped the last of what it was stopping: the port is closed.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

from console.stack.supervision import SUPERVISOR_ERRORS, Supervisor
from shared import public_port
from shared.exit_codes import Exit
from shared.process.tasks import end_task

SERVER_VARIABLE, NAME_VARIABLE = "SUPERVISOR_SERVER_URL", "SUPERVISOR_PROCESS_NAME"
"""Where supervisord listens, and what it calls the holder, as it tells its children."""

COMING = frozenset({"STARTING", "RUNNING", "BACKOFF"})
"""States of a holder that has the port, or will."""

POLL_S = 0.25
LINGER_S = 3.0
"""From the end of all stops to the first start, at the most."""

LONGEST_S = 600.0
"""Whatever supervisord says: no stop lasts as long."""


def is_needed() -> bool:
    """Whether supervisord, which has told us to end, goes on itself. Blocks for some milliseconds."""
    supervisor = _supervisor()
    return supervisor is not None and _is_busy(supervisor) is not None


async def keep(address: str, listener: socket.socket, supervisor: Supervisor) -> None:
    """Offers the port until a holder has it, supervisord has been still for a while, or has gone. Cancelling
    it closes nothing."""
    given = asyncio.Event()
    offering = asyncio.create_task(public_port.offer(address, listener, given))
    began_s = still_since_s = time.monotonic()
    try:
        while time.monotonic() - began_s < LONGEST_S and not given.is_set():
            is_busy = await asyncio.to_thread(_is_busy, supervisor)
            if is_busy is None:
                return
            if is_busy:
                still_since_s = time.monotonic()
            elif time.monotonic() - still_since_s > LINGER_S:
                return
            await asyncio.sleep(POLL_S)
    finally:
        await end_task(offering)


def main(arguments: list[str] | None = None) -> int:
    """The command: the address, and the descriptor of its socket."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        address, descriptor = words
        public_port.parse_address(address)
        listener = socket.socket(fileno=int(descriptor))
    except (ValueError, OSError) as error:
        print(
            f"usage: python -m console.operate.keeper tcp://host:port descriptor ({error})", file=sys.stderr
        )
        return Exit.USAGE
    supervisor = _supervisor()
    if supervisor is not None:
        with listener:
            asyncio.run(keep(address, listener, supervisor))
    return Exit.OK


# Private.


def _supervisor() -> Supervisor | None:
    kind, _, path = os.environ.get(SERVER_VARIABLE, "").partition("://")
    return Supervisor(Path(path)) if kind == "unix" and path else None


def _is_busy(supervisor: Supervisor) -> bool | None:
    """Whether it stops something at this moment, or the next holder is on its way; None: it ends itself, or
    has."""
    try:
        found = supervisor.processes()
    except SUPERVISOR_ERRORS:
        return None
    holder = os.environ.get(NAME_VARIABLE, "")
    return any(info.state == "STOPPING" or (info.name == holder and info.state in COMING) for info in found)


if __name__ == "__main__":
    sys.exit(main())
