"""Which servers a row wants, started before it and gone after it.

Why it exists: a shape is a word in a row, and servers, a second host or a clock on a machine. Owns: what
belongs to which word. Must not know: rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proofs.prove.chaos.faults import Profile
from proofs.prove.chaos.setting.far_host import FarHost, open_host
from proofs.prove.chaos.shapes.cluster import Cluster
from proofs.prove.chaos.shapes.node import Site
from proofs.prove.chaos.shapes.programs import clock_library, redis7, valkey
from proofs.prove.chaos.shapes.sentinel import Watched
from proofs.prove.chaos.shapes.shape import One, Shape

OVER_TWO_HOSTS: Final = frozenset({Profile.FAR, Profile.PARTED})

LANES: Final = 16
"""On a Cluster: each of three masters has some. Elsewhere one, as by default."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a server, in a file that it reads once a second."""

    file: Path
    library: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a program read it."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",
            # Time-outs go by a clock that no one sets.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def leap(self, to_s: int) -> None:
        """So much ahead of the machine's; negative: behind."""
        self.file.write_text(f"{to_s:+d}\n", "ascii")


@dataclass(slots=True)
class Opened:
    """What stands there for a row."""

    shape: Shape
    host: FarHost | None = None
    """Where some of the servers run."""
    clock: Clock | None = None


@asynccontextmanager
async def open_shape(profile: Profile, folder: Path) -> AsyncIterator[Opened]:
    """Servers of their own; gone when the block ends. `folder` holds their files. Raises ShapeFailed, and
    FarHostRefused where a second host is wanted. Cancelling it ends what was started."""
    async with AsyncExitStack() as ending:
        host = await ending.enter_async_context(open_host()) if profile in OVER_TWO_HOSTS else None
        opened = made(profile, folder, host)
        # Before the start, which may be broken off.
        ending.push_async_callback(asyncio.to_thread, opened.shape.stop)
        await asyncio.to_thread(opened.shape.start)
        yield opened


def made(profile: Profile, folder: Path, host: FarHost | None) -> Opened:
    """The servers of a profile, not started. Raises ShapeFailed for a program that is missing."""
    match profile:
        case Profile.VALKEY:
            return Opened(One.of(valkey(), folder, is_let_in_first=True))
        case Profile.REDIS7:
            return Opened(One.of(redis7(), folder, is_let_in_first=True))
        case Profile.SENTINEL:
            return Opened(Watched.of(valkey(), folder, is_let_in_first=True))
        case Profile.CLUSTER:
            return Opened(Cluster.of(valkey(), folder, is_let_in_first=True))
        case Profile.CLOCK:
            folder.mkdir(parents=True, exist_ok=True)
            clock = Clock(folder / "clock", clock_library())
            clock.leap(0)
            one = One.of(valkey(), folder, environment=clock.environment, is_let_in_first=True)
            return Opened(one, clock=clock)
        case Profile.FAR:
            assert host is not None, "it runs on a second host"
            return Opened(One.of(valkey(), folder, site=_site_of(host), is_let_in_first=True), host)
        case Profile.PARTED:
            assert host is not None, "its replicas run on a second host"
            near = Site(host=host.near_ip)
            shape = Watched.of(valkey(), folder, near=near, far=_site_of(host), is_let_in_first=True)
            return Opened(shape, host)


def lanes_of(profile: Profile | None) -> int:
    """How many lanes a deployment has there."""
    return LANES if profile is Profile.CLUSTER else 1


# Private.


def _site_of(host: FarHost) -> Site:
    return Site(host=host.far_ip, before=("ip", "netns", "exec", host.name))
