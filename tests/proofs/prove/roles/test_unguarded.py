"""A role in which one guard is off."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from proofs.prove.roles import unguarded
from shared.contract.lua import scripts

ROOT = Path(unguarded.__file__).parents[3]

FENCE = """
from shared.contract.lua import scripts
from ingress.calls.fence import Admit, Fence
fence = Fence(1)
print(fence.admit_frame(1, 5, 3, 7), fence.admit_frame(1, 4, 3, 8), fence.admit_frame(1, 5, 2, 9))
print(scripts.APPEND in scripts.ALL, "has[3] ~= ARGV[2]" in scripts.APPEND.text)
"""
HEARD = """
import asyncio
from tests.ingress.fakes import Desk
async def heard():
    desk, frame = Desk(), bytes(160)
    desk.receive("frame", n=9, epoch=2, value=frame * 3)
    desk.receive("frame", n=8, epoch=1, value=frame * 2)
    return desk.counters.out_frames
print(asyncio.run(heard()))
"""
CLIPS = """
from ingress.calls.call import HOLD_CLIP
print(len(HOLD_CLIP), set(HOLD_CLIP) == {255})
"""
RETRY = """
from shared.store.client import make_store
store = make_store("redis://127.0.0.1:1", name="test")
print(store.redis.connection_pool.connection_kwargs["retry"]._retries)
"""
LEASE = """
import time
from shared.ownership.liveness import Liveness
liveness = Liveness()
liveness.look({"brain-1": 1}, 0.0, wrote=True)
time.sleep(2.2)
print(len(liveness.look({"brain-1": 1}, 1.0, wrote=False)))
"""
CUT = """
from brain.sequencer import responses
from brain.sequencer.config import SequencerConfig
from brain.sequencer.machine import Sequencer
sequencer = Sequencer(SequencerConfig())
state = sequencer._state
state.retired.add("r")
found = [sequencer.admit_audio(response, "i", 160, 0.0) for response in ("r", "r", "")]
print([(verdict.skip, verdict.offset_bytes) for verdict in found])
"""
JANITOR = """
import asyncio
from ingress.janitor.sweep import Janitor
print(asyncio.run(Janitor.round(None)))
"""


def run(guard: str, script: str, role: str = "ingress") -> str:
    """What a process says in which a guard is off."""
    begin = f"from proofs.prove.roles import unguarded\nunguarded.install({guard!r}, {role!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["APPEND", "TRIM", "TURN"])
def test_a_script_without_a_fence_asks_nobody_who_they_are(name: str) -> None:
    """Whether the call has ended is asked all the same; a script that has no fence is an error."""
    script = vars(scripts)[name]
    text = unguarded.unfenced(script.text)
    assert text != script.text
    assert text.count("'ended'") == script.text.count("'ended'")
    with pytest.raises(LookupError, match="without one"):
        unguarded.unfenced(text)


@pytest.mark.parametrize(
    ("guard", "script", "said"),
    [
        ("fence", FENCE, "pass pass old_cut\nTrue False"),
        ("fence", HEARD, "5"),
        ("cut", HEARD, "3"),
        ("cut", FENCE, "pass old_epoch old_cut\nTrue True"),
        ("clips", CLIPS, "8000 True"),
        ("retry", RETRY, "3"),
    ],
)
def test_a_guard_is_off_in_the_whole_process(guard: str, script: str, said: str) -> None:
    """And no other one is."""
    assert run(guard, script) == said


def test_a_brain_that_passes_on_what_was_cut_does_so_piece_by_piece() -> None:
    """As parts of the item; what is no audio of a response stays out."""
    said = run("cut", CUT, "brain")
    assert said.startswith("[(None, 0), (None, 160), (<Skip."), said


@pytest.mark.skipif(find_spec("shared.ownership.liveness") is None, reason="nobody is judged dead here")
def test_a_lease_ends_whatever_hinders_the_observer() -> None:
    """Two seconds by the clock."""
    assert run("lease", LEASE) == "1"


@pytest.mark.skipif(find_spec("ingress.janitor") is None, reason="nobody tidies up here")
def test_a_janitor_that_is_off_does_nothing() -> None:
    """Not even look."""
    assert run("janitor", JANITOR) == "None"


def test_a_guard_that_there_is_not_is_refused() -> None:
    """In words."""
    with pytest.raises(LookupError, match="got 'nonsense'"):
        unguarded.install("nonsense", "brain")
