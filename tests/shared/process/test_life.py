"""The process skeleton, with real processes: exit codes that an operator can act on, and a clean end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import redis

from shared.process.exits import Exit
from tests.support.servers import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]


def environment(url: str, admin_port_base: int, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    return {
        **clean,
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": url,
        "TRUNKLINE_ADMIN_PORT_BASE": str(admin_port_base),
        "TRUNKLINE_LOG_FORMAT": "json",
        **more,
    }


def start(role: str, folder: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", role, "--number", "0"]
    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """(exit code, all that it printed)."""
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


def test_a_missing_setting_has_its_own_exit_code(tmp_path: Path, valkey_url: str) -> None:
    """The line names the variable and says what it is for."""
    env = environment(valkey_url, free_port())
    env.pop("OPENAI_API_KEY", None)
    code, output = ended(start("brain", tmp_path, env))
    assert code == Exit.SETTINGS
    assert "OPENAI_API_KEY is missing" in output


def test_a_wrong_setting_says_what_came(tmp_path: Path, valkey_url: str) -> None:
    """What was expected, what was got, before anything starts."""
    code, output = ended(start("egress", tmp_path, environment(valkey_url, 70_000)))
    assert code == Exit.SETTINGS
    assert "TRUNKLINE_ADMIN_PORT_BASE" in output
    assert "70000" in output


def test_a_redis_that_cannot_serve_is_refused(tmp_path: Path, valkey_url: str) -> None:
    """Another number of lanes than the deployment's: its own code, and what to set."""
    with redis.Redis.from_url(valkey_url) as client:
        client.hset("tl:config", "lanes", "7")
    code, output = ended(start("egress", tmp_path, environment(valkey_url, free_port())))
    assert code == Exit.REDIS_REFUSED
    assert "TRUNKLINE_LANES=7" in output


@pytest.fixture
def admin_port_base() -> int:
    return free_port() % 30_000 + 20_000


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def test_a_process_lives_and_ends_without_a_trace(
    tmp_path: Path, valkey_url: str, admin_port_base: int
) -> None:
    """Ready, then SIGTERM: exit code 0, and none of its keys is left. A second copy is refused meanwhile."""
    env = environment(valkey_url, admin_port_base)
    process = start("egress", tmp_path, env)
    try:
        await wait_until(lambda: is_ready(admin_port_base + 40), "egress-0 is ready", timeout_s=30)
        code, output = ended(start("egress", tmp_path, env))
        assert code == Exit.SECOND_COPY
        assert "another egress-0" in output
        with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
            (worker,) = client.smembers("tl:workers")
            assert client.hget(f"tl:worker:{worker}", "role") == "egress"
    finally:
        process.send_signal(signal.SIGTERM)
    code, output = ended(process)
    assert code == Exit.OK, output
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        left = set(client.scan_iter())
    assert left == {"tl:config", "tl:{0}:calls"}


async def test_a_killed_process_is_forgotten_by_its_next_boot(
    tmp_path: Path, valkey_url: str, admin_port_base: int
) -> None:
    """kill -9 leaves a name in tl:workers; the next egress-0 of this host takes it away."""
    env = environment(valkey_url, admin_port_base)
    killed = start("egress", tmp_path, env)
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        try:
            await wait_until(lambda: len(client.smembers("tl:workers")) == 1, "it shows itself", timeout_s=30)
            (dead,) = client.smembers("tl:workers")
        finally:
            killed.kill()
            killed.communicate(timeout=30)
        process = start("egress", tmp_path, env)
        try:
            await wait_until(
                lambda: bool(client.smembers("tl:workers") - {dead}),
                "the next one shows itself",
                timeout_s=30,
            )
            assert dead not in client.smembers("tl:workers")
            assert not client.exists(f"tl:worker:{dead}")
        finally:
            process.send_signal(signal.SIGTERM)
            code, output = ended(process)
        assert code == Exit.OK, output
        assert "older_boots_forgotten" in output
        for_ever = sorted(key for key in client.scan_iter() if client.ttl(key) == -1)
        assert for_ever == ["tl:config", "tl:{0}:calls"]
