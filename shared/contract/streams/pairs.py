"""`out` and `back`: many calls in one entry, between an egress worker and an ingress worker.

Why it exists: an entry for each frame of each call would cost a read for each; a tick's frames of all calls
go in one, those of one call joined to one pair. Owns: the format of the entries, the names of the pairs in
them, in which entry a pair goes. Pure. Must not know: what a pair makes its reader do.

An entry is `v`, `w` (the writer), `t`, then pairs in sending order. A pair's name is
`kind:call:leg:epoch:cut:n`, its value raw audio, a mark's name, a figure, or nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from shared.audio import FRAME_BYTES
from shared.contract.command import Command
from shared.contract.entry import VERSION, Fields, stamp, whole
from shared.contract.errors import EntryError, UnknownVersion
from shared.contract.keys import Keys, lane_of
from shared.contract.owed import DebtCause
from shared.contract.record import MOST

MAXLEN = b"2000"
"""Fuse of `out` and `back`: their readers delete what they have read."""

GROUP_FRAMES = 3
"""Most frames in one `frame` pair: 60 ms, one message to the carrier."""


class OutKind(enum.StrEnum):
    """What may stand in an `out` entry: seven kinds of egress, then four of brain.

    A frame's value is 20 ms of audio, or up to GROUP_FRAMES times that: frames that follow one another. A
    clear's is the stamp of the flush behind it, if that was written on egress's host, else empty; a pause's
    is the name of the mark behind it. The value of sound and sound_end is the number of a debt, a close's is
    the cause, a fill's the id of a sound, a tape's a TapeWish. In place of a frame's number the name of owes
    has the debt's, that of fill the ms before it begins.
    """

    FRAME = "frame"
    MARK = "mark"
    CLEAR = "clear"
    PAUSE = "pause"
    """As a clear, of the same cut: what the carrier has not played comes again later."""
    ATTACH = "attach"
    SOUND = "sound"
    """What follows answers all debts up to this number."""
    SOUND_END = "sound_end"
    """The last frame of that answer has gone."""
    OWES = "owes"
    """The brain is alive, and this is what it owes the caller."""
    FILL = "fill"
    """While the caller waits and hears nothing, this sound is played again and again. An ingress of an older
    version leaves it aside, and the caller waits in silence."""
    TAPE = "tape"
    """Both sides of the call are to be written as sound, or not any more (shared/contract/streams/tape.py).
    An ingress of an older version leaves it aside, and the call is not recorded there."""
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owes:
    """What a brain says of one call: it is alive, and this was the last debt (`number` 0: there was none
    yet).

    It says the number also when the debt is paid: ingress, which hears the caller's ear, is the judge of
    that.
    """

    number: int
    age_ms: int = 0
    """Since the oldest debt was raised that is unpaid as far as the brain knows."""
    cause: DebtCause | None = None
    is_paid: bool = False
    """By egress's word an answer to it is audible."""
    is_waived: bool = False
    """It was decided that nothing need be said."""
    is_caller_speaking: bool = False
    is_deaf: bool = False
    """There is no session with the model: nobody hears the caller."""
    is_patient: bool = False
    """A tool runs within its limit: no apology yet."""


_FLAGS = {"is_paid": "p", "is_waived": "w", "is_caller_speaking": "s", "is_deaf": "d", "is_patient": "h"}


class BackKind(enum.StrEnum):
    """What may stand in a `back` entry. An echo's value is the mark's name, a forwarded's the unsent
    bytes, an attached's the ms of what was forwarded that the caller has not heard yet, a groups' the most
    frames in one pair, a way's the ms to Twilio and back. A pauses' is empty."""

    ECHO = "echo"
    FORWARDED = "forwarded"
    ATTACHED = "attached"
    GROUPS = "groups"
    """Stands before `attached`: this ingress takes frames in groups. One that does not say so is of an older
    version, and would take a group for one frame."""
    PAUSES = "pauses"
    """Stands before `attached`: this ingress knows `pause`. One that does not say so is of an older version,
    and would leave it aside: what the carrier has plays on then."""
    WAY = "way"
    """How long the stream's socket takes there and back, when that has changed."""
    OUTRANKED = "outranked"
    """A pair of this worker was dropped: ingress has seen a higher epoch, which stands in the name."""


