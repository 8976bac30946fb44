"""What all entries of streams have in common: their ids, their version, their stamp, their flat shape.

Why it exists: ids were taken apart in ten places, each in its own way. Owns: the arithmetic of ids, the
version of entries. Pure. Must not know: any one stream.

An entry of Redis is a flat list of field, value, field, value, all bytes. Its id is `ms-seq` by the server's
clock. Unknown fields are ignored; an unknown version raises UnknownVersion, which readers count and skip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.contract.command import Command
from shared.contract.errors import UnknownVersion
from shared.contract.keys import NOWHERE
from shared.contract.record import MOST

VERSION = b"1"
"""`v` of every entry. It changes when an older reader would misread a newer entry, not when a field is
added."""

FIRST = "0"
"""The position before the first entry there is."""

NOTHING = {b"v": VERSION}
"""An entry that says nothing: written and trimmed at once, it makes a stream that can carry a TTL."""


def probe_command(nowhere: str = NOWHERE) -> Command:
    """A write that writes nothing: refused like all others, answered nil by a Redis that takes them.
    `nowhere`: where it goes, on a Cluster a key of the slot that is asked about."""
    key = nowhere.encode()
    return Command(key, (b"XADD", key, b"NOMKSTREAM", b"*", b"v", VERSION))


Fields = list[bytes]
"""Field, value, field, value, …"""


def to_dict(fields: Sequence[bytes]) -> dict[bytes, bytes]:
    """The flat list as a dict; of a repeated field the last stands. For entries without pairs."""
    return dict(zip(fields[::2], fields[1::2], strict=False))


def checked(record: str, fields: Sequence[bytes]) -> Mapping[bytes, bytes]:
    """The fields of an entry of a known version. Raises UnknownVersion."""
    return known(record, to_dict(fields))


def known(record: str, found: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """The same for fields that are a dict already, as redis-py reads them."""
    version = found.get(b"v")
    if version != VERSION:
        raise UnknownVersion(record, version)
    return found


def text_of(found: Mapping[bytes, bytes]) -> dict[str, str]:
    """Fields as text; what is no UTF-8 is shown as such, never raised."""
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in found.items()}


MOST_DIGITS = 19
"""Of what is read as a number at all. The number of a debt has as many."""


def whole(text: str | bytes) -> int | None:
    """A whole number of at most 63 bits, not below 0; None for anything else that may stand there."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    number = int(text) if is_number else -1
    return number if 0 <= number <= MOST else None


def stamp(now_ms: float) -> bytes:
    """`t`: CLOCK_MONOTONIC of the writer's host in ms. Comparable on one host only."""
    return b"%.1f" % now_ms


# Ids.


def order(entry_id: str | bytes) -> tuple[int, int]:
    """What ids are compared by: milliseconds, number. Raises ValueError for what is no id."""
    text = entry_id.decode("ascii", "replace") if isinstance(entry_id, bytes) else entry_id
    ms, _, number = text.partition("-")
    return int(ms), int(number or 0)


def written_ms(entry_id: str | bytes) -> int:
    """When the entry was written, by the server's clock. Raises ValueError for what is no id."""
    return order(entry_id)[0]


def after(entry_id: str) -> str:
    """The smallest id above `entry_id`: XTRIM MINID keeps what it names."""
    ms, number = order(entry_id)
    return f"{ms}-{number + 1}"
