"""`reply`: the model's audio on its way to the caller, and the boundaries in it.

Owns: the format of an entry, both ways. Pure. Must not know: who made it, how it is played.

Ids are names and nothing more: an engine whose model has none makes some up, a turn being a response and all
that it says without an item one item. Of audio neither is ever empty.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from shared.contract.entry import VERSION, Fields, checked, stamp
from shared.contract.errors import EntryError


class ReplyKind(enum.StrEnum):
    AUDIO = "audio"
    ITEM_END = "item_end"
    RESPONSE_END = "response_end"
    FLUSH = "flush"
    PAUSE = "pause"
    """Playback stands still at once. A reader of an older version passes it over, and plays on."""
    RESUME = "resume"
    """It goes on from the frame where it stopped."""


@dataclass(frozen=True, slots=True)
class ReplyEntry:
    """A piece of the model's reply, or a boundary in it. `host`: whose clock `t_ms` is; empty if not said.

    audio: `offset` bytes of the item stand before this piece. item_end: `offset` is the item's length.
    flush: `cut` is the new cut; what has a lower one is void. pause: for `pause_ms` at most; what stands
    behind it waits too.
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
    debt: int = 0
    """The response answers all debts up to this number; 0: nobody waits for it."""
    pause_ms: int = 0
    """Of a pause alone."""


def reply_fields(entry: ReplyEntry) -> Fields:
    """The entry."""
    fields = [
        b"v", VERSION, b"k", entry.kind.value.encode(), b"e", b"%d" % entry.epoch, b"c", b"%d" % entry.cut,
        b"r", entry.response_id.encode(), b"i", entry.item_id.encode(), b"o", b"%d" % entry.offset_bytes,
        b"t", stamp(entry.t_ms),
    ]  # fmt: skip
    if entry.host:
        fields += (b"h", entry.host.encode())
    if entry.debt:
        fields += (b"d", b"%d" % entry.debt)
    if entry.pause_ms:
        fields += (b"p", b"%d" % entry.pause_ms)
    if entry.audio:
        fields += (b"a", entry.audio)
    return fields


def read_reply(fields: Sequence[bytes]) -> ReplyEntry:
    """Raises EntryError."""
    found = checked("reply", fields)
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
            debt=int(found.get(b"d", b"0")),
            pause_ms=int(found.get(b"p", b"0")),
        )
    except KeyError as error:
        raise EntryError("reply", error.args[0].decode(), "a value", None) from None
    except ValueError as error:
        names = "k, e, c, r, i, o, t, d, p"
        raise EntryError("reply", names, "what reply_fields writes", str(error)) from None