Pair = tuple[bytes, bytes]
"""An encoded Name and its value."""


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a pair.

    `epoch` is that of the owner who speaks: egress's for its own kinds and in `back`, the brain's for
    `owes`, `fill`, `tape` and `close`. `n` is the call's frame number: of this frame, of the last one of a
    group, or of the last one before what is no frame.
    """

    kind: str
    call_sid: str
    leg: int
    epoch: int
    cut: int
    n: int

    def encode(self) -> bytes:
        """As it stands in an entry."""
        return b"%b:%b:%d:%d:%d:%d" % (
            self.kind.encode(), self.call_sid.encode(), self.leg, self.epoch, self.cut, self.n,
        )  # fmt: skip


def read_name(name: bytes) -> Name:
    """Raises EntryError."""
    kind, call_sid, leg, epoch, cut, n = split_name(name)
    try:
        made = Name(kind.decode(), call_sid.decode(), int(leg), int(epoch), int(cut), int(n))
        if max(made.leg, made.epoch, made.cut, made.n) > MOST:
            raise ValueError
        return made
    except ValueError:
        raise EntryError("pair", "name", "kind:call:leg:epoch:cut:n", name) from None


IS_FRAME = OutKind.FRAME.value.encode()
"""The kind of nearly all pairs, as `split_name` returns it."""


def split_name(name: bytes) -> list[bytes]:
    """kind, call, leg, epoch, cut, n, unread: for frames, where a Name would cost as much as the rest of
    their way. Raises EntryError."""
    parts = name.split(b":")
    if len(parts) != 6:
        raise EntryError("pair", "name", "kind:call:leg:epoch:cut:n", name)
    return parts


class OutNames:
    """Names of one call's pairs in `out`, as egress writes them: what stays the same is kept."""

    __slots__ = ("_of", "_sid", "_suffix")

    def __init__(self, call_sid: str) -> None:
        self._sid = call_sid.encode()
        self._of = (-1, -1, -1)
        self._suffix = b""

    def between(self, leg: int, epoch: int, cut: int) -> bytes:
        """What a name has between its kind and its number: `:call:leg:epoch:cut:`."""
        of = (leg, epoch, cut)
        if of != self._of:
            self._of, self._suffix = of, b":%b:%d:%d:%d:" % (self._sid, leg, epoch, cut)
        return self._suffix


def frames(between: bytes, last_n: int, audio: bytes) -> Pair:
    """Frames of 160 bytes that follow one another, of one stretch of one item: `last_n` is the number of the
    last one. Up to GROUP_FRAMES; one alone is all that an older ingress takes."""
    return b"frame%b%d" % (between, last_n), audio


