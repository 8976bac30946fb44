"""The commands that look after processes, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.app import app
from console.doctor import facts
from console.doctor.findings import Finding, fail, ok
from shared.exit_codes import Exit

runner = CliRunner()


def test_top_once(valkey_url: str) -> None:
    """A screen, or a snapshot."""
    url = ["--redis-url", valkey_url]
    assert "trunkline top  0 calls" in runner.invoke(app, ["top", "--once", *url]).stdout
    found = json.loads(runner.invoke(app, ["top", "--json", *url]).stdout)
    assert (found["calls"], found["workers"]) == ([], [])


def test_top_without_redis_or_without_a_terminal(valkey_url: str) -> None:
    """A line, code 1."""
    away = runner.invoke(app, ["top", "--once", "--redis-url", "redis://127.0.0.1:9/0"])
    assert (away.exit_code, "Redis does not answer" in away.stderr) == (Exit.FAILED, True)
    piped = runner.invoke(app, ["top", "--redis-url", valkey_url])
    assert (piped.exit_code, "expected a terminal" in piped.stderr) == (Exit.FAILED, True)


def test_a_roll_without_supervisord(tmp_path: Path) -> None:
    """What was expected where, and how it is started."""
    done = runner.invoke(app, ["roll", "--socket", str(tmp_path / "none.sock")])
    assert done.exit_code == Exit.FAILED
    assert f"expected supervisord at {tmp_path / 'none.sock'}" in done.stderr


def test_a_file_that_says_no_socket(tmp_path: Path) -> None:
    """The command line is wrong."""
    done = runner.invoke(app, ["doctor", "--config", str(tmp_path / "none.conf")])
    assert done.exit_code == Exit.USAGE
    assert "expected a supervisord file" in done.stderr


@pytest.mark.parametrize(
    ("found", "code"), [([ok("a", "b")], Exit.OK), ([ok("a", "b"), fail("c", "d", "e")], Exit.FAILED)]
)
def test_what_the_doctor_says(
    found: list[Finding], code: Exit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Findings in words or for programs; the exit code is 1 if one has failed."""
    asked: list[facts.Asked] = []

    async def examine(what: facts.Asked) -> list[Finding]:
        asked.append(what)
        return found

    monkeypatch.setattr(facts, "examine", examine)
    words = runner.invoke(app, ["doctor", "--offline", "--socket", str(tmp_path / "s")])
    assert words.exit_code == code
    assert "ok" in words.stdout
    done = runner.invoke(app, ["doctor", "--socket", str(tmp_path / "s"), "--json"])
    assert json.loads(done.stdout)["ok"] is (code == Exit.OK)
    assert [what.offline for what in asked] == [True, False]
