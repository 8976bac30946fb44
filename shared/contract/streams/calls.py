"""`calls`: new calls of a lane, waiting for a brain and an egress. Written by the scripts ATTACH and RESTORE.

Owns: reading an entry. Pure. Must not know: who takes a call. An entry goes when both roles have claimed the
call.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.contract.entry import checked
from shared.contract.errors import EntryError
from shared.contract.keys import CALL_SID


def read_call(fields: Sequence[bytes]) -> str:
    """The call that waits. Raises EntryError."""
    call_sid = checked("calls", fields).get(b"call", b"").decode(errors="replace")
    if CALL_SID.fullmatch(call_sid) is None:
        raise EntryError("calls", "call", "CA and 32 hexadecimal digits", call_sid)
    return call_sid