def frames_in(audio: bytes) -> int:
    """How many frames the value of a `frame` pair holds; a piece of one counts as one."""
    return -(-len(audio) // FRAME_BYTES)


def mark(between: bytes, n: int, name: str) -> Pair:
    """A mark that the carrier sends back when what stands before it was played."""
    return b"mark%b%d" % (between, n), name.encode()


def clear(between: bytes, n: int, flush_stamp: bytes) -> Pair:
    """What the carrier has not played is void."""
    return b"clear%b%d" % (between, n), flush_stamp


def pause(between: bytes, n: int, mark_name: str) -> Pair:
    """What the carrier has not played is to be forgotten, and comes again, under numbers above `n`. The mark
    that goes behind tells the echoes of it from those of what is sent next."""
    return b"pause%b%d" % (between, n), mark_name.encode()


def fill(call_sid: str, leg: int, epoch: int, sound_id: str, after_ms: int) -> Pair:
    """What is to be heard while the caller waits, from `after_ms` on; an empty id: nothing any more."""
    return Name(OutKind.FILL, call_sid, leg, epoch, 0, after_ms).encode(), sound_id.encode()


def tape(call_sid: str, leg: int, epoch: int, wish: bytes) -> Pair:
    """What is to be written of the sound of this call, as tape.py says it."""
    return Name(OutKind.TAPE, call_sid, leg, epoch, 0, 0).encode(), wish


def attach(between: bytes, n: int) -> Pair:
    """A new owner asks for the last frame that was forwarded."""
    return b"attach%b%d" % (between, n), b""


def sound(between: bytes, n: int, debt: int) -> Pair:
    """What follows frame `n` answers all debts up to this one."""
    return b"sound%b%d" % (between, n), b"%d" % debt


def sound_end(between: bytes, n: int, debt: int) -> Pair:
    """Frame `n` was the last one of the answer to this debt."""
    return b"sound_end%b%d" % (between, n), b"%d" % debt


def read_debt(value: bytes) -> int:
    """What `sound` or `sound_end` said. Raises EntryError."""
    number = whole(value)
    if number is None:
        raise EntryError("pair", OutKind.SOUND, "the number of a debt", value)
    return number


def owes(call_sid: str, leg: int, brain_epoch: int, owed: Owes) -> Pair:
    """The brain is alive; what it owes this caller."""
    flags = "".join(flag for field, flag in _FLAGS.items() if attrgetter(field)(owed))
    name = Name(OutKind.OWES, call_sid, leg, brain_epoch, 0, owed.number).encode()
    return name, f"{owed.age_ms} {flags or '-'} {owed.cause or '-'}".encode()


def read_owes(name: Name, value: bytes) -> Owes:
    """Raises EntryError."""
    try:
        age_ms, flags, cause = value.decode().split(" ")
        return Owes(
            number=name.n,
            age_ms=int(age_ms),
            cause=None if cause == "-" else DebtCause(cause),
            **{field: flag in flags for field, flag in _FLAGS.items()},
        )
    except ValueError:
        raise EntryError("pair", OutKind.OWES, "age in ms, flags, cause", value) from None


def close(call_sid: str, leg: int, brain_epoch: int, cause: str) -> Pair:
    """The brain: the stream is to be closed; what comes then stands on the card."""
    return Name(OutKind.CLOSE, call_sid, leg, brain_epoch, 0, 0).encode(), cause.encode(errors="replace")


def read_unsent(value: bytes) -> int:
    """What `forwarded` said: bytes that the socket has not taken. Raises EntryError."""
    number = whole(value)
    if number is None:
        raise EntryError("pair", BackKind.FORWARDED, "a number of bytes", value)
    return number


def groups() -> bytes:
    """What `groups` says: the most frames that one pair may have."""
    return b"%d" % GROUP_FRAMES


def read_groups(value: bytes) -> int:
    """The same, 1 or more. Raises EntryError."""
    number = whole(value)
    if not number:
        raise EntryError("pair", BackKind.GROUPS, "a number of frames", value)
    return number


def way(ms: float) -> bytes:
    """What `way` says: to Twilio's socket and back."""
    return b"%d" % max(0.0, ms)


def read_way(value: bytes) -> int:
    """The same. Raises EntryError."""
    number = whole(value)
    if number is None:
        raise EntryError("pair", BackKind.WAY, "a number of ms", value)
    return number


def playing(ms: float) -> bytes:
    """What `attached` says: how long what was forwarded will still play."""
    return b"%d" % max(0.0, ms)


def read_playing(value: bytes) -> int | None:
    """The same; None of an older ingress, which does not say it. Raises EntryError."""
    if not value:
        return None
    if not value.isdigit():
        raise EntryError("pair", BackKind.ATTACHED, "a number of ms", value)
    return int(value)


# Entries.


def out_commands(
    keys: Keys, to_ingress: str, writer: bytes, now_ms: float, pairs: Sequence[Pair]
) -> list[Command]:
    """What egress (or brain) has for an ingress worker in this tick: one `out` entry, on a Cluster one a
    lane."""
    return [
        _command(keys.out(to_ingress, lane), writer, now_ms, some) for lane, some in _by_lane(keys, pairs)
    ]


def back_commands(
    keys: Keys, to_egress: str, writer: bytes, now_ms: float, pairs: Sequence[Pair]
) -> list[Command]:
    """What ingress tells an egress worker: one `back` entry, on a Cluster one a lane."""
    return [
        _command(keys.back(to_egress, lane), writer, now_ms, some) for lane, some in _by_lane(keys, pairs)
    ]


def pairs_fields(writer: bytes, now_ms: float, pairs: Sequence[Pair]) -> Fields:
    """The words of an entry."""
    fields = [b"v", VERSION, b"w", writer, b"t", stamp(now_ms)]
    for name, value in pairs:
        fields.append(name)
        fields.append(value)
    return fields


@dataclass(frozen=True, slots=True)
class Pairs:
    """A read entry."""

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
        raise EntryError("pairs", "head", "v, w, t first", list(fields[:6:2]))
    if fields[1] != VERSION:
        raise UnknownVersion("pairs", fields[1])
    try:
        return Pairs(fields[3].decode(), float(fields[5]), fields)
    except ValueError:
        raise EntryError("pairs", "head", "a worker and a stamp", (fields[3], fields[5])) from None


# Private.


def _by_lane(keys: Keys, pairs: Sequence[Pair]) -> list[tuple[int, Sequence[Pair]]]:
    """Pairs by the lane of their call; those of one call stay in their order."""
    if not keys.spread:
        return [(0, pairs)]
    lanes: dict[int, list[Pair]] = {}
    for pair in pairs:
        call_sid = pair[0].split(b":", 2)[1]
        lanes.setdefault(lane_of(call_sid.decode(), keys.lanes), []).append(pair)
    return list(lanes.items())


def _command(key: str, writer: bytes, now_ms: float, pairs: Sequence[Pair]) -> Command:
    name = key.encode()
    head = (b"XADD", name, b"NOMKSTREAM", b"MAXLEN", b"~", MAXLEN, b"*")
    return Command(name, (*head, *pairs_fields(writer, now_ms, pairs)))
