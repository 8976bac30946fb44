"""What a stack is, before anything is started."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from console.stack.plan import (
    CONSOLE,
    MARKER,
    REPOSITORY,
    Ports,
    StackOptions,
    admin_span,
    environment,
    expected_processes,
    supervisord_file,
)

PORTS = Ports(public=21_000, admin_base=22_000, redis=23_000, realtime=24_000, web=25_000)


def file_of(options: StackOptions, run_dir: Path = Path("/run/x")) -> configparser.RawConfigParser:
    text = supervisord_file(
        options, PORTS, run_dir=run_dir, socket=run_dir / "s.sock", python="/venv/bin/python"
    )
    parsed = configparser.RawConfigParser()
    parsed.read_string(text)
    return parsed


def env_of(options: StackOptions, **inherited: str) -> dict[str, str]:
    return environment(options, PORTS, auth_token="token", stack_id="id-1", inherited=inherited)


def test_everything_embedded_by_default() -> None:
    """Valkey, the simulator and two of each role, in the order of their start."""
    names = [process.name for process in expected_processes(StackOptions(), PORTS)]
    assert names == [
        "valkey", "realtime", "egress-0", "egress-1", "brain-0", "brain-1", "ingress-0", "ingress-1",
    ]  # fmt: skip


def test_what_is_given_from_outside_is_not_started() -> None:
    """A Redis and a model of one's own, and no egress at all."""
    options = StackOptions(
        redis_url="redis://r/0", model_base_url="http://m/v1", workers={"ingress": 1, "brain": 3}
    )
    parsed = file_of(options)
    assert [process.name for process in expected_processes(options, PORTS)] == [
        "brain-0", "brain-1", "brain-2", "ingress-0",
    ]  # fmt: skip
    assert [s for s in parsed.sections() if "program:" in s] == [
        "program:brain", "program:port", "program:ingress",
    ]  # fmt: skip
    assert parsed.get("program:brain", "numprocs") == "3"


def test_admin_ports_follow_the_roles_own_rule() -> None:
    """The roles compute the same ones from ADMIN_PORT_BASE; the span covers the last of them."""
    options = StackOptions(workers={"ingress": 1, "brain": 1, "egress": 4})
    ports = {process.name: process.port for process in expected_processes(options, PORTS)}
    assert ports["ingress-0"] == 22_000
    assert ports["brain-0"] == 22_020
    assert ports["egress-3"] == 22_043
    assert admin_span(options) == 44


def test_the_file_keeps_what_deploy_says_and_fits_the_run() -> None:
    """Interpreter, logs, socket, drain are the run's; the rest is that of deploy/."""
    parsed = file_of(StackOptions(drain_s=3.5))
    assert parsed.get("unix_http_server", "file") == "/run/x/s.sock"
    assert parsed.get("unix_http_server", "chmod") == "0700"
    assert parsed.get("supervisorctl", "serverurl") == "unix:///run/x/s.sock"
    assert parsed.get("program:brain", "command") == "/venv/bin/python -m brain --number %(process_num)d"
    assert parsed.get("program:realtime", "command").endswith("-m simulators.realtime --port 24000")
    assert parsed.get("program:brain", "stopwaitsecs") == "24"
    assert parsed.get("program:brain", "autorestart") == "true"
    assert "include" not in parsed.sections()


def test_a_percent_sign_in_a_path_is_no_expansion() -> None:
    """supervisord doubles it, like every ini file with interpolation."""
    assert file_of(StackOptions(), Path("/run/50%")).get("supervisord", "childlogdir") == "/run/50%%"


def test_the_environment_connects_the_processes() -> None:
    """Redis, model, ports, tokens; what we inherited stays beneath, what was asked for goes above."""
    options = StackOptions(environment={"TRUNKLINE_LOG_LEVEL": "debug", "TRUNKLINE_PORT": "1"})
    found = env_of(options, HOME="/h", REDIS_URL="redis://elsewhere", TRUNKLINE_LOG_LEVEL="error")
    assert found["REDIS_URL"] == "redis://127.0.0.1:23000/0"
    assert found["OPENAI_BASE_URL"] == "http://127.0.0.1:24000/v1"
    assert found["TWILIO_AUTH_TOKEN"] == "token"
    assert found["TRUNKLINE_ADMIN_PORT_BASE"] == "22000"
    assert found["HOME"] == "/h"
    assert found["TRUNKLINE_LOG_LEVEL"] == "debug"
    assert found["TRUNKLINE_PORT"] == "1"
    assert found[MARKER] == "id-1"


