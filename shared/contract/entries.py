"""Formats of the entries in the hot streams: `caller`, `reply`, `out`, `back`, and the doorbell.

Owns: field names, their order, the schema version and the names of what stands in an `out` or `back`
entry. Pure. Must not know: who writes, who reads, when.

An entry of Redis is a flat list of field, value, field, value, all bytes. Unknown fields are ignored;
an unknown version `v` raises UnknownVersion, which readers count and skip. Short names on these streams
only: they pass fifty times a second a call.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

VERSION = b"1"

Fields = list[bytes]
"""Field, value, field, value, …"""


class EntryError(ValueError):
    """An entry that cannot be read: a field is missing or is no number."""


class UnknownVersion(EntryError):
    """An entry of another schema version, written by a newer or older process."""


def to_dict(fields: Sequence[bytes]) -> dict[bytes, bytes]:
    """The flat list as a dict; of a repeated field the last stands. For entries without pairs."""
    return dict(zip(fields[::2], fields[1::2], strict=False))


def _read(fields: Sequence[bytes]) -> dict[bytes, bytes]:
    found = to_dict(fields)
    version = found.get(b"v")
    if version != VERSION:
        raise UnknownVersion(f"expected an entry of version {VERSION.decode()}, came {version!r}")
    return found


def stamp(now_ms: float) -> bytes:
    """`t`: CLOCK_MONOTONIC of the writer's host in ms. Comparable on one host only."""
    return b"%.1f" % now_ms


# ------------------------------------------------------------------------------------------------ caller


@dataclass(frozen=True, slots=True)
class CallerFrame:
    """20 ms of the caller. `chunk` is Twilio's counter within the leg; a jump in it is a gap."""

    leg: int
    chunk: int
    t_ms: float
    audio: bytes


def caller_fields(leg: int, chunk: int, now_ms: float, audio: bytes) -> Fields:
    return [b"v", VERSION, b"l", b"%d" % leg, b"n", b"%d" % chunk, b"t", stamp(now_ms), b"a", audio]


_CALLER_ORDER = (b"v", b"l", b"n", b"t", b"a")


def read_caller(fields: Sequence[bytes]) -> CallerFrame:
    """Raises EntryError."""
    # Our own writers keep this order, fifty times a second a call: no dict is built for it.
    found: Mapping[bytes, bytes] | None = None
    if len(fields) == 10 and tuple(fields[:9:2]) == _CALLER_ORDER and fields[1] == VERSION:
        leg, chunk, t_ms, audio = fields[3], fields[5], fields[7], fields[9]
    else:
        found = _read(fields)
    try:
        if found is not None:
            leg, chunk, t_ms, audio = found[b"l"], found[b"n"], found[b"t"], found[b"a"]
        return CallerFrame(int(leg), int(chunk), float(t_ms), audio)
    except (KeyError, ValueError) as error:
        raise EntryError(f"expected v, l, n, t, a in a caller entry: {error!r}") from None


# ------------------------------------------------------------------------------------------------- reply


class ReplyKind(enum.StrEnum):
    AUDIO = "audio"
    ITEM_END = "item_end"
    RESPONSE_END = "response_end"
    FLUSH = "flush"


@dataclass(frozen=True, slots=True)
class ReplyEntry:
    """A piece of the model's reply, or a boundary in it. `host`: whose clock `t_ms` is; empty if not said.

    audio: `offset` bytes of the item stand before this piece. item_end: `offset` is the item's length.
    flush: `cut` is the new cut; what has a lower one is void.
    """

    kind: ReplyKind
    epoch: int
    cut: int
    response_id: str
    item_id: str
    offset_bytes: int
    t_ms: float
    audio: bytes
    host: str = ""


def reply_fields(entry: ReplyEntry) -> Fields:
    fields = [
        b"v", VERSION, b"k", entry.kind.value.encode(), b"e", b"%d" % entry.epoch, b"c", b"%d" % entry.cut,
        b"r", entry.response_id.encode(), b"i", entry.item_id.encode(), b"o", b"%d" % entry.offset_bytes,
        b"t", stamp(entry.t_ms),
    ]  # fmt: skip
    if entry.host:
        fields += (b"h", entry.host.encode())
    if entry.audio:
        fields += (b"a", entry.audio)
    return fields


