"""Environments of the peers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from proofs.bench.peers import venvs
from proofs.bench.process import REPOSITORY


def test_every_peer_has_its_module_and_pinned_requirements() -> None:
    """What it was written against, to the version."""
    for peer in venvs.PEERS.values():
        assert (REPOSITORY / "proofs/bench/peers" / f"{peer.module}.py").exists()
        assert "==" in peer.requirements[0]


async def test_an_environment_that_is_current_is_used_as_it_is(tmp_path: Path) -> None:
    """Nothing is run, nothing said."""
    (tmp_path / "agents").mkdir()
    stamp = tmp_path / "agents" / venvs.STAMP
    stamp.write_text("\n".join(venvs.PEERS["agents"].requirements), "utf-8")
    said: list[str] = []
    assert await venvs.python_of("agents", tmp_path, said.append) == tmp_path / "agents/bin/python"
    assert said == []


async def test_an_environment_that_cannot_be_made_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, also where an older one was there; it is not taken for a good one next time."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / venvs.STAMP).write_text("openai-agents==0.0.1", "utf-8")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    said: list[str] = []
    with pytest.raises(venvs.NotInstalled, match="agents: expected venv to end well, got code 1"):
        await venvs.python_of("agents", tmp_path, said.append)
    assert len(said) == 1
    assert not (tmp_path / "agents").exists()
