"""Who did what, written down and read: the audit stream.

Why it exists: what an operator does to somebody's call must have a name beside it, whichever way it was
done. Owns: who somebody at a terminal is, writing and reading deeds. Must not know: what a deed does, how it
is shown.
"""

from __future__ import annotations

import getpass
import os

from shared.clock import wall_ms
from shared.contract.keys import AUDIT
from shared.contract.streams.audit import AuditEntry, Deed, audit_commands, read_audit
from shared.store.client import Store

NEWEST = 50


def whoever() -> str:
    """Who sits at this terminal: by what the system calls them."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # A container whose user has no name.
        return f"cli:uid {os.getuid()}"


async def note(store: Store, deed: Deed, *, by: str, of: str = "", words: str = "", ok: bool = True) -> None:
    """Writes a deed down. Raises STORE_ERRORS. Cancelled, it may stand there."""
    for command in audit_commands(deed, by=by, of=of, words=words, ok=ok, wall_ms=wall_ms()):
        await store.execute(command)


async def newest(store: Store, count: int = NEWEST) -> list[AuditEntry]:
    """The newest deeds, newest first. Raises STORE_ERRORS. Cancelling is safe."""
    return [read_audit(entry_id, fields) for entry_id, fields in await store.xrevrange(AUDIT, count=count)]
