"""How the doctor gets its facts: from a Redis, a supervisord that is not there, the check of the brain."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from console.doctor import facts, recordings
from console.doctor.facts import Asked
from console.doctor.findings import Finding, Level
from console.doctor.workers import NO_WRITES
from console.stack.supervision import ProcessInfo
from shared.clock import wall_ms
from shared.contract.streams.tape import GROUP, tapes_commands
from shared.settings import Settings
from shared.store.client import make_store
from tests.support.redis_samples import BRAIN, INGRESS, KEYS, ONE, make_call, make_worker
from tests.support.top_samples import unreadable_worker, worker

NOWHERE = "redis://:secret@127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from outside."""
    for name in list(os.environ):
        if name.startswith(("TRUNKLINE_", "OPENAI_", "TWILIO_")) or name in ("REDIS_URL", "PUBLIC_URL"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


async def no_brain(*_words: str, within_s: float = 0.0) -> tuple[int, str]:
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
    """Calls in trouble, then settings, Redis, workers, this host, agents, what is outside."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    store = make_store(valkey_url, name="test")
    await make_worker(store, BRAIN)
    await make_call(store, ONE, 1_000)
    await store.aclose()
    found = await examined(monkeypatch, tmp_path)
    order = ["call …111111", "settings", "Redis version", "brain workers", "supervisord", "agents file",
              "public URL", "model session"]  # fmt: skip
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


async def test_calls_whose_owners_show_no_beat_come_first(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before settings and Redis: somebody is on the line. Whose calls they still are is told too."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    store = make_store(valkey_url, name="test")
    await make_call(store, ONE, wall_ms())
    await make_worker(store, INGRESS)
    await make_worker(store, BRAIN, at_ms=1)
    await store.redis.sadd(KEYS.owned(0, BRAIN), ONE)
    await store.aclose()
    monkeypatch.setattr(facts, "_ask_brain", no_brain)
    found = await facts.examine(Asked(socket=tmp_path / "none.sock", offline=True))
    assert found[0].what == f"call …{ONE[-6:]}"
    assert found[0].level is Level.FAIL
    assert "brain-0 is gone" in found[0].found
    (silent,) = [each for each in found if each.what == "silent workers"]
    assert "still owner of 1 call)" in silent.found


async def test_a_redis_that_takes_no_writes_blames_no_worker(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody can show a beat then: that is what is to be mended."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    store = make_store(valkey_url, name="test")
    await make_worker(store, BRAIN, at_ms=1)
    await store.redis.config_set("maxmemory", "1")
    try:
        found = await examined(monkeypatch, tmp_path)
    finally:
        await store.redis.config_set("maxmemory", "0")
        await store.aclose()
    assert found["Redis writes"].level is Level.FAIL
    assert "used memory" in found["Redis writes"].found
    assert found["silent workers"].do == found["brain workers"].do == NO_WRITES


async def test_a_password_that_is_not_taken_is_not_an_absent_redis(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As whom, with how long a password; not the password."""
    monkeypatch.setenv("REDIS_URL", valkey_url.replace("redis://", "redis://app:canary@"))
    found = await examined(monkeypatch, tmp_path)
    assert "does not let us in (user app, a password of 6 characters)" in found["Redis"].found
    assert "canary" not in str(found)


async def test_a_misspelt_setting_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Beside settings that are valid."""
    monkeypatch.setenv("TRUNKLINE_VOCE", "marin")
    _, found = facts.read_settings()
    assert [each.do for each in found if "VOCE" in each.found] == ["Did you mean TRUNKLINE_VOICE?"]


def test_a_process_is_asked_where_its_beat_says() -> None:
    """A run on ports of its own is not where this shell's settings say; an older boot's beat is not its
    own."""
    settings = Settings(_env_file=None, admin_port_base=9100)
    info = ProcessInfo(name="brain-1", group="brain", state="RUNNING", pid=42, text="")
    rows = [
        unreadable_worker("brain-1"),
        worker("brain-1", pid=7, admin_port=1),
        worker("brain-1", admin_port=23_021),
    ]
    assert facts.admin_port(info, settings, rows) == 23_021
    assert facts.admin_port(info, settings, [worker("brain-1", admin_port=0)]) == 9121
    assert facts.admin_port(info, settings, []) == 9121


def test_a_disk_is_looked_at_once(tmp_path: Path) -> None:
    """However many log files it has; what is no folder here is passed over."""
    (found,) = facts.disks([str(tmp_path / "a.log"), str(tmp_path / "b.log"), "", "/no/such/folder/c.log"])
    assert found.folder == str(tmp_path)
    assert found.free_bytes > 0


async def test_a_port_that_keeps_supervisord_from_starting_is_found(tmp_path: Path) -> None:
    """It says so nowhere but on its own terminal: who has the port is told beside it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        listens = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        asked = Asked(socket=tmp_path / "none.sock", public_socket=listens, offline=True)
        (found,) = await facts._host(asked, None, [])
    assert f"pid {os.getpid()} (" in found.found
    assert listens in found.found
    assert "INGRESS_SOCKET" in found.do


async def test_recorded_calls_without_a_recorder_are_found(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whether it never ran or runs no more; one that asks is known by its name."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    store = make_store(valkey_url, name="test")
    assert "recordings" not in await examined(monkeypatch, tmp_path)
    for command in tapes_commands(KEYS, ONE):
        await store.execute(command)
    assert (await examined(monkeypatch, tmp_path))["recordings"].level is Level.FAIL
    await store.xgroup_create(KEYS.tapes(0), GROUP, id="0")
    await store.xreadgroup(GROUP, "recorder@h", {KEYS.tapes(0): ">"}, count=1)
    found = await examined(monkeypatch, tmp_path)
    assert (found["recordings"].level, found["recordings"].found) == (
        Level.OK, "recorder@h takes them, 1 under way",
    )  # fmt: skip
    monkeypatch.setattr(recordings, "ASKS_MS", 0)
    assert (await examined(monkeypatch, tmp_path))["recordings"].level is Level.FAIL
    await store.aclose()
