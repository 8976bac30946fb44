"""The doctor's rules about this host: its processes, disk and port; and about the settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.doctor import host as rules
from console.doctor.findings import Level, exit_code, ok
from console.doctor.host import DiskFacts, ProcessFacts, files_needed
from console.stack.supervision import ProcessInfo
from shared.exit_codes import Exit
from shared.setting.sources import Doubt, Origin
from shared.settings import Settings

SETTINGS = Settings(_env_file=None, max_calls=1000, calls_per_worker=100)


def facts(name: str = "brain-0", *, state: str = "RUNNING", not_ready: str = "") -> ProcessFacts:
    """One process; 20,000 files."""
    info = ProcessInfo(name=name, group=name.partition("-")[0], state=state, pid=7, text="exited too quickly")
    return ProcessFacts(info=info, not_ready=not_ready, open_files=20_000)


def test_two_ready_processes() -> None:
    """All ok: supervisord, both, their files."""
    found = rules.judge_processes([facts("brain-0"), facts("brain-1")], SETTINGS)
    assert {each.level for each in found} == {Level.OK}
    assert [each.what for each in found] == ["supervisord", "brain-0", "brain-1", "brain open files"]


@pytest.mark.parametrize(
    ("process", "level", "said"),
    [
        (facts(state="STOPPED"), Level.WARN, "supervisorctl start brain:brain-0"),
        (facts(state="FATAL"), Level.FAIL, "exited too quickly"),
        (facts(not_ready="draining"), Level.WARN, "draining"),
        (facts(not_ready="waiting for Redis"), Level.FAIL, "waiting for Redis"),
    ],
)
def test_a_process_that_takes_no_call(process: ProcessFacts, level: Level, said: str) -> None:
    """Why, and what to do; what somebody wanted so is a warning only."""
    found = rules.judge_process(process)
    assert found.level is level
    assert said in f"{found.found} {found.do}"
    assert found.do


def test_a_single_process_is_warned_of() -> None:
    """With the setting that gives it a sibling."""
    found = rules.judge_processes([facts("egress-0")], SETTINGS)
    assert [each.do for each in found if each.what == "egress processes"] == [
        "EGRESS_PROCESSES=2 in deploy/trunkline.conf."
    ]


def test_a_supervisord_of_somebody_else() -> None:
    """It answers and has nothing of ours."""
    assert [each.level for each in rules.judge_processes([], SETTINGS)] == [Level.FAIL]
    assert rules.no_supervisor("/x.sock", "refused").level is Level.FAIL


def test_open_files_against_the_calls() -> None:
    """Ingress may have to take all calls while its sibling restarts."""
    assert files_needed("ingress", SETTINGS) == 1256
    levels = [rules.judge_files("ingress", [limit, 20_000], SETTINGS).level for limit in (1255, 1256, 1600)]
    assert levels == [Level.FAIL, Level.WARN, Level.OK]
    assert rules.judge_files("ingress", [None], SETTINGS).level is Level.OK


@pytest.mark.parametrize(
    ("known", "level", "said"),
    [
        ([True, True, None], Level.OK, "real-time"),
        ([False, False], Level.OK, "LimitRTPRIO=1"),
        ([True, False, False], Level.WARN, "1 of 3"),
    ],
)
def test_who_goes_before_what_else_computes(known: list[bool | None], level: Level, said: str) -> None:
    """All or none is no fault; some are one, for frames pass through all of them."""
    (found,) = rules.judge_scheduling([replace(facts(), in_real_time=each) for each in known])
    assert found.level is level
    assert said in found.found


def test_scheduling_that_nobody_can_tell_is_not_told() -> None:
    """Off Linux, or with nothing that runs."""
    assert rules.judge_scheduling([facts(), facts("egress-0")]) == []


def test_settings_line_by_line() -> None:
    """Each problem is a finding; its sentence says what to do."""
    found = rules.judge_settings(["PUBLIC_URL is missing: Origin of ours.", "odd"], ["brain"])
    assert [(each.found, bool(each.do)) for each in found] == [("PUBLIC_URL is missing", True), ("odd", True)]
    assert rules.judge_settings([], ["ingress", "brain"])[0].found == "valid for ingress, brain"


def test_warnings_alone_are_no_failure() -> None:
    """The exit code is for what does not work."""
    assert exit_code([ok("a", "b"), rules.judge_process(facts(state="STOPPED"))]) == Exit.OK
    assert exit_code([ok("a", "b"), rules.judge_process(facts(state="FATAL"))]) == Exit.FAILED


def test_a_process_that_ended_says_with_which_code() -> None:
    """Its name too: that is what the page of exit codes is searched for. Its log by its whole path."""
    info = ProcessInfo(
        name="brain-0", group="brain", state="BACKOFF", pid=0, text="too quickly", log="/l/b.log"
    )
    found = rules.judge_process(
        ProcessFacts(info=info, not_ready="", open_files=None, ended="exit code 3, settings")
    )
    assert found.found == "BACKOFF: too quickly (exit code 3, settings)"
    assert "/l/b.log" in found.do


@pytest.mark.parametrize(
    ("free_bytes", "free_files", "level"),
    [
        (0, 100, Level.FAIL),
        (5_000_000_000, 0, Level.FAIL),
        (300_000_000, None, Level.WARN),
        (5_000_000_000, None, Level.OK),
    ],
)
def test_a_disk_without_room_for_logs(free_bytes: int, free_files: int | None, level: Level) -> None:
    """No bytes, or no files: either way what happens from now on is told by nobody."""
    found = rules.judge_disk(DiskFacts(folder="/logs", free_bytes=free_bytes, free_files=free_files))
    assert found.level is level
    assert "/logs" in found.found


def test_a_port_that_supervisord_does_not_open() -> None:
    """Ingress would end with code 5. Not set, or not known, it is nobody's business."""
    (wrong,) = rules.judge_port(Settings(_env_file=None, port=9090), "tcp://0.0.0.0:8080")
    assert wrong.level is Level.FAIL
    assert wrong.found == "TRUNKLINE_PORT is 9090, and tcp://0.0.0.0:8080 is opened for ingress"
    assert "INGRESS_SOCKET" in wrong.do
    (right,) = rules.judge_port(Settings(_env_file=None, port=8080), "tcp://0.0.0.0:8080")
    assert right.level is Level.OK
    assert rules.judge_port(Settings(_env_file=None), "tcp://0.0.0.0:8081") == []
    assert rules.judge_port(Settings(_env_file=None, port=8080), "") == []


def test_a_misspelt_setting_is_warned_of() -> None:
    """With the one that may be meant."""
    near, far = rules.judge_doubts(
        [
            Doubt("TRUNKLINE_VOCE", Origin.ENVIRONMENT, "TRUNKLINE_VOICE"),
            Doubt("TRUNKLINE_X", Origin.FILE, ""),
        ]
    )
    assert (near.level, near.do) == (Level.WARN, "Did you mean TRUNKLINE_VOICE?")
    assert "TRUNKLINE_X (.env)" in far.found
    assert "`trunkline settings`" in far.do
