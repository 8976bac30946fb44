"""The command line itself."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from console import settings_table
from console.app import app
from shared import VERSION
from shared.process.exits import Exit

runner = CliRunner()


def test_version() -> None:
    """Name and number."""
    assert runner.invoke(app, ["--version"]).output == f"trunkline {VERSION}\n"


def test_no_command_shows_the_commands() -> None:
    """With a line for each."""
    shown = runner.invoke(app, []).output
    assert all(name in shown for name in ("demo", "run", "keys", "settings"))


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
