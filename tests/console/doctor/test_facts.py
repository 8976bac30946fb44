"""How the doctor gets its facts: from a Redis, a supervisord that is not there, the check of the brain."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.doctor import facts
from console.doctor.facts import Asked
from console.doctor.findings import Finding, Level
from shared.store.client import make_store
from tests.support.redis_samples import BRAIN, ONE, make_call, make_worker

NOWHERE = "redis://:secret@127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from outside."""
    for name in list(os.environ):
        if name.startswith(("TRUNKLINE_", "OPENAI_", "TWILIO_")) or name in ("REDIS_URL", "PUBLIC_URL"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


async def no_brain(*_words: str) -> tuple[int, str]:
    """A brain's check that says nothing."""
    return 3, ""


async def examined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Finding]:
    """Without a network, a supervisord, a process of the brain."""
    monkeypatch.setattr(facts, "_ask_brain", no_brain)
    found = await facts.examine(Asked(socket=tmp_path / "none.sock", offline=True))
    return {each.what: each for each in found}


async def test_everything_is_looked_at_in_the_order_of_mending(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Settings, Redis, workers, this host, agents, what is outside."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    store = make_store(valkey_url, name="test")
    await make_worker(store, BRAIN)
    await make_call(store, ONE, 1_000)
    await store.aclose()
    found = await examined(monkeypatch, tmp_path)
    order = ["settings", "Redis version", "brain workers", "call …111111", "supervisord",
             "agents file", "public URL",
             "model session"]  # fmt: skip
    assert [what for what in found if what in order] == order
    assert found["brain workers"].found == "1 alive on 1 host, 1 of 10 calls"
    assert found["call …111111"].level is Level.FAIL
    assert found["supervisord"].level is Level.FAIL
    assert found["agents file"].found == "the check ended with code 3 and said nothing of use"
    assert found["public URL"].level is found["model session"].level is Level.SKIPPED


async def test_a_redis_that_is_away_is_one_finding_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Workers cannot be looked at then."""
    monkeypatch.setenv("REDIS_URL", NOWHERE)
    found = await examined(monkeypatch, tmp_path)
    assert found["Redis"].level is Level.FAIL
    assert "redis://127.0.0.1:9/0 does not answer" in found["Redis"].found
    assert "secret" not in found["Redis"].found
    assert "brain workers" not in found


async def test_settings_that_cannot_be_read_leave_out_what_needs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Skipped, with the reason; this host is looked at all the same."""
    monkeypatch.setenv("TRUNKLINE_LEAD_MS", "7")
    found = await examined(monkeypatch, tmp_path)
    assert found["settings"].level is Level.FAIL
    assert found["Redis"].level is found["agents file"].level is Level.SKIPPED
    assert found["supervisord"].level is Level.FAIL


def test_problems_of_each_role_are_found() -> None:
    """Settings that one role alone does not start without."""
    settings, found = facts.read_settings()
    assert settings is not None
    named = " ".join(each.found for each in found)
    assert "OPENAI_API_KEY" in named
    assert "PUBLIC_URL" in named


async def test_the_limit_of_open_files_is_that_of_the_process() -> None:
    """Of this one, and of none that there is not."""
    assert facts._open_files(os.getpid()) is not None
    assert facts._open_files(2**22 + 1) is None
