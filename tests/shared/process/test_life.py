"""The process skeleton, with real processes: exit codes that an operator can act on, and a clean end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

import pytest
import redis

from console.stack.ports import free_base
from shared.exit_codes import Exit
from tests.support.servers import free_port, server, valkey_binary
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
ADMIN_SPAN = 64
"""Ports in a row that are free: those of all roles."""


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


def start(
    role: str, folder: Path, env: dict[str, str], output: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", role, "--number", "0"]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT, text=True)


def lines(output: str) -> list[dict[str, object]]:
    """What a process has logged."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


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


def test_a_wrong_agents_file_is_a_line_for_each_problem(tmp_path: Path, valkey_url: str) -> None:
    """File, key, what was expected, what came, what to do; no traceback, and the code of a wrong setting."""
    (tmp_path / "agents.toml").write_text('[agents.desk]\nvoice = ["x"]\nvoise = "y"\n', "utf-8")
    env = environment(valkey_url, free_base(ADMIN_SPAN), OPENAI_API_KEY="sk-x")
    code, output = ended(start("brain", tmp_path, env))
    assert code == Exit.SETTINGS
    assert "Traceback" not in output
    problems = [each["problem"] for each in lines(output) if each["event"] == "settings_wrong"]
    assert problems == [
        f"{tmp_path}/agents.toml: agents.desk.voice: expected a valid string, got ['x']: put it in quotes.",
        f"{tmp_path}/agents.toml: agents.desk.voise: there is no such key. Did you mean voice?",
    ]
    assert "restarts" not in lines(output)[-1]


def test_under_supervisord_each_end_says_that_it_will_be_started_again(
    tmp_path: Path, valkey_url: str
) -> None:
    """It is for ever: whoever reads the log must see that no restart will mend it."""
    env = environment(valkey_url, free_base(ADMIN_SPAN), SUPERVISOR_ENABLED="1", OPENAI_API_KEY="sk-x")
    code, output = ended(start("brain", tmp_path, {**env, "TRUNKLINE_LEAD_MS": "7"}))
    assert code == Exit.SETTINGS
    assert "ends with code 3 (settings): supervisord starts it again and again" in output
    (tmp_path / "agents.toml").write_text("[agents", "utf-8")
    code, output = ended(start("brain", tmp_path, env))
    assert (code, lines(output)[-1]["exit_code"]) == (Exit.SETTINGS, Exit.SETTINGS)
    assert str(lines(output)[-1]["restarts"]).startswith("supervisord starts it again and again")


def test_a_file_of_settings_that_cannot_be_read_has_its_own_exit_code(
    tmp_path: Path, valkey_url: str
) -> None:
    """Named with file and line, once."""
    (tmp_path / ".env").write_text("TRUNKLINE_LANES=1\nnot a setting\n", "utf-8")
    code, output = ended(start("egress", tmp_path, environment(valkey_url, free_base(ADMIN_SPAN))))
    assert code == Exit.ENV_FILE
    assert output.count(f"{tmp_path}/.env, line 2: expected NAME=value") == 1
    assert output.count("line 2") == 1


def test_a_port_of_somebody_else_has_its_own_exit_code(tmp_path: Path, valkey_url: str) -> None:
    """With the setting, the port, and who has it; no traceback."""
    base = free_base(ADMIN_SPAN)
    with socket.create_server(("127.0.0.1", base + 40)):
        code, output = ended(start("egress", tmp_path, environment(valkey_url, base)))
    assert code == Exit.ADMIN_PORT
    assert "Traceback" not in output
    (taken,) = [each for each in lines(output) if each["event"] == "admin_port_taken"]
    assert (taken["setting"], taken["port"]) == ("TRUNKLINE_ADMIN_PORT_BASE", base + 40)
    assert f"pid {os.getpid()} " in str(taken["by"])


