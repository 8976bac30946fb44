"""Whoever comes to the public port, until it is known: counted, bounded, sent away where there is no room.

Why it exists: a stranger reaches the same loop as live calls, so all connections of a process share one
account of what strangers cost it. Owns: the process's allowances and crowds (bounds.py has the rules), what
is counted of them. Must not know: HTTP, WebSocket, how a connection is closed.

Nobody's address is looked at: a proxy stands in front, and all connections come from there. What a single
peer may do is bounded in it (deploy/haproxy.cfg).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ingress.media.bounds import (
    CONNECTIONS,
    HANDSHAKES,
    UNSTARTED_MOST,
    Allowance,
    Crowd,
    Room,
    room_for,
)
from shared.clock import now_ms
from shared.process.resources import limits


class Stranger(Protocol):
    """A connection that has not said yet what it wants."""

    def make_room(self) -> None:
        """It is to be dropped: too many others wait, and it has waited for longest."""


@dataclass(slots=True)
class StrangerCounters:
    """Connections that were not let in, or not for long: nobody whom a carrier sends."""

    connections_refused: int = 0
    """Connections closed as they came: too many in a second."""
    not_asked_in_time: int = 0
    """Connections closed before their request had come, to make room for others."""
    no_requests: int = 0
    """Connections that spoke no HTTP."""
    handshakes_refused: int = 0
    """Signed handshakes answered 503: too many in a second."""
    sockets_refused: int = 0
    """Signed handshakes answered 503: so many media sockets are open."""
    not_started_in_time: int = 0
    """Media sockets closed before a `start` that was believed, to make room for others."""
    byte_floods: int = 0
    """Media sockets cut because more bytes came than a call has."""


class Strangers:
    """One object a process."""

    def __init__(
        self,
        counters: StrangerCounters | None = None,
        *,
        room: Room | None = None,
        clock: Callable[[], float] = now_ms,
    ) -> None:
        """`room`: by default, by the descriptors that this process may have."""
        room = room_for(limits.files_most()) if room is None else room
        self.counters = StrangerCounters() if counters is None else counters
        self._clock = clock
        self._connections = Allowance(CONNECTIONS, clock())
        self._handshakes = Allowance(HANDSHAKES, clock())
        self._asking: Crowd[Stranger] = Crowd(room.asking)
        self._unstarted: Crowd[Stranger] = Crowd(UNSTARTED_MOST)
        self._sockets = 0
        self._sockets_most = room.sockets

    # A connection, until its request is there.

    def may_connect(self) -> bool:
        """Whether one more connection is taken now; counted if it is not."""
        if self._connections.take(1, self._clock()):
            return True
        self.counters.connections_refused += 1
        return False

    def asks(self, who: Stranger) -> None:
        """Its request is awaited. Somebody else may have to go for it."""
        oldest = self._asking.enter(who)
        if oldest is not None:
            self.counters.not_asked_in_time += 1
            oldest.make_room()

    def has_asked(self, who: Stranger) -> None:
        """Its request is there, or it is gone."""
        self._asking.leave(who)

    # A media socket, until its `start` was believed.

    def may_open(self) -> bool:
        """Whether one more signed handshake is answered with 101 now; counted if it is not."""
        if self._sockets >= self._sockets_most:
            self.counters.sockets_refused += 1
            return False
        if not self._handshakes.take(1, self._clock()):
            self.counters.handshakes_refused += 1
            return False
        return True

    def opened(self, who: Stranger) -> None:
        """The 101 is sent. Somebody else may have to go for it. `closed` follows."""
        self._sockets += 1
        oldest = self._unstarted.enter(who)
        if oldest is not None:
            self.counters.not_started_in_time += 1
            oldest.make_room()

    def started(self, who: Stranger) -> None:
        """Its `start` was believed."""
        self._unstarted.leave(who)

    def closed(self, who: Stranger) -> None:
        """It is gone, started or not."""
        self._sockets -= 1
        self._unstarted.leave(who)
