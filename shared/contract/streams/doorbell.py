"""The doorbell: a worker's `wake` stream, on which others tell it where there is something to read.

Owns: why it rings, the entry, both ways. Pure. Must not know: what the worker does then. The scripts ring it
too.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from shared.contract.command import Command
from shared.contract.entry import VERSION, checked
from shared.contract.errors import EntryError
from shared.contract.keys import Keys

MAXLEN = 100


class Why(enum.StrEnum):
    """Why it rings."""

    REPLY = "reply"
    """There is audio in `reply`."""
    CONTROL = "control"
    """There is a control message."""
    CLAIMED = "claimed"
    """With a call: it is for this worker to claim; it was released, or, with an `entry`, it is a new one that
    this brain has a session for. Without one: the worker's own blocking read is to end, so that the next one
    names a newly watched stream."""
    RESTORED = "restored"
    """Redis had lost the call, and ingress has written it again in this worker's name: it is to claim it
    again."""
    STREAM = "stream"
    """The call has a new media stream (a control message says which)."""
    ENDED = "ended"
    """The call has ended (a control message says how)."""
    PREPARE = "prepare"
    """Another brain, `by`, is to hand the call over, and asks for a session for it. Nothing is written
    yet."""
    READY = "ready"
    """`by` has a session for the call, and takes it when it is released to it."""
    DECLINED = "declined"
    """`by` cannot take the call."""
    DRAIN = "drain"
    """An operator takes the worker out: no new calls; the live ones go on, a brain's in its siblings if there
    are any. No call is named."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring. `why` is None for a reason that only a newer version knows."""

    call_sid: str
    why: Why | None
    by: str = ""
    """The worker that asks or answers; empty for all other reasons."""
    entry: str = ""
    """The id of a new call's entry in `calls`; empty where the call is not new."""


def ring_command(keys: Keys, lane: int, worker: str, call_sid: str, why: Why, *, by: str = "") -> Command:
    """A ring. It goes nowhere if the worker's stream is not there. `by`: whom to answer."""
    key = keys.wake(lane, worker).encode()
    head = (b"XADD", key, b"NOMKSTREAM", b"MAXLEN", b"%d" % MAXLEN, b"*")
    words = (*head, b"v", VERSION, b"call", call_sid.encode(), b"why", why.value.encode())
    return Command(lane, (*words, b"by", by.encode()) if by else words)


def read_ring(fields: Sequence[bytes]) -> Ring:
    """Raises EntryError."""
    found = checked("wake", fields)
    try:
        call_sid, why = found[b"call"].decode(), found[b"why"].decode()
        by, new_entry = found.get(b"by", b"").decode(), found.get(b"entry", b"").decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise EntryError("wake", "call, why", "two texts", str(error)) from None
    return Ring(call_sid, Why(why) if why in set(Why) else None, by, new_entry)