def test_a_public_port_of_somebody_else_too(tmp_path: Path, valkey_url: str) -> None:
    """Another code: it is another setting."""
    base = free_base(ADMIN_SPAN)
    with socket.create_server(("127.0.0.1", base + 5)):
        env = environment(
            valkey_url, base, TRUNKLINE_PORT=str(base + 5), TRUNKLINE_HOST="127.0.0.1",
            PUBLIC_URL="https://b.example.com", TWILIO_AUTH_TOKEN="0" * 32,
        )  # fmt: skip
        code, output = ended(start("ingress", tmp_path, env))
    assert code == Exit.LISTEN
    assert "Traceback" not in output
    (taken,) = [each for each in lines(output) if each["event"] == "listen_failed"]
    assert (taken["setting"], taken["port"]) == ("TRUNKLINE_PORT", base + 5)
    assert lines(output)[-1]["reason"] == "listen"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ((">other", "~tl:*", "+@all"), "user app, a password of 6 characters"),
        ((">secret", "~tl:*", "+@all", "-xautoclaim"), "app may not run xautoclaim"),
        ((">secret", "~other:*", "+@all"), "app lacks the keys ~tl:config"),
    ],
)
async def test_a_redis_user_that_cannot_serve_makes_it_not_ready(
    tmp_path: Path, valkey_url: str, admin_port_base: int, rules: tuple[str, ...], said: str
) -> None:
    """A wrong password, a command or a pattern of keys that is missing: one line, and it serves when the user
    can."""
    with redis.Redis.from_url(valkey_url) as client:
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", *rules)
        url = valkey_url.replace("redis://", "redis://app:secret@")
        process = start("egress", tmp_path, environment(url, admin_port_base))
        try:
            port = admin_port_base + 40
            await wait_until(
                lambda: "Redis cannot serve" in why_not_ready(port), "egress-0 says why", timeout_s=30
            )
            client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">secret", "~tl:*", "+@all")
            await wait_until(lambda: is_ready(port), "egress-0 is ready", timeout_s=30)
        finally:
            process.send_signal(signal.SIGTERM)
        code, output = ended(process)
    assert code == Exit.OK
    (refused,) = [each for each in lines(output) if each["event"] == "redis_refused"]
    assert refused["setting"] == "REDIS_URL"
    assert said in f"{refused['login']} {refused['reason']}"
    assert "secret" not in output


async def test_a_misspelt_setting_is_told_at_the_start(
    tmp_path: Path, valkey_url: str, admin_port_base: int
) -> None:
    """A warning with the one that may be meant; the process goes on."""
    process = start("egress", tmp_path, environment(valkey_url, admin_port_base, TRUNKLINE_VOCE="marin"))
    try:
        await wait_until(lambda: is_ready(admin_port_base + 40), "egress-0 is ready", timeout_s=30)
    finally:
        process.send_signal(signal.SIGTERM)
    _, output = ended(process)
    (doubt,) = [each for each in lines(output) if each["event"] == "setting_unknown"]
    assert (doubt["name"], doubt["did_you_mean"]) == ("TRUNKLINE_VOCE", "TRUNKLINE_VOICE")


async def test_a_redis_that_cannot_serve_is_refused(
    tmp_path: Path, valkey_url: str, admin_port_base: int
) -> None:
    """Another number of lanes than the deployment's: what to set, for whoever asks whether it is ready."""
    with redis.Redis.from_url(valkey_url) as client:
        client.hset("tl:config", "lanes", "7")
    process = start("egress", tmp_path, environment(valkey_url, admin_port_base))
    try:
        port = admin_port_base + 40
        await wait_until(lambda: "TRUNKLINE_LANES=7" in why_not_ready(port), "it says why", timeout_s=30)
    finally:
        process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == Exit.OK


