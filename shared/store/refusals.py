"""What Redis says when it is there and does not take a write: which refusals pass, and what they mean.

Why it exists: a Redis without memory, disk or replicas answers each write with an error, as it answers a bug
of ours; the first passes and nothing may be lost by it, the second never passes and must hold up nobody.
Owns: telling them apart, by the first word of the error. Pure. Must not know: what is done about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hiredis

ReplyError = hiredis.ReplyError
"""An error that Redis answered."""

FULL = "OOM"
"""Over `maxmemory`. What frees memory is taken all the same, but for what stands inside a MULTI."""

MOVING = frozenset({"ASK", "TRYAGAIN"})
"""A slot is on its way to another node, key by key. Where a key is at the moment is of no use to a commit,
whose keys may be in two places; it is over when the last key has gone, and then the answer is MOVED."""

HERE = frozenset({FULL, "MISCONF", "NOREPLICAS", "NOSPACE", "BUSY"}) | MOVING
"""They pass on this connection: no memory, no disk or a snapshot that failed, too few replicas, a script that
runs for ever. Reads are answered."""

ELSEWHERE = frozenset({"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN"})
"""A new connection may find another server, or this one when it is up."""

FORBIDDEN = "NOPERM"
"""The user may not do this, or not with this key. It passes when somebody grants it; other writes are taken
meanwhile, so these alone are kept, by their key (writing/forbidden.py)."""

MOVED = "MOVED"
"""Not a refusal either: a Cluster's other node has the slot, and what was asked was not done."""

PASSING = HERE | ELSEWHERE

PROBE_S = 0.1
"""How often a Redis that refuses is asked whether it takes writes again."""

FORGOTTEN = "NOSCRIPT"
"""Not a refusal: a new connection loads the scripts again."""

_AGAIN = frozenset({FORGOTTEN, MOVED})

_ABORTED = "EXECABORT"
_BECAUSE = "because of: "
_IN_A_SCRIPT = "failure in script"


@dataclass(slots=True)
class RefusedWrites:
    """What Redis refuses writes with, and since when: one fact for readiness, log, verdict, debts."""

    since_ms: float
    """Of the first write that was refused; monotonic."""
    word: str
    """The first of its error: OOM, MISCONF, NOPERM …"""
    error: str


@dataclass(slots=True)
class RefusalEpisode(RefusedWrites):
    """One episode, from the first write that was refused until all that was held is taken."""

    is_shut: bool = True
    """Nothing is sent; False while what was held goes out."""
    left: int = 0
    """Writes that were held and are not yet sent again."""

    def may_overtake(self, reads: bool, when_full: bool) -> bool:
        """Whether a write of that kind (Command) goes by itself meanwhile."""
        return (reads and self.word in HERE) or (when_full and self.word == FULL)


def older(one: RefusedWrites | None, other: RefusedWrites | None) -> RefusedWrites | None:
    """Of two refusals the one that began first."""
    if one is None or other is None:
        return one or other
    return one if one.since_ms <= other.since_ms else other


def is_abort(reply: Any) -> bool:
    """Whether a whole MULTI was refused: nothing of it was done."""
    return isinstance(reply, ReplyError) and (
        str(reply).startswith(_ABORTED) or word_of(reply) in HERE  # Before Redis 7 without the EXECABORT.
    )


def word_of(error: ReplyError) -> str:
    """The first word of an error; of an aborted EXEC that of its reason, where it names one."""
    text = str(error)
    if text.startswith(_ABORTED) and _BECAUSE in text:
        text = text.partition(_BECAUSE)[2]
    return text.partition(" ")[0]


def passes(reply: Any) -> bool:
    """Whether a reply is a refusal that passes."""
    return isinstance(reply, ReplyError) and word_of(reply) in PASSING


def is_forbidden(reply: Any) -> bool:
    """Whether the user may not do what was asked, and nothing of it was done. Of a script that was stopped
    on its way some was: doing it again and again would repeat that."""
    return isinstance(reply, ReplyError) and word_of(reply) == FORBIDDEN and _IN_A_SCRIPT not in str(reply)


def first(replies: Sequence[Any]) -> ReplyError | None:
    """The first reply that asks for the same write again: a refusal that passes, a script forgotten, a slot
    that has moved."""
    for reply in replies:
        if isinstance(reply, ReplyError) and (passes(reply) or word_of(reply) in _AGAIN):
            return reply
    return None
