"""How many wrong tokens may be shown: so many at once, then so many a minute; of one peer, and of all.

Why it exists: the form at /login, and the header of every request, say whether a token is ours, and that
must not be asked often enough to find it. Owns: the two bounds, when a line is due of what was refused. Must
not know: tokens, requests, what a line looks like.

Where a bound is met a right token is refused too, for as long: an answer that told right from wrong would
go on telling it. Whoever has a session is not asked for a token, and goes on. A peer that is forgotten, since
more than PEERS_MOST have come since, begins anew; the bound of all holds for it still.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.clock import now_ms

PEER_AT_ONCE, PEER_EVERY_MS = 5, 12_000.0
"""Whoever mistypes has five tries, and one more every twelve seconds."""

ALL_AT_ONCE, ALL_EVERY_MS = 30, 2_000.0
PEERS_MOST = 1_000
LINE_EVERY_MS = 60_000.0
NETWORK_BITS = 64
"""Of an IPv6 address: the rest is the peer's own choice."""


@dataclass(slots=True)
class Bucket:
    """Tries that are left; one more every `every_ms`."""

    most: int
    every_ms: float
    left: float
    at_ms: float

    def wait_ms(self, now_ms: float) -> float:
        """Until there is a try; 0: there is one."""
        self.left = min(float(self.most), self.left + max(0.0, now_ms - self.at_ms) / self.every_ms)
        self.at_ms = now_ms
        return max(0.0, 1.0 - self.left) * self.every_ms

    def take(self, now_ms: float) -> None:
        """A try is used up."""
        self.wait_ms(now_ms)
        self.left = max(0.0, self.left - 1.0)


@dataclass(slots=True)
class Tries:
    """Of one process."""

    clock: Callable[[], float] = now_ms
    _all: Bucket = field(init=False)
    _peers: OrderedDict[str, Bucket] = field(default_factory=OrderedDict)
    _untold: int = 0
    _told_at_ms: float | None = None

    def __post_init__(self) -> None:
        self._all = Bucket(ALL_AT_ONCE, ALL_EVERY_MS, ALL_AT_ONCE, self.clock())

    def wait_s(self, peer: str) -> int:
        """In how many whole seconds this peer may show a token; 0: now."""
        now = self.clock()
        of_peer = self._peers.get(_network(peer))
        waits_ms = (self._all.wait_ms(now), 0.0 if of_peer is None else of_peer.wait_ms(now))
        return math.ceil(max(waits_ms) / 1000)

    def failed(self, peer: str) -> int:
        """A wrong token was shown. Returns how many are to be told of now, in one line; 0: none, they are
        told with a later one."""
        now, name = self.clock(), _network(peer)
        bucket = self._peers.pop(name, None) or Bucket(PEER_AT_ONCE, PEER_EVERY_MS, PEER_AT_ONCE, now)
        self._peers[name] = bucket
        while len(self._peers) > PEERS_MOST:
            self._peers.popitem(last=False)
        bucket.take(now)
        self._all.take(now)
        self._untold += 1
        if self._told_at_ms is not None and now - self._told_at_ms < LINE_EVERY_MS:
            return 0
        self._told_at_ms, untold, self._untold = now, self._untold, 0
        return untold


# Private.


def _network(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:100]
    if address.version == 4:
        return peer
    return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))