@pytest.fixture
def admin_port_base() -> int:
    return free_base(ADMIN_SPAN)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def why_not_ready(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


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
    assert left == {"tl:config", "tl:{0}:calls", "tl:{0}:orphans"}


async def test_a_killed_process_is_forgotten_by_its_next_boot(
    tmp_path: Path, valkey_url: str, admin_port_base: int
) -> None:
    """kill -9 leaves a name in tl:workers and calls; the next egress-0 of this host takes both away first."""
    env = environment(valkey_url, admin_port_base)
    killed = start("egress", tmp_path, env)
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        try:
            await wait_until(lambda: len(client.smembers("tl:workers")) == 1, "it shows itself", timeout_s=30)
            (dead,) = client.smembers("tl:workers")
        finally:
            killed.kill()
            killed.communicate(timeout=30)
        call, owned = f"CA{1:032x}", f"tl:{{0}}:owned:{dead}"
        card = f"tl:{{0}}:call:{call}"
        client.hset(card, mapping={"state": "attached", "leg": 1, "egress": dead, "next": "apology"})
        client.sadd(owned, call)
        for key in (card, owned):
            client.expire(key, 3600)
        process = start("egress", tmp_path, env)
        try:
            await wait_until(
                lambda: bool(client.smembers("tl:workers") - {dead}),
                "the next one shows itself",
                timeout_s=30,
            )
            assert client.hget(card, "egress") == ""
            assert dead not in client.smembers("tl:workers")
            assert not client.exists(f"tl:worker:{dead}")
        finally:
            process.send_signal(signal.SIGTERM)
            code, output = ended(process)
        assert code == Exit.OK, output
        (lost,) = [line for line in lines(output) if line["event"] == "worker_lost"]
        assert (lost["name"], lost["how"]) == (dead, "older_boot")
        for_ever = sorted(key for key in client.scan_iter() if client.ttl(key) == -1)
        assert for_ever == ["tl:config", "tl:{0}:calls", "tl:{0}:orphans"]


def vain_attempts(port: int) -> int:
    """Connections of its reader that failed or were lost, as it counts them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    counted = re.search(r"^trunkline_inbox_errors_total\S* (\S+)", text, re.MULTILINE)
    assert counted is not None
    return int(float(counted[1]))


async def test_an_outage_is_one_line_at_its_beginning_and_one_at_its_end(
    tmp_path: Path, admin_port_base: int
) -> None:
    """However many connections notice it, however often they try."""
    port, log = free_port(), tmp_path / "egress-0.log"
    with log.open("w") as output, server(valkey_binary(), tmp_path, port=port) as url:
        process = start("egress", tmp_path, environment(url, admin_port_base), output)
        await wait_until(lambda: is_ready(admin_port_base + 40), "egress-0 is ready", timeout_s=30)
    try:
        await wait_until(
            lambda: vain_attempts(admin_port_base + 40) >= 5, "it has tried several times", timeout_s=30
        )
        with server(valkey_binary(), tmp_path, port=port):
            await wait_until(lambda: "redis_back" in log.read_text("utf-8"), "it says so", timeout_s=30)
            assert is_ready(admin_port_base + 40)
            told = lines(log.read_text("utf-8"))
    finally:
        process.kill()
        process.wait(10)
    found = [each for each in told if each["event"] in ("redis_unreachable", "redis_back")]
    assert [each["event"] for each in found] == ["redis_unreachable", "redis_back"]
    assert float(str(found[1]["after_s"])) > 0


STUCK = """
import asyncio, signal, sys, time
from egress.role import EgressRole
from shared.process import stalls
from shared.process.life import run_role

stalls.STUCK_MS = 1_000.0

def make(process):
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, time.sleep, 600)
    return EgressRole(process)

sys.exit(run_role("egress", 0, make))
"""


def start_stuck(folder: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    """One whose loop a signal blocks."""
    command = [sys.executable, "-c", STUCK]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)


async def test_a_process_whose_loop_is_stuck_ends_by_itself(
    tmp_path: Path, valkey_url: str, admin_port_base: int
) -> None:
    """Nobody need look at its beat: it has its exit code, and the log the line."""
    env = environment(valkey_url, admin_port_base)
    process = start_stuck(tmp_path, env)
    try:
        await wait_until(lambda: is_ready(admin_port_base + 40), "egress-0 is ready", timeout_s=30)
        process.send_signal(signal.SIGUSR1)
        code, output = ended(process)
    finally:
        process.kill()
    assert code == Exit.STUCK
    (stuck,) = [line for line in lines(output) if line["event"] == "loop_stuck"]
    assert stuck["exit_code"] == Exit.STUCK
    assert lines(output)[-1] == stuck
