"""`calls`, `ringing` and `orphans`: calls of a lane that wait for a brain or an egress.

Why it exists: a new call waits for both, an orphan for the one that it has lost. Orphans are a stream of
their own, since they go first: their callers are on the line. A call that rings has no stream yet: a brain
may open its session meanwhile. Written by scripts: `ringing` by RESERVE, `calls` by ATTACH, `orphans` by
RELEASE, DISOWN, RESTORE and ATTACH.

Owns: reading an entry. Pure. Must not know: who takes a call. An entry goes when its roles are claimed; one
of `ringing` when a brain has read it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from shared.contract.entry import checked, text_of
from shared.contract.errors import EntryError
from shared.contract.keys import CALL_SID


class Orphaned(enum.StrEnum):
    """Why nobody has the role any more."""

    RELEASED = "released"
    """Its owner gave it back in good order."""
    DEAD = "dead"
    """Its owner was seen to be dead."""
    BUG = "bug"
    """Its owner met a bug at it."""
    LOST = "lost"
    """Nobody had the role, and it waited nowhere: the janitor found it."""
    RESTORED = "restored"
    """Redis had lost the call, and ingress could not tell who had the role."""


RINGING_MS = 10_000
"""A call that has no stream so long after its webhook gets none: its place is free again by then."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """An entry of `ringing`. `agent`: whom the webhook asked for, perhaps nobody. `called`: the number in
    full, which chooses the agent then."""

    call_sid: str
    agent: str
    called: str


PERSON_TTL_MS = 60_000
"""How long it is known who calls where no stream comes: ATTACH makes it as long as the call's other keys."""

CALLER, PARAMETERS = PERSON = ("caller", "parameters")
"""The fields of the key that says who calls: what HMGET is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who calls, as the first webhook knows: brains may ask the user's system about them while it rings. It
    stands in no entry, but in the key of the caller's number."""

    caller: str = field(repr=False)
    """The number in full, as the carrier writes it."""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the number carries: of its webhook's URL, of the carrier's SIP headers."""

    @property
    def written(self) -> str:
        """The parameters, for RESERVE."""
        return orjson.dumps(dict(self.parameters)).decode()


@dataclass(frozen=True, slots=True)
class NewCall:
    """An entry of `calls`."""

    call_sid: str
    heir: str
    """The brain that has a session for it: other brains leave it alone for a moment. Empty: nobody has."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An entry of `orphans`. `why` is an Orphaned, or a word that only a newer version knows."""

    call_sid: str
    role: str
    why: str
    heir: str
    """Who is to take it: others leave it alone for a moment. Empty: whoever comes first."""


def read_call(fields: Sequence[bytes]) -> NewCall:
    """Raises EntryError."""
    found = text_of(checked("calls", fields))
    return NewCall(_call("calls", found), found.get("heir", ""))  # Older versions named nobody.


def read_ringing(fields: Sequence[bytes]) -> Ringing:
    """Raises EntryError."""
    found = text_of(checked("ringing", fields))
    for name in ("agent", "called"):
        if name not in found:
            raise EntryError("ringing", name, "a text", None)
    return Ringing(_call("ringing", found), found["agent"], found["called"])


def read_person(found: Sequence[bytes | None]) -> Person | None:
    """From the answer to an HMGET of PERSON. None: the first webhook has written nothing. Parameters that
    cannot be read are none."""
    caller, written = found
    if written is None:
        return None
    try:
        parameters = orjson.loads(written)
    except orjson.JSONDecodeError:
        parameters = {}
    texts = parameters.items() if isinstance(parameters, dict) else ()
    return Person(
        caller="" if caller is None else caller.decode(errors="replace"),
        parameters={name: value for name, value in texts if isinstance(value, str)},
    )


def read_orphan(fields: Sequence[bytes]) -> Orphan:
    """Raises EntryError."""
    found = text_of(checked("orphans", fields))
    for name in ("role", "why", "heir"):
        if name not in found:
            raise EntryError("orphans", name, "a text", None)
    return Orphan(_call("orphans", found), found["role"], found["why"], found["heir"])


# Private.


def _call(stream: str, found: Mapping[str, str]) -> str:
    call_sid = found.get("call", "")
    if CALL_SID.fullmatch(call_sid) is None:
        raise EntryError(stream, "call", "CA and 32 hexadecimal digits", call_sid)
    return call_sid
