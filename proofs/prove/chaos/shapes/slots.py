"""Who has which slots of a Cluster, as one of its nodes says it.

Why it exists: a node's view is lines of text, and each question about a Cluster (who has this key, who is
whose replica, is all of it there) is answered from them. Owns: reading them, how slots are dealt out. Pure.
Must not know: connections.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

SLOTS: Final = 16_384

_GONE: Final = frozenset({"fail", "fail?", "handshake", "noaddr"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One node, as CLUSTER NODES says it."""

    node_id: str
    port: int
    flags: frozenset[str]
    master_id: str
    """Of a replica; empty: it is none."""
    epoch: int
    """Of two who claim the same slot the higher one has it."""
    is_linked: bool
    slots: tuple[range, ...] = ()

    @property
    def is_master(self) -> bool:
        """Whether it takes writes, or did."""
        return "master" in self.flags

    @property
    def is_well(self) -> bool:
        """Whether the one who says it can talk to it."""
        is_own = "myself" in self.flags
        return not self.flags & _GONE and (self.is_linked or is_own)

    @property
    def count(self) -> int:
        """How many slots it has."""
        return sum(map(len, self.slots))


def read_nodes(text: str) -> list[Line]:
    """All nodes that one of them knows, itself among them. Raises ValueError for what is no such text."""
    return [_line(words) for words in map(str.split, text.splitlines()) if words]


def owner_of(lines: Sequence[Line], slot: int) -> Line | None:
    """The master that has a slot, dead or alive, by the word of one node or of several; None: nobody has."""
    claims = [line for line in lines if any(slot in each for each in line.slots)]
    return max(claims, key=lambda line: line.epoch, default=None)


def is_whole(lines: Sequence[Line], *, nodes: int, masters: int) -> bool:
    """Whether so many nodes are well, so many masters have all slots, and each has a replica."""
    serving = [line for line in lines if line.is_master and line.count]
    covered = {line.master_id for line in lines if line.master_id}
    return (
        len(lines) == nodes
        and all(line.is_well for line in lines)
        and len(serving) == masters
        and sum(line.count for line in serving) == SLOTS
        and all(line.node_id in covered for line in serving)
    )


def dealt_out(masters: int) -> list[range]:
    """All slots in so many ranges, as even as may be."""
    ends = [round(SLOTS * number / masters) for number in range(masters + 1)]
    return [range(first, end) for first, end in pairwise(ends)]


# Private.


def _line(words: Sequence[str]) -> Line:
    node_id, address, flags, master_id, _, _, epoch, link, *slots = words
    # `127.0.0.1:20001@20002,name`: where it is asked, its bus, what it is called.
    place = address.partition(",")[0].partition("@")[0]
    return Line(
        node_id=node_id,
        port=int(place.rpartition(":")[2]),
        flags=frozenset(flags.split(",")),
        master_id="" if master_id == "-" else master_id,
        epoch=int(epoch),
        is_linked=link == "connected",
        slots=tuple(_ranges(slots)),
    )


def _ranges(words: Sequence[str]) -> Iterator[range]:
    for word in words:
        if not word.startswith("["):  # What is on its way stands in brackets, with whither.
            first, _, last = word.partition("-")
            yield range(int(first), int(last or first) + 1)