def test_the_roles_are_found_from_any_folder() -> None:
    """The checkout comes first in PYTHONPATH; what stood there stays."""
    assert env_of(StackOptions(), PYTHONPATH="/p")["PYTHONPATH"] == f"{REPOSITORY}:/p"
    assert env_of(StackOptions())["PYTHONPATH"] == str(REPOSITORY)


def test_no_role_goes_to_a_redis_of_its_own_where_one_is_embedded() -> None:
    """Neither by the environment nor by .env, which an empty value outdoes; else it is the user's wish."""
    name, url = "REDIS_URL_BRAIN", "redis://brain:p@elsewhere"
    assert env_of(StackOptions(), **{name: url})[name] == ""
    assert env_of(StackOptions())["REDIS_URL_INGRESS"] == ""
    assert env_of(StackOptions(redis_url="redis://mine"), **{name: url})[name] == url


def test_a_made_up_public_name_listens_on_loopback_only() -> None:
    """A real name listens as the settings say."""
    assert env_of(StackOptions())["TRUNKLINE_HOST"] == "127.0.0.1"
    assert env_of(StackOptions(public_url="http://127.0.0.1:8080"))["TRUNKLINE_HOST"] == "127.0.0.1"
    assert env_of(StackOptions(public_url="https://bridge.example.com"))["TRUNKLINE_HOST"] == "0.0.0.0"
    assert env_of(StackOptions(host="10.0.0.1"))["TRUNKLINE_HOST"] == "10.0.0.1"


def test_the_port_is_held_where_the_roles_believe() -> None:
    """One socket for all ingress processes of the run, on the run's port; none without ingress."""
    parsed = file_of(StackOptions())
    for name in ("port", "ingress"):
        assert parsed.get(f"program:{name}", "command").split()[-1] == "tcp://127.0.0.1:21000"
    assert parsed.get("program:ingress", "numprocs") == "2"
    assert "program:port" not in file_of(StackOptions(workers={"brain": 1})).sections()
    with pytest.raises(ValueError, match="expected an IPv4 address or a name"):
        file_of(StackOptions(host="::1"))


def test_the_watchdog_runs_when_asked_for() -> None:
    """Its stdout stays supervisord's, its log goes to the run's folder."""
    assert "eventlistener:watchdog" not in file_of(StackOptions()).sections()
    parsed = file_of(StackOptions(watchdog=True))
    assert parsed.get("eventlistener:watchdog", "command") == "/venv/bin/python -m console.operate.watchdog"
    assert parsed.get("eventlistener:watchdog", "stderr_logfile") == "/run/x/%(program_name)s.log"
    assert parsed.get("eventlistener:watchdog", "stdout_logfile") == "NONE"


def test_the_web_console_runs_when_asked_for() -> None:
    """With the archive, on the run's port; nobody waits for them, and their logs are the run's."""
    assert "program:web" not in file_of(StackOptions()).sections()
    assert "TRUNKLINE_WEB_PORT" not in env_of(StackOptions())
    options = StackOptions(web=True)
    parsed = file_of(options)
    for name in CONSOLE:
        assert parsed.get(f"program:{name}", "command") == f"/venv/bin/python -m console.{name}"
        assert parsed.get(f"program:{name}", "numprocs") == "1"
        assert parsed.get(f"program:{name}", "stdout_logfile") == "/run/x/%(program_name)s.log"
    assert env_of(options)["TRUNKLINE_WEB_PORT"] == "25000"
    assert expected_processes(options, PORTS) == expected_processes(StackOptions(), PORTS)


def test_two_stacks_can_stand_for_two_hosts() -> None:
    """Only a name of one's own is set; without one the machine's holds."""
    assert "TRUNKLINE_HOST_NAME" not in env_of(StackOptions())
    assert env_of(StackOptions(host_name="b"))["TRUNKLINE_HOST_NAME"] == "b"
