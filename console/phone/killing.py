"""The brain of a call is killed on purpose, for whoever wants to hear that the call goes on.

Owns: that it is a process of this host's, the one that its beat was of. Must not know: who asks.
"""

from __future__ import annotations

import os
import signal

from console.calls import live
from console.calls.live import LiveCall, WorkerRow
from shared.contract.keys import Keys
from shared.process.host import own_origin, started_at
from shared.store.client import Store


async def kill_brain(store: Store, keys: Keys, call_sid: str) -> bool:
    """Kills it; False: nobody has the call, or who has it is no process that can be killed from here.

    Raises STORE_ERRORS. Cancelled, it may be dead.
    """
    call = await live.read_call(store, keys, call_sid)
    brain = call.card.brain if isinstance(call, LiveCall) else ""
    for row in await live.read_workers(store):
        if row.name == brain and isinstance(row, WorkerRow):
            return _kill(row)
    return False


def _kill(row: WorkerRow) -> bool:
    beat = row.beat
    if not own_origin().shares_pids(beat.boot_id, beat.pid_ns):
        return False
    if not beat.pid_started or started_at(beat.pid) != beat.pid_started:
        return False  # It has ended, and another process may have its pid.
    try:
        os.kill(beat.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
