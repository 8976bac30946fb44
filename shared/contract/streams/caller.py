"""`caller`: the caller's voice on its way to the model, and `turn`: what a next session must be told of it.

Why it exists: a frame passes here fifty times a second a call, so that its entry is packed by hand and read
without a dict; both stand side by side. Owns: the format of both streams, their bounds. Pure. Must not know:
who reads.

`caller` is written plainly, without a fence: the leg in each entry is its fence, `NOMKSTREAM` its end. `turn`
is written by the script TURN: what the model got since the last move, as one piece, under the id of the last
entry of `caller` that is in it. So positions in both are one row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared import resp
from shared.contract.entry import VERSION, Fields, checked, known, stamp
from shared.contract.errors import EntryError
from shared.contract.keys import Keys

MAXLEN = b"1500"
"""30 s of frames: the bound of `caller`, oldest dropped by Redis; a gap shows in `chunk`."""

MAX_AGE_MS = 12_000.0
"""Caller audio that could not be written is kept for this long: what was said while Redis was away is
answered afterwards. After that the caller is told that nobody answers (ingress/calls/), and the words are
dropped."""

TURN_MOST_MS = 60_000
"""The bound of `turn`, by the server's time in its ids: oldest dropped."""


@dataclass(frozen=True, slots=True)
class CallerFrame:
    """20 ms of the caller. `chunk` counts the frames of the leg, those that never came too: a jump in it is
    a gap."""

    leg: int
    chunk: int
    t_ms: float
    audio: bytes


class CallerPacker:
    """Packs the XADD of each frame of one call: all but four values stand ready."""

    __slots__ = ("_head", "lane")

    def __init__(self, keys: Keys, call_sid: str) -> None:
        self.lane = keys.lane(call_sid)
        key = keys.caller(call_sid).encode()
        args = [b"XADD", key, b"NOMKSTREAM", b"MAXLEN", MAXLEN, b"*", b"v", VERSION, b"l"]
        body = b"".join([resp.bulk(arg) for arg in args])
        self._head = b"*%d\r\n%b$" % (len(args) + 7, body)

    def pack(self, leg: int, chunk: int, now_ms: float, audio: bytes) -> bytes:
        """One frame as a whole command."""
        l, n, t = b"%d" % leg, b"%d" % chunk, b"%.1f" % now_ms  # noqa: E741 - the field's own name
        return b"%b%d\r\n%b\r\n$1\r\nn\r\n$%d\r\n%b\r\n$1\r\nt\r\n$%d\r\n%b\r\n$1\r\na\r\n$%d\r\n%b\r\n" % (
            self._head, len(l), l, len(n), n, len(t), t, len(audio), audio,
        )  # fmt: skip


def caller_fields(frame: CallerFrame) -> Fields:
    """The same entry as words: what simulations and tests write, and what `pack` is compared with."""
    leg, chunk = b"%d" % frame.leg, b"%d" % frame.chunk
    return [b"v", VERSION, b"l", leg, b"n", chunk, b"t", stamp(frame.t_ms), b"a", frame.audio]


_ORDER = (b"v", b"l", b"n", b"t", b"a")


def read_caller(fields: Sequence[bytes]) -> CallerFrame:
    """An entry of `caller`. Raises EntryError."""
    # Our own writers keep this order, fifty times a second a call: no dict is built for it.
    if len(fields) == 10 and tuple(fields[:9:2]) == _ORDER and fields[1] == VERSION:
        leg, chunk, t_ms, audio = fields[3], fields[5], fields[7], fields[9]
    else:
        found: Mapping[bytes, bytes] = checked("caller", fields)
        try:
            leg, chunk, t_ms, audio = found[b"l"], found[b"n"], found[b"t"], found[b"a"]
        except KeyError as error:
            raise EntryError("caller", error.args[0].decode(), "a value", None) from None
    try:
        return CallerFrame(int(leg), int(chunk), float(t_ms), audio)
    except ValueError:
        raise EntryError("caller", "l, n, t", "numbers", (leg, chunk, t_ms)) from None


def read_turn(found: Mapping[bytes, bytes]) -> bytes:
    """The audio of an entry of `turn`, as redis-py reads it. Raises EntryError."""
    try:
        return known("turn", found)[b"a"]
    except KeyError:
        raise EntryError("turn", "a", "a value", None) from None
