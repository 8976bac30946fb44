"""`trunkline keys`: every kind of key in Redis, what it is for, and how much is there now.

Owns: the list of kinds (docs/design.md, Keys) and its live sizes. Must not know: the entries.
The names come from shared/contract/keys.py, with the wild cards of SCAN in place of call, lane and worker.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from rich.table import Table

from shared.contract.keys import (
    ADMITTED,
    AUDIT,
    CONFIG,
    COUNTED_BY,
    MODEL,
    SOUND,
    SPEECH,
    WORKERS,
    caller_day,
)
from shared.store.client import Store

SCAN_COUNT = 500
MEASURED_KEYS = 2000
"""Keys of one kind whose length is asked for; beyond it the sum is a lower bound and says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyKind:
    """One row: a kind of key."""

    pattern: str
    """Glob, as SCAN and `redis-cli --scan --pattern` take it."""
    type: str
    """Redis's own word: hash, stream, set, zset, string."""
    purpose: str
    unit: str
    """What one element of it is."""
    bound: str


KINDS = (
    KeyKind(pattern="tl:{*}:calls", type="stream", purpose="dispatch of new calls to brain and egress",
            unit="calls not yet claimed by both", bound="goes when both have claimed"),
    KeyKind(pattern="tl:{*}:ringing", type="stream", purpose="calls that ring, for a brain to expect",
            unit="calls no brain has read", bound="goes when a brain reads it, or after 10 s"),
    KeyKind(pattern="tl:{*}:orphans", type="stream", purpose="calls that have lost their brain or egress",
            unit="roles that nobody has", bound="goes when it is claimed"),
    KeyKind(pattern="tl:{*}:deadlines", type="zset", purpose="when a call ends that gets no new stream",
            unit="calls", bound="live calls"),
    KeyKind(pattern="tl:{*}:live", type="zset", purpose="who is on the line", unit="live calls", bound="–"),
    KeyKind(pattern="tl:{*}:ended", type="zset", purpose="who was on the line", unit="ended calls",
            bound="ENDED_MOST a lane, ENDED_KEEP_S"),
    KeyKind(pattern=ADMITTED, type="zset", purpose="admission: every call that has a place, of all lanes",
            unit="calls", bound="MAX_CALLS"),
    KeyKind(pattern=COUNTED_BY, type="string", purpose="which ingress holds the count against the cards",
            unit="bytes", bound="15 s without its word"),
    KeyKind(pattern=caller_day("*"), type="hash", purpose="what a caller has had in a day, by a keyed hash",
            unit="calls", bound="1,000, gone 25 h after the last"),
    KeyKind(pattern="tl:{*}:slots", type="zset", purpose="admission, for processes of the version before",
            unit="calls", bound="live calls, and those that ring"),
    KeyKind(pattern="tl:{*}:call:CA*:caller", type="stream", purpose="caller audio the model has not got",
            unit="frames of 20 ms", bound="30 s, oldest dropped"),
    KeyKind(pattern="tl:{*}:call:CA*:turn", type="stream", purpose="the caller's voice, for a next session",
            unit="pieces of some frames", bound="open turn or 2 s, at most 60 s"),
    KeyKind(pattern="tl:{*}:call:CA*:reply", type="stream", purpose="model audio the caller has not heard",
            unit="pieces", bound="10 min, then the brain stops"),
    KeyKind(pattern="tl:{*}:call:CA*:control", type="stream", purpose="control messages; XADD allowed",
            unit="messages", bound="1,000"),
    KeyKind(pattern="tl:{*}:call:CA*:journal", type="stream", purpose="one entry a transition, for people",
            unit="entries", bound="2,000"),
    KeyKind(pattern="tl:{*}:call:CA*:history", type="stream", purpose="items, what was heard of them, tools",
            unit="entries", bound="2,000"),
    KeyKind(pattern="tl:{*}:call:CA*:tape", type="stream", purpose="both sides as sound, where wanted",
            unit="pieces of half a second", bound="2 min, oldest dropped"),
    KeyKind(pattern="tl:{*}:call:CA*:token", type="hash", purpose="one-use tokens of media streams",
            unit="fields", bound="–"),
    KeyKind(pattern="tl:{*}:call:CA*:number", type="hash", purpose="the caller's number in full, for tools",
            unit="fields", bound="gone when the end is told"),
    KeyKind(pattern="tl:{*}:call:CA????????????????????????????????", type="hash",
            purpose="the card: the truth about a call", unit="fields", bound="–"),
    KeyKind(pattern="tl:{*}:janitor", type="string", purpose="which ingress tidies the lane up",
            unit="bytes", bound="15 s without its word"),
    KeyKind(pattern="tl:{*}:hooks", type="stream", purpose="webhooks not yet delivered", unit="events",
            bound="10,000"),
    KeyKind(pattern="tl:{*}:tapes", type="stream", purpose="calls that are recorded, for the recorder",
            unit="calls not yet kept", bound="10,000"),
    KeyKind(pattern="tl:{*}:wake:*", type="stream", purpose="doorbell of a worker", unit="rings",
            bound="100"),
    KeyKind(pattern="tl:{*}:owned:*", type="set", purpose="calls that a worker owns", unit="calls",
            bound="–"),
    KeyKind(pattern="tl:out:*", type="stream", purpose="audio, marks and clears, egress → ingress",
            unit="commits not yet read", bound="2,000"),
    KeyKind(pattern="tl:{*}:out:*", type="stream", purpose="the same on a Cluster, one a lane",
            unit="commits not yet read", bound="2,000"),
    KeyKind(pattern="tl:back:*", type="stream", purpose="echoes and progress, ingress → egress",
            unit="commits not yet read", bound="2,000"),
    KeyKind(pattern="tl:{*}:back:*", type="stream", purpose="the same on a Cluster, one a lane",
            unit="commits not yet read", bound="2,000"),
    KeyKind(pattern="tl:worker:*", type="hash", purpose="beat and figures of a worker", unit="fields",
            bound="gone an hour after its last beat"),
    KeyKind(pattern=WORKERS, type="set", purpose="names of all workers", unit="workers", bound="–"),
    KeyKind(pattern=f"{SOUND}*", type="hash", purpose="a sound while a caller waits, brain → ingress",
            unit="fields", bound="1"),
    KeyKind(pattern=SPEECH, type="hash", purpose="what Twilio's own voice says, brain → ingress",
            unit="fields", bound="–"),
    KeyKind(pattern="tl:{spent}:*", type="hash", purpose="what the calls of a day have cost", unit="fields",
            bound="gone after 3 days"),
    KeyKind(pattern=AUDIT, type="stream", purpose="who did what by hand", unit="deeds",
            bound="10,000, 90 days after the last"),
    KeyKind(pattern=MODEL, type="hash", purpose="what is left of the model account's rate, brain → ingress",
            unit="fields", bound="a minute at most"),
    KeyKind(pattern=CONFIG, type="hash", purpose="what all workers must agree on", unit="fields", bound="–"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSize:
    """How much there is of one kind now."""

    kind: KeyKind
    keys: int
    elements: int
    complete: bool
    """False if there were too many keys to ask each for its length."""


async def measure(store: Store) -> list[KindSize]:
    """Counts keys and elements: one SCAN, then a length command a key. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    found: dict[KeyKind, list[bytes]] = {kind: [] for kind in KINDS}
    # Each once: a server may name one twice, and so may two of a Cluster that have just changed places.
    for key in {key async for key in store.scan_iter(match="tl:*", count=SCAN_COUNT)}:
        kind = kind_of(key.decode(errors="replace"))
        if kind is not None:
            found[kind].append(key)
    return [await _size(store, kind, keys) for kind, keys in found.items()]


def kind_of(key: str) -> KeyKind | None:
    """The first kind that fits, or None for a key that is not in the table."""
    return next((kind for kind in KINDS if fnmatchcase(key, kind.pattern)), None)


def table(sizes: list[KindSize]) -> Table:
    """The table for a terminal."""
    made = Table("key", "type", "keys", "elements", "what it is", "bound")
    made.columns[0].no_wrap = True
    for column in made.columns[2:4]:
        column.justify = "right"
    for size in sizes:
        kind = size.kind
        elements = f"{size.elements:,}{'' if size.complete else '+'} {kind.unit}"
        pattern = kind.pattern.replace("CA????????????????????????????????", "CA*")
        made.add_row(pattern, kind.type, f"{size.keys:,}", elements if size.keys else "–", kind.purpose,
                     kind.bound)  # fmt: skip
    return made


def as_data(sizes: list[KindSize]) -> list[dict[str, object]]:
    """For programs."""
    return [
        {**asdict(size.kind), "keys": size.keys, "elements": size.elements, "complete": size.complete}
        for size in sizes
    ]


# Private.


async def _size(store: Store, kind: KeyKind, found: list[bytes]) -> KindSize:
    asked = found[:MEASURED_KEYS]
    command = {"stream": "XLEN", "zset": "ZCARD", "set": "SCARD", "hash": "HLEN", "string": "STRLEN"}[
        kind.type
    ]
    async with store.pipeline(transaction=False) as pipeline:
        for key in asked:
            pipeline.execute_command(command, key)
        lengths: list[Any] = await pipeline.execute(raise_on_error=False)
    # A key may have gone, or may be of another type, between SCAN and now: it counts as empty.
    elements = sum(length for length in lengths if isinstance(length, int))
    return KindSize(kind=kind, keys=len(found), elements=elements, complete=len(asked) == len(found))
