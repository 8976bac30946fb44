"""Free TCP ports on this machine for a stack that must not collide with another.

Owns: the choice. Must not know: what will listen.

Ports are drawn below the range that the kernel gives to outgoing connections (32768 and up on Linux), and
each that is given out is claimed for a while by a name that only one process of the machine can have: so a
port found free is still free when the process that is to listen has started, also where several stacks start
at once.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Sequence

from shared.clock import now_ms

LOWEST = 20_000
HIGHEST = 31_000
ATTEMPTS = 200

CLAIMED_MS = 120_000.0
"""By then something listens, or never will."""

_claims: dict[int, tuple[float, socket.socket]] = {}
"""By port: until when, and what holds the claim. The kernel drops those of a process that ends."""


class NoFreePort(Exception):
    """No free port was found in our range."""


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` on any address of this machine."""
    with socket.socket() as probe:
        # Without SO_REUSEPORT, a port that listeners share counts as taken. With SO_REUSEADDR, one that
        # only has connections of an earlier run in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def take(ports: Sequence[int]) -> bool:
    """Whether all of these are free, and so ours from now on."""
    return all(is_free(port) for port in ports) and _claim(ports)


def free_port(avoid: Iterable[int] = ()) -> int:
    """One free port that is not in `avoid`. Raises NoFreePort."""
    return free_base(1, avoid)


def free_base(count: int, avoid: Iterable[int] = ()) -> int:
    """The first of `count` free ports in a row, none of them in `avoid`. Raises NoFreePort."""
    taken = set(avoid)
    for _ in range(ATTEMPTS):
        base = random.randrange(LOWEST, HIGHEST - count)
        wanted = range(base, base + count)
        if taken.isdisjoint(wanted) and all(is_free(port) for port in wanted) and _claim(wanted):
            return base
    raise NoFreePort(
        f"expected {count} free TCP port(s) in a row between {LOWEST} and {HIGHEST}, found none in"
        f" {ATTEMPTS} tries; stop what listens there (`ss -ltn` shows it)"
    )


# Private.


def _claim(ports: Sequence[int]) -> bool:
    """Whether all of them are ours now, and nobody else's for a while."""
    at_ms = now_ms()
    for port, (until_ms, claim) in list(_claims.items()):
        if at_ms >= until_ms:
            claim.close()
            del _claims[port]
    claims: dict[int, tuple[float, socket.socket]] = {}
    for port in ports:
        # A name without a file: it is gone with the process, however that ends.
        claim = socket.socket(socket.AF_UNIX)
        claims[port] = at_ms + CLAIMED_MS, claim
        try:
            claim.bind(f"\0trunkline-port-{port}")
        except OSError:
            for _, each in claims.values():
                each.close()
            return False
    _claims.update(claims)
    return True
