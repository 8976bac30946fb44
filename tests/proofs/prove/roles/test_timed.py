"""Steps of a loop, timed in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proofs.prove.roles.timed import KEPT, LONG_MS, Steps, read

PROGRAM = """
import asyncio, os, signal, sys, time
from pathlib import Path
from proofs.prove.roles import timed

timed.install(Path(sys.argv[1]), "brain")

async def dear():
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass

async def main():
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0)
    await asyncio.create_task(dear(), name="dear")
    asyncio.get_running_loop().call_soon(sum, range(1_000_000))
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.sleep(0)

asyncio.run(main())
"""


def test_a_long_step_is_named(tmp_path: Path) -> None:
    """By its task, or by what was called; each window has its own."""
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=True)
    first, second = (read(path) for path in sorted(tmp_path.glob("*.json")))
    assert first.long == []
    names = [name for name, _ in second.long]
    assert names[0].startswith("dear")
    assert "sum" in names[1]
    assert second.most_ms >= 20.0
    assert second.count >= 3


def test_the_list_is_bounded() -> None:
    """The figures go on."""
    steps = Steps()
    for _ in range(KEPT + 10):
        steps.note(print, LONG_MS)
    assert (len(steps.long), steps.count) == (KEPT, KEPT + 10)


@pytest.mark.parametrize("ms", [LONG_MS - 0.01, LONG_MS])
def test_what_is_long(ms: float) -> None:
    """From the limit on."""
    steps = Steps()
    steps.note(print, ms)
    assert len(steps.long) == (ms >= LONG_MS)
