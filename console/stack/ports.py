"""Free TCP ports on this machine for a stack that must not collide with another.

Owns: the choice. Must not know: what will listen.

Ports are drawn below the range that the kernel gives to outgoing connections (32768 and up on Linux), so
that a port found free is still free when the process that is to listen has started.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

LOWEST = 20_000
HIGHEST = 31_000
ATTEMPTS = 200


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


def free_port(avoid: Iterable[int] = ()) -> int:
    """One free port that is not in `avoid`. Raises NoFreePort."""
    return free_base(1, avoid)


def free_base(count: int, avoid: Iterable[int] = ()) -> int:
    """The first of `count` free ports in a row, none of them in `avoid`. Raises NoFreePort."""
    taken = set(avoid)
    for _ in range(ATTEMPTS):
        base = random.randrange(LOWEST, HIGHEST - count)
        wanted = range(base, base + count)
        if taken.isdisjoint(wanted) and all(is_free(port) for port in wanted):
            return base
    raise NoFreePort(
        f"expected {count} free TCP port(s) in a row between {LOWEST} and {HIGHEST}, found none in"
        f" {ATTEMPTS} tries; stop what listens there (`ss -ltn` shows it)"
    )
