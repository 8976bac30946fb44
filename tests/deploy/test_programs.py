"""The supervisor files: read as supervisord reads them, and checked for what an operator relies on."""

from __future__ import annotations

import configparser
import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from console.operate import port
from console.stack.plan import CONSOLE
from ingress.web.listening import BACKLOG
from shared.contract.worker import ROLES
from shared.settings import Settings

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"
PRODUCTION, DEMO = DEPLOY / "supervisord.conf", DEPLOY / "demo.conf"
SOCKET = ["--socket", "tcp://0.0.0.0:8080"]
PROGRAMS = [DEPLOY / "trunkline.conf", *sorted((DEPLOY / "programs.d").glob("*.conf"))]
LAST_WRITES_S = 20


@pytest.fixture(params=[PRODUCTION, DEMO], ids=["production", "demo"])
def options(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ServerOptions:
    """supervisord's own parser on one of our files, from another folder than ours."""
    monkeypatch.chdir("/")
    return parsed_by_supervisord(request.param)


def parsed_by_supervisord(file: Path) -> ServerOptions:
    found = ServerOptions()
    found.realize(["-c", str(file)])
    return found


def sections(file: Path) -> configparser.RawConfigParser:
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    parsed.read(file)
    return parsed


def test_supervisord_reads_both_files_from_any_folder(options: ServerOptions) -> None:
    """Nothing is missing, and every path is absolute and below deploy/."""
    paths = [options.logfile, options.pidfile, options.childlogdir]
    assert options.parse_criticals == []
    assert [warning for warning in options.parse_warnings if "root" not in warning] == []
    assert all(Path(path).is_relative_to(DEPLOY / "run") for path in paths)


def test_the_only_door_is_a_private_socket(options: ServerOptions) -> None:
    """A Unix socket with mode 0700, no TCP port."""
    doors = options.configroot.supervisord.server_configs
    assert [door["section"] for door in doors] == ["unix_http_server"]
    assert doors[0]["chmod"] == 0o700
    assert Path(doors[0]["file"]).parent == DEPLOY / "run"


def test_supervisorctl_finds_the_same_socket(options: ServerOptions) -> None:
    """`supervisorctl -c` of the same file speaks to it."""
    url = sections(Path(options.configfile)).get("supervisorctl", "serverurl")
    path = url.removeprefix("unix://").replace("%(here)s", str(DEPLOY))
    assert path == options.configroot.supervisord.server_configs[0]["file"]


def test_it_stays_in_the_foreground_and_changes_no_user(options: ServerOptions) -> None:
    """Whoever starts it holds it, as the user that it is."""
    assert options.nodaemon
    assert options.uid is None
    processes = [process for group in options.process_group_configs for process in group.process_configs]
    assert {process.umask for process in processes} == {0o077}


def test_two_workers_of_each_role(options: ServerOptions) -> None:
    """Named and numbered, started by the interpreter itself, from a module that there is."""
    groups = {group.name: group for group in options.process_group_configs}
    for role in ROLES:
        names = [process.name for process in groups[role].process_configs]
        commands = [process.command.split() for process in groups[role].process_configs]
        assert names == [f"{role}-0", f"{role}-1"]
        assert [words[1:] for words in commands] == [
            ["-m", role, "--number", str(n), *(SOCKET if role == "ingress" else [])] for n in (0, 1)
        ]
        assert all(Path(words[0]).name == "python" for words in commands)
        assert importlib.util.find_spec(role) is not None


def test_every_program_is_restarted_and_stopped_with_patience(options: ServerOptions) -> None:
    """Any exit code restarts it, for days; TERM, and SIGKILL only after the drain."""
    drain_s = Settings.model_fields["drain_s"].get_default()
    for group in options.process_group_configs:
        for process in group.process_configs:
            assert process.autorestart is not None
            assert process.autorestart.__name__ == "RestartUnconditionally"
            assert process.startretries >= 1000
            assert process.stopsignal == 15
            assert process.stopasgroup
            assert process.killasgroup
            if group.name in ROLES:
                assert process.stopwaitsecs > drain_s + LAST_WRITES_S


def test_ingress_is_drained_first(options: ServerOptions) -> None:
    """supervisord stops from the highest priority: ingress, brain, egress, then what they stand on."""
    by_priority = sorted(options.process_group_configs, key=lambda group: -group.priority)
    names = [group.name for group in by_priority]
    serving = [name for name in names if name != "watchdog"]
    assert serving[:3] == ["ingress", "brain", "egress"]
    rest = [name for name in serving[3:] if name not in CONSOLE]
    assert rest[0] == "port", "it outlives whoever listens on it"
    assert set(rest[1:]) <= {"valkey", "realtime"}


def test_what_looks_at_calls_outlives_them() -> None:
    """A drain can be watched, and the calls that end in it are kept. Production's alone, one of each."""
    groups = {group.name: group for group in parsed_by_supervisord(PRODUCTION).process_group_configs}
    for name in CONSOLE:
        (process,) = groups[name].process_configs
        assert process.command.split()[1:] == ["-m", f"console.{name}"]
        assert importlib.util.find_spec(f"console.{name}.__main__") is not None
        assert groups["port"].priority < groups[name].priority < groups["egress"].priority
    assert not set(CONSOLE) & {group.name for group in parsed_by_supervisord(DEMO).process_group_configs}


def test_the_watchdog_is_the_first_to_stop() -> None:
    """It is production's alone, and what drains is not its business."""
    groups = {group.name: group for group in parsed_by_supervisord(PRODUCTION).process_group_configs}
    (watchdog,) = groups["watchdog"].process_configs
    assert max(groups.values(), key=lambda group: group.priority).name == "watchdog"
    assert [event.__name__ for event in groups["watchdog"].pool_events] == ["Tick5Event"]
    assert watchdog.command.split()[1:] == ["-m", "console.operate.watchdog"]
    assert watchdog.stdout_logfile is None, "its stdout is the protocol"


def test_all_ingress_processes_share_one_socket(options: ServerOptions) -> None:
    """The program `port` holds it, where the settings' defaults say; no group of theirs does."""
    groups = {group.name: group for group in options.process_group_configs}
    fields = Settings.model_fields
    address = f"tcp://{fields['host'].get_default()}:{fields['port'].get_default()}"
    (holder,) = groups["port"].process_configs
    assert holder.command.split()[1:] == ["-m", "console.operate.port", address]
    assert {process.command.split()[-1] for process in groups["ingress"].process_configs} == {address}
    assert port.BACKLOG == BACKLOG


def test_one_file_says_how_many(tmp_path: Path) -> None:
    """An edited line is what supervisord does: more, none, another port, more patience."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("*.log", "*.sock", "*.pid"))
    file = tmp_path / "deploy" / "trunkline.conf"
    text = file.read_text("utf-8")
    for before, after in (
        ('BRAIN_PROCESSES="2"', 'BRAIN_PROCESSES="5"'),
        ('EGRESS_PROCESSES="2"', 'EGRESS_PROCESSES="0"'),
        ('WEB_PROCESSES="1"', 'WEB_PROCESSES="0"'),
        ("0.0.0.0:8080", "127.0.0.1:9090"),
        ('STOP_WAIT_S="90"', 'STOP_WAIT_S="615"'),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    file.write_text(text, "utf-8")
    options = parsed_by_supervisord(tmp_path / "deploy" / "supervisord.conf")
    groups = {group.name: group for group in options.process_group_configs}
    assert {name: len(group.process_configs) for name, group in groups.items()} == {
        "port": 1, "archive": 1, "recorder": 1, "web": 0, "ingress": 2, "brain": 5, "egress": 0,
        "watchdog": 1,
    }  # fmt: skip
    for name in ("port", "ingress"):
        assert groups[name].process_configs[0].command.split()[-1] == "tcp://127.0.0.1:9090"
    assert {process.stopwaitsecs for process in groups["brain"].process_configs} == {615}


def test_logs_are_rotated(options: ServerOptions) -> None:
    """One file a process, bounded; stderr goes with stdout."""
    for group in options.process_group_configs:
        for process in group.process_configs:
            is_listener = group.name == "watchdog"
            stream = "stderr" if is_listener else "stdout"
            logs = getattr(process, f"{stream}_logfile")
            assert Path(logs).resolve() == DEPLOY / "run" / f"{process.name}.log"
            assert 0 < getattr(process, f"{stream}_logfile_maxbytes") <= 50_000_000
            assert getattr(process, f"{stream}_logfile_backups") > 0
            assert process.redirect_stderr is not is_listener


@pytest.mark.parametrize("file", [PRODUCTION, DEMO, *PROGRAMS], ids=lambda file: file.name)
def test_no_machine_path_and_no_shell(file: Path) -> None:
    """The files fit any machine: what is a path hangs on %(here)s."""
    parsed = sections(file)
    values = [value for section in parsed.sections() for _, value in parsed.items(section)]
    assert not [value for value in values if value.startswith("/") or "sh -c" in value]
    assert "inet_http_server" not in parsed.sections()


def test_the_run_folder_is_there_and_untracked() -> None:
    """supervisord does not make it; a fresh checkout must bring it."""
    assert (DEPLOY / "run" / ".gitignore").read_text("utf-8").splitlines()[-2:] == ["*", "!.gitignore"]
    assert os.access(DEPLOY / "run", os.W_OK)