def read_reply(fields: Sequence[bytes]) -> ReplyEntry:
    """Raises EntryError."""
    found = _read(fields)
    try:
        return ReplyEntry(
            kind=ReplyKind(found[b"k"].decode()),
            epoch=int(found[b"e"]),
            cut=int(found[b"c"]),
            response_id=found[b"r"].decode(),
            item_id=found[b"i"].decode(),
            offset_bytes=int(found[b"o"]),
            t_ms=float(found[b"t"]),
            audio=found.get(b"a", b""),
            host=found.get(b"h", b"").decode(errors="replace"),
        )
    except (KeyError, ValueError) as error:
        raise EntryError(f"expected v, k, e, c, r, i, o, t (and a) in a reply entry: {error!r}") from None


# ------------------------------------------------------------------------------------------ out and back


class OutKind(enum.StrEnum):
    """What may stand in an `out` entry: four kinds of egress, then two of brain.

    A clear's value is the stamp of the flush behind it, if that was written on egress's host, else empty.
    """

    FRAME = "frame"
    MARK = "mark"
    CLEAR = "clear"
    ATTACH = "attach"
    DUE = "due"
    CLOSE = "close"


class BackKind(enum.StrEnum):
    """What may stand in a `back` entry."""

    ECHO = "echo"
    FORWARDED = "forwarded"
    ATTACHED = "attached"


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a pair in `out` or `back`: `kind:call:leg:epoch:cut:n`.

    `epoch` is that of the owner who speaks: egress's for its four kinds and in `back`, the brain's for
    `due` and `close`. `n` is the call's frame number: of this frame, or of the last one before it.
    """

    kind: str
    call_sid: str
    leg: int
    epoch: int
    cut: int
    n: int

    def encode(self) -> bytes:
        return b"%s:%s:%d:%d:%d:%d" % (
            self.kind.encode(),
            self.call_sid.encode(),
            self.leg,
            self.epoch,
            self.cut,
            self.n,
        )


def read_name(name: bytes) -> Name:
    """Raises EntryError."""
    try:
        kind, call_sid, leg, epoch, cut, n = name.split(b":")
        return Name(kind.decode(), call_sid.decode(), int(leg), int(epoch), int(cut), int(n))
    except ValueError:
        raise EntryError(f"expected kind:call:leg:epoch:cut:n as a name, came {name[:80]!r}") from None


Pair = tuple[bytes, bytes]
"""An encoded Name and its value: raw audio, a mark's name, a figure, or nothing."""


def pairs_fields(worker: bytes, now_ms: float, pairs: Sequence[Pair]) -> Fields:
    """An `out` or `back` entry: `worker` is the writer."""
    fields = [b"v", VERSION, b"w", worker, b"t", stamp(now_ms)]
    for name, value in pairs:
        fields.append(name)
        fields.append(value)
    return fields


@dataclass(frozen=True, slots=True)
class Pairs:
    """A read `out` or `back` entry."""

    worker: str
    t_ms: float
    fields: Sequence[bytes]

    def __iter__(self) -> Iterator[Pair]:
        """The pairs in sending order, names still encoded: the reader decodes what it wants."""
        fields = self.fields
        for index in range(6, len(fields) - 1, 2):
            yield fields[index], fields[index + 1]


def read_pairs(fields: Sequence[bytes]) -> Pairs:
    """Raises EntryError. The three head fields are written first, always; pairs follow."""
    if len(fields) < 6 or fields[0] != b"v" or fields[2] != b"w" or fields[4] != b"t":
        raise EntryError(f"expected v, w, t first in an out or back entry, came {list(fields[:6:2])!r}")
    if fields[1] != VERSION:
        raise UnknownVersion(f"expected an entry of version {VERSION.decode()}, came {fields[1]!r}")
    try:
        return Pairs(fields[3].decode(), float(fields[5]), fields)
    except ValueError:
        raise EntryError(f"expected a worker and a stamp, came {fields[3]!r}, {fields[5]!r}") from None


# ---------------------------------------------------------------------------------------------- doorbell


class Why(enum.StrEnum):
    """Why a doorbell rings."""

    REPLY = "reply"
    CONTROL = "control"
    CLAIMED = "claimed"
    STREAM = "stream"
    ENDED = "ended"
    DRAIN = "drain"
    """An operator takes the worker out: no new calls, the live ones go on. No call is named."""


def ring_fields(call_sid: str, why: Why) -> Fields:
    return [b"v", VERSION, b"call", call_sid.encode(), b"why", why.value.encode()]


def read_ring(fields: Sequence[bytes]) -> tuple[str, str]:
    """(call_sid, why). Raises EntryError; an unknown `why` is given as it came."""
    found = _read(fields)
    try:
        return found[b"call"].decode(), found[b"why"].decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise EntryError(f"expected v, call, why in a doorbell entry: {error!r}") from None
