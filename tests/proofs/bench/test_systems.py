"""How systems are started: the small ones; the whole stack is tests/proofs/bench/test_sitting.py's."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.stack.ports import free_port
from proofs.bench.order import GIVEN
from proofs.bench.systems import Running, Setting, SystemFailed, started, web_environment
from proofs.measure.cpu import cpu_ms


def setting(out: Path, given: Running | None = None) -> Setting:
    return Setting(out=out, model_port=free_port(), progress=lambda _: None, given=given)


async def test_a_peer_runs_inside_the_block_only(tmp_path: Path) -> None:
    """As one process, found by its socket."""
    async with started("leanest", setting(tmp_path)) as running:
        (pid,) = running.pids.values()
        assert running.callers[0] == "--url"
        assert cpu_ms({"leanest": pid})["leanest"] > 0
    assert cpu_ms({"leanest": pid}) == {}


async def test_a_peer_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    """Here: there is no such module."""
    with pytest.raises(
        SystemFailed, match=r"nobody: expected it to listen, got its end with code 1"
    ) as failed:
        async with started("nobody", setting(tmp_path)):
            pass
    assert "No module named proofs.bench.peers.nobody" in str(failed.value)


async def test_a_given_server_is_left_alone(tmp_path: Path) -> None:
    """It runs already, and goes on."""
    given = Running(callers=("--url", "wss://host/media"))
    async with started(GIVEN, setting(tmp_path, given)) as running:
        assert running is given


def test_the_console_that_is_looked_at_is_that_of_make_run() -> None:
    """It shows what is said, so that last words are read from Redis too."""
    found = web_environment("redis://r/0")
    assert found[0] == "REDIS_URL=redis://r/0"
    assert "TRUNKLINE_WEB_SHOWS=text" in found
