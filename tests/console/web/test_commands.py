"""`trunkline web`: what ends it before it serves, and with which code."""

from __future__ import annotations

import io
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console.app import app
from console.web import commands
from shared.exit_codes import Exit
from shared.settings import Settings


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a `.env`, and an archive of its own; the log of this process stays as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "configure", lambda *_: io.StringIO())
    monkeypatch.setenv("TRUNKLINE_ARCHIVE_URL", f"sqlite:///{tmp_path}/calls.sqlite")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["web", *words])


def test_it_serves_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """And with another port, where one is given."""
    served: list[tuple[int, str]] = []

    def serve(settings: Settings, redis_url: str, _log: Any) -> Coroutine[Any, Any, int]:
        async def main() -> int:
            served.append((settings.web_port, redis_url))
            return Exit.OK

        return main()

    monkeypatch.setattr(commands.server, "serve", serve)
    monkeypatch.setenv("TRUNKLINE_WEB_PORT", "8123")
    assert run("--redis-url", "redis://127.0.0.1:6399/0").exit_code == Exit.OK
    assert run("--port", "8124", "--redis-url", "redis://127.0.0.1:6399/0").exit_code == Exit.OK
    assert served == [(8123, "redis://127.0.0.1:6399/0"), (8124, "redis://127.0.0.1:6399/0")]


def test_a_page_that_would_be_open_to_all_ends_it(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the code of wrong settings, and the words that say what to set."""
    monkeypatch.setenv("TRUNKLINE_WEB_HOST", "0.0.0.0")
    found = run("--redis-url", valkey_url)
    assert found.exit_code == Exit.SETTINGS
    assert "TRUNKLINE_WEB_TOKEN" in found.output


def test_an_archive_whose_driver_is_missing_ends_it(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setenv("TRUNKLINE_ARCHIVE_URL", "postgresql://calls@127.0.0.1/calls")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    found = run("--redis-url", valkey_url)
    assert found.exit_code == Exit.SETTINGS
    assert "psycopg" in found.output


def test_a_wrong_setting_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it ends all else."""
    monkeypatch.setenv("TRUNKLINE_WEB_PORT", "0")
    assert run().exit_code == Exit.SETTINGS
