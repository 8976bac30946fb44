"""Options that several commands share, their checks, and what Tab offers."""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from console import options
from console.app import app
from shared.exit_codes import Exit
from shared.store.client import Store
from tests.support.redis_samples import BRAIN, ONE, TWO, make_call, make_worker

runner = CliRunner()
COMMANDS = ("calls", "show", "watch", "hangup", "say", "drain", "top", "roll", "doctor", "keys", "run",
            "settings", "demo", "web", "archive")  # fmt: skip


def words(text: str) -> str:
    """Without the frame that help is drawn in."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """A sentence, and each option that may be left out says what is then taken."""
    shown = words(runner.invoke(app, [command, "--help"], env={"COLUMNS": "120"}).output)
    assert f"Usage: trunkline {command}" in shown
    assert ("--json" in shown) is (command not in ("run", "demo", "web"))
    assert "--redis-url" not in shown or "[default: (REDIS_URL)]" in shown
    assert "--config" not in shown or "[default: (deploy/supervisord.conf)]" in shown


@pytest.mark.parametrize("command", [["calls"], ["keys"], ["top", "--once"], ["show", "x"], ["drain", "x"]])
@pytest.mark.parametrize("url", ["foo", "redis://host:port/0"])
def test_an_url_that_is_none_is_named(command: list[str], url: str) -> None:
    """As a wrong option, before anything is asked."""
    done = runner.invoke(app, [*command, "--redis-url", url])
    assert done.exit_code == Exit.USAGE
    assert "expected a URL such as redis://host:6379/0" in words(done.output)


def test_a_bad_url_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback: a setting is wrong."""
    monkeypatch.setenv("REDIS_URL", "redis://host:port/0")
    done = runner.invoke(app, ["calls"])
    assert done.exit_code == Exit.SETTINGS
    assert "expected a URL" in done.output


def test_roles_are_offered() -> None:
    """By their beginning."""
    assert options.roles("") == ["ingress", "brain", "egress"]
    assert options.roles("b") == ["brain"]


async def test_calls_and_workers_are_offered(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live ones, as the shell asks for them."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    await make_call(store, ONE, 1_000)
    await make_call(store, TWO, 2_000)
    await make_worker(store, BRAIN)
    assert await asyncio.to_thread(offered, "trunkline show CA1", 2) == [ONE]
    assert await asyncio.to_thread(offered, "trunkline drain br", 2) == [BRAIN.partition("#")[0]]
    assert await asyncio.to_thread(offered, "trunkline roll e", 2) == ["egress"]


def test_without_redis_nothing_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor printed."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    assert offered("trunkline show C", 2) == []


def offered(line: str, place: int) -> list[str]:
    """What bash is given for the word at `place`."""
    environment: dict[str, Any] = {
        "_TRUNKLINE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(place),
    }  # fmt: skip
    done = runner.invoke(app, [], env=cast(Any, environment), prog_name="trunkline")
    return done.output.split()
