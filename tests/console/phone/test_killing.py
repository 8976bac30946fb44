"""A call's brain is killed on purpose: that process, and no other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from console.phone.killing import kill_brain
from shared.process.host import own_origin, started_at
from shared.store.client import Store
from tests.support.redis_samples import BRAIN, KEYS, ONE, make_living_call, make_worker


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Stands for a brain."""
    with subprocess.Popen(["sleep", "60"]) as found:
        yield found
        found.kill()


async def make_brain(store: Store, pid: int, **changes: object) -> None:
    origin = own_origin()
    told = {
        "pid": pid, "pid_started": started_at(pid), "boot_id": origin.boot_id, "pid_ns": origin.pid_ns,
    }  # fmt: skip
    await make_worker(store, BRAIN, **{**told, **changes})


async def test_the_brain_that_has_the_call_dies(store: Store, process: subprocess.Popen[bytes]) -> None:
    """At once, as by the machine."""
    await make_living_call(store, ONE)
    await make_brain(store, process.pid)
    assert await kill_brain(store, KEYS, ONE)
    assert process.wait(5) == -9


@pytest.mark.parametrize("changes", [{"pid_started": 1}, {"pid_started": 0}, {"boot_id": "x"}, {"pid_ns": 1}])
async def test_whoever_only_has_its_number_lives(
    store: Store, process: subprocess.Popen[bytes], changes: dict[str, object]
) -> None:
    """A pid of another boot, host or time is somebody else's here."""
    await make_living_call(store, ONE)
    await make_brain(store, process.pid, **changes)
    assert not await kill_brain(store, KEYS, ONE)
    assert process.poll() is None


async def test_a_call_that_nobody_has_has_nobody_to_kill(store: Store) -> None:
    """Nor one that is not there."""
    assert not await kill_brain(store, KEYS, ONE)
    await make_living_call(store, ONE, brain="")
    assert not await kill_brain(store, KEYS, ONE)
