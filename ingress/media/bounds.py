"""How much may be asked of a process by those whom it does not know yet, and by one socket: the two rules.

Why it exists: the public port is open to anybody, so what a stranger costs must have a bound before anything
of it is believed, and no bound may be met by a carrier at work. Owns: the figures, the two rules. Pure. Must
not know: sockets, who is counted where, what becomes of who was too much.

An allowance refills with time. A crowd lets everybody in and, where it is full, sends away whoever has stood
in it for longest: a carrier says what it wants within a round trip, and who holds a place holds it for long.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

Member = TypeVar("Member")


@dataclass(frozen=True, slots=True)
class Rate:
    """What an allowance gives."""

    a_second: float
    at_once: float
    """As much is there after a pause."""


CONNECTIONS = Rate(a_second=600, at_once=1_200)
"""New connections. A call is six of them over its life (`/voice`, `/media`, two `/stream-status`,
`/voice/resume`, `/call-status`), one that is refused in words two: 200 of these a second are 400, and others
come and go beside them. At once: 300 calls of a process that has ended come back within a second, with four
each."""

HANDSHAKES = Rate(a_second=100, at_once=300)
"""Handshakes that the carrier has signed."""

CONTROL_FRAMES = Rate(a_second=20, at_once=20)
"""Pings and pongs of one socket: ours are answered every 2 s, a carrier's own come every few."""

NOMINAL_BYTES_A_SECOND = 20_000
"""Fifty messages of 20 ms, frames and all."""

INCOMING_BYTES = Rate(a_second=3 * NOMINAL_BYTES_A_SECOND, at_once=512 * 1024)
"""Of one socket. At once: 26 s of a call, which have waited in the kernel while this process stood still."""

UNSTARTED_MOST = 64
"""Media sockets without a `start` that was believed. A carrier sends it with its first bytes."""

ASKING_MOST = 1_000
SOCKETS_MOST = 2_000
ASKING_SHARE, SOCKETS_SHARE = 0.3, 0.4
"""Of the descriptors that a process may have. What is left is for requests that are being answered, and its
own."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many connections a process has places for."""

    asking: int
    """Whose request has not come yet."""
    sockets: int
    """Media sockets, all of them."""


def room_for(descriptors: int) -> Room:
    """By how many descriptors the process may have; 0 or less: any number."""
    if descriptors <= 0:
        return Room(ASKING_MOST, SOCKETS_MOST)
    return Room(
        asking=max(1, min(ASKING_MOST, int(ASKING_SHARE * descriptors))),
        sockets=max(1, min(SOCKETS_MOST, int(SOCKETS_SHARE * descriptors))),
    )


class Allowance:
    """So much a second, and so much at once after a pause. It begins full."""

    __slots__ = ("_left", "_rate", "_since_ms")

    def __init__(self, rate: Rate, now_ms: float) -> None:
        self._rate = rate
        self._left = rate.at_once
        self._since_ms = now_ms

    def take(self, amount: float, now_ms: float) -> bool:
        """Whether there is so much; only then it is taken."""
        rate = self._rate
        left = self._left + (now_ms - self._since_ms) * rate.a_second / 1000
        self._since_ms = now_ms
        if left > rate.at_once:
            left = rate.at_once
        is_there = left >= amount
        self._left = left - amount if is_there else left
        return is_there


class Crowd(Generic[Member]):
    """Those who have come and not said yet what they want, in the order of their coming."""

    __slots__ = ("_members", "_most")

    def __init__(self, most: int) -> None:
        self._members: OrderedDict[Member, None] = OrderedDict()
        self._most = most

    def __len__(self) -> int:
        return len(self._members)

    def enter(self, member: Member) -> Member | None:
        """One more. Returns who has to go for it; None: there was room."""
        self._members[member] = None
        if len(self._members) <= self._most:
            return None
        oldest, _ = self._members.popitem(last=False)
        return oldest

    def leave(self, member: Member) -> None:
        """It has said what it wants, or is gone. Twice is as good as once."""
        self._members.pop(member, None)
