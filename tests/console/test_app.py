"""The command line itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from console import app as app_module
from console import settings_table
from console.app import app
from shared import VERSION
from shared.exit_codes import Exit

runner = CliRunner()


def test_version() -> None:
    """Name and number."""
    assert runner.invoke(app, ["--version"]).output == f"trunkline {VERSION}\n"


def test_no_command_shows_the_commands() -> None:
    """With a line for each."""
    shown = runner.invoke(app, []).output
    assert all(name in shown for name in ("demo", "run", "keys", "settings"))


def test_every_command_that_is_advised_is_there() -> None:
    """In what the doctor, the commands and the pages tell people to type."""
    there = set(typer.main.get_command(app).commands)
    for path in Path(app_module.__file__).parent.rglob("*.py"):
        advised = set(re.findall(r"`trunkline ([a-z]+)", path.read_text("utf-8")))
        assert advised <= there, path


def test_settings_as_the_readme_has_them() -> None:
    """The same function."""
    assert runner.invoke(app, ["settings", "--markdown"]).output == settings_table.markdown()


def test_keys_of_a_live_redis(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each kind."""
    monkeypatch.setenv("REDIS_URL", valkey_url)
    done = runner.invoke(app, ["keys"])
    assert done.exit_code == Exit.OK
    assert "tl:workers" in done.output


def test_keys_without_redis_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, exit code 1."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    done = runner.invoke(app, ["keys"])
    assert done.exit_code == Exit.FAILED
    assert "Redis does not answer" in done.output


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started."""
    monkeypatch.setenv("TRUNKLINE_LEAD_MS", "7")
    done = runner.invoke(app, ["run"])
    assert done.exit_code == Exit.SETTINGS
    assert "TRUNKLINE_LEAD_MS" in done.output


def test_settings_show_what_is_in_effect_even_if_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table, then the problem, and the exit code of a wrong setting."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_LEAD_MS", "7")
    done = runner.invoke(app, ["settings", "--json"])
    assert done.exit_code == Exit.SETTINGS
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["TRUNKLINE_LEAD_MS"]["value"] == "7"
    assert "TRUNKLINE_LEAD_MS: " in done.stderr


def test_a_misspelt_setting_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On stderr, by every command that reads settings; it goes on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRUNKLINE_VOCE", "marin")
    done = runner.invoke(app, ["settings", "--json"])
    assert done.exit_code == Exit.OK
    assert (
        "trunkline: TRUNKLINE_VOCE (environment) is no setting, and nobody reads it: did you mean"
        in done.stderr
    )


def test_a_file_of_settings_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A line, no traceback, its own code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    for words in (["settings"], ["calls"], ["run"]):
        done = runner.invoke(app, words)
        assert done.exit_code == Exit.ENV_FILE
        assert f"{tmp_path}/.env, line 1: expected text in UTF-8" in done.stderr
