"""The doctor's rules about processes, workers, settings, agents and the model."""

from __future__ import annotations

import pytest

from console.doctor import host as rules
from console.doctor.findings import Level, exit_code, ok
from console.doctor.host import ProcessFacts, files_needed
from console.stack.supervision import ProcessInfo
from shared.process.exits import Exit
from shared.settings import Settings
from tests.support.top_samples import silent_worker, unreadable_worker, worker, workers

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


def test_all_workers_alive() -> None:
    """A finding for each role, and no other."""
    found = rules.judge_workers(workers())
    assert [(each.what, each.level) for each in found] == [
        ("ingress workers", Level.OK),
        ("brain workers", Level.OK),
        ("egress workers", Level.OK),
    ]
    assert found[0].found == "2 alive on 1 host, 2 of 200 calls"


def test_a_role_that_nobody_serves_fails() -> None:
    """All silent, or all draining: no call can be served."""
    others = [row for row in workers() if row.beat.role != "brain"]
    silent = [silent_worker("brain-0"), silent_worker("brain-1"), *others]
    found = {each.what: each for each in rules.judge_workers(silent)}
    assert found["brain workers"].level is Level.FAIL
    assert found["silent workers"].level is Level.WARN
    assert "brain-0@box#a1" in found["silent workers"].found
    others = [row for row in workers() if row.beat.role != "egress"]
    drained = [worker(f"egress-{number}", draining=True) for number in (0, 1)] + others
    assert {each.what: each.found for each in rules.judge_workers(drained)}["egress workers"] == "all drain"


def test_many_silent_workers_are_not_all_named() -> None:
    """The first, and how many more."""
    rows = [*workers(), *(silent_worker(f"brain-{number}") for number in range(2, 20))]
    found = rules.judge_workers(rows)[-1]
    assert found.found.endswith("and 12 more")


def test_a_worker_that_cannot_be_read_is_warned_of() -> None:
    """By name, with the problem; it serves nobody that we know of."""
    found = rules.judge_workers([*workers(), unreadable_worker("brain-2")])
    assert [(each.what, each.level) for each in found if each.level is not Level.OK] == [
        ("worker brain-2@box#a1", Level.WARN)
    ]
    assert "in contract of Beat" in found[-1].found
    alone = {each.what: each.level for each in rules.judge_workers([unreadable_worker("brain-2")])}
    assert alone["brain workers"] is Level.FAIL


def test_two_versions_at_once_are_an_unfinished_roll() -> None:
    """Both are named."""
    rows = [*workers(), worker("brain-2", version="0.2.0")]
    assert rules.judge_workers(rows)[-1].found == "0.1.0, 0.2.0 at once"


def test_settings_line_by_line() -> None:
    """Each problem is a finding; its sentence says what to do."""
    found = rules.judge_settings(["PUBLIC_URL is missing: Origin of ours.", "odd"], ["brain"])
    assert [(each.found, bool(each.do)) for each in found] == [("PUBLIC_URL is missing", True), ("odd", True)]
    assert rules.judge_settings([], ["ingress", "brain"])[0].found == "valid for ingress, brain"


def test_agents() -> None:
    """Names, problems, or a check that broke."""
    assert rules.judge_agents("", ["default", "orders"], [])[0].found == "2 agents: default, orders"
    assert [each.level for each in rules.judge_agents("code 3", [], ["a", "b"])] == [Level.FAIL, Level.FAIL]
    (broken,) = rules.judge_agents("no answer within 20 s", [], [])
    assert (broken.level, broken.found) == (Level.FAIL, "no answer within 20 s")


@pytest.mark.parametrize(
    ("cause", "detail", "fatal", "said"),
    [
        ("connect_refused", "HTTP 401", True, "OPENAI_API_KEY"),
        ("connect_failed", "TimeoutError", False, "OPENAI_BASE_URL"),
        ("session_refused", "model_not_found", True, "TRUNKLINE_MODEL"),
        ("connect_refused", "HTTP 503", False, "again"),
    ],
)
def test_a_model_that_cannot_be_had(cause: str, detail: str, fatal: bool, said: str) -> None:
    """The remedy depends on the cause."""
    found = rules.judge_session({"ok": False, "cause": cause, "detail": detail, "fatal": fatal}, "")
    assert found.level is Level.FAIL
    assert said in found.do


def test_a_model_that_can_be_had() -> None:
    """How long it took."""
    assert "80 ms" in rules.judge_session({"ok": True, "model": "m", "took_ms": 80}, "").found
    assert rules.judge_session(None, "no answer").level is Level.FAIL


def test_warnings_alone_are_no_failure() -> None:
    """The exit code is for what does not work."""
    assert exit_code([ok("a", "b"), rules.judge_process(facts(state="STOPPED"))]) == Exit.OK
    assert exit_code([ok("a", "b"), rules.judge_process(facts(state="FATAL"))]) == Exit.FAILED
