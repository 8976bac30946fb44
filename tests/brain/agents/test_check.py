"""`python -m brain.agents.check`: what a brain makes of an agents file, or why it would not start."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from brain.agents import check
from brain.agents.book import AgentBook
from shared.logs.log import get_log
from shared.settings import load
from simulators.realtime import Knobs, RealtimeSimulator


def test_the_check_explains_a_broken_file(tmp_path: Path) -> None:
    """With the exit code that a brain would end with."""
    path = tmp_path / "agents.toml"
    path.write_text('[agents.desk]\ngreeting = "שלום"\nvoice = ["שלום"]', "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "brain.agents.check", str(path)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 3
    assert "agents.desk.voice: expected a valid string, got ['שלום']" in done.stdout
    assert "1 problem: a brain would not start with this file" in done.stdout


def test_the_check_says_that_there_is_no_file(tmp_path: Path) -> None:
    """In the wrong folder the table alone would look as if all were well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "brain.agents.check"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip

    assert done.returncode == 0
    assert "there is no agents.toml here" in done.stdout


def test_the_example_is_sound() -> None:
    """What `trunkline agents example` prints is what `trunkline agents check` takes."""
    path = resources.files("brain.agents").joinpath("agents.example.toml")
    agents = AgentBook(load(env_file=None, agents_file=str(path)), get_log())

    assert [agent.name for agent in agents.agents] == ["default", "sales", "service_he"]


def ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and output of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["brain.agents.check", *words])
    monkeypatch.setattr(sys, "path", list(sys.path))
    code = check.main()
    return code, capsys.readouterr().out


def test_the_example_is_what_it_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Written to a file and checked, it is good: for programs too."""
    code, text = ran(monkeypatch, capsys, "--example")
    assert code == 0
    path = tmp_path / "agents.toml"
    path.write_text(text, "utf-8")

    code, listed = ran(monkeypatch, capsys, "--json", str(path))

    assert code == 0
    assert [agent["name"] for agent in json.loads(listed)] == ["default", "sales", "service_he"]
    assert json.loads(listed)[1]["tools"] == ["stock", "transfer_call", "end_call"]


def test_problems_are_a_list_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With the exit code that a brain would end with."""
    path = tmp_path / "agents.toml"
    path.write_text("[default]\nvoise = 'x'", "utf-8")

    code, text = ran(monkeypatch, capsys, "--json", str(path))

    assert code == 3
    (problem,) = json.loads(text)["problems"]
    assert problem.endswith("default.voise: there is no such key. Did you mean voice?")


async def checked(folder: Path, model: RealtimeSimulator, *words: str) -> tuple[int, str]:
    """Exit code and output of the command in this folder, beside this model."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")},
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_API_KEY": "sk-test",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "brain.agents.check", *words,
        env=environment, cwd=folder, stdout=subprocess.PIPE,
    )  # fmt: skip
    text, _ = await process.communicate()
    return process.returncode or 0, text.decode()


async def sessions(folder: Path, model: RealtimeSimulator) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of `--session --json` in this folder."""
    code, text = await checked(folder, model, "--session", "--json")
    return code, json.loads(text)


async def test_a_session_says_whether_the_model_answers(tmp_path: Path) -> None:
    """A refusal has its cause, and another exit code than a file that is wrong."""
    async with RealtimeSimulator(knobs=Knobs(connect_status=401)) as model:
        code, (found,) = await sessions(tmp_path, model)
    assert (code, found["ok"], found["cause"]) == (1, False, "connect_refused")


async def test_each_agent_has_a_session(tmp_path: Path) -> None:
    """A model, a voice, a tool that one of them alone has is found out before its first call."""
    (tmp_path / "agents.toml").write_text('[agents.desk]\nvoice = "cedar"\n[agents.night]\n', "utf-8")
    async with RealtimeSimulator() as model:
        code, found = await sessions(tmp_path, model)
        opened = len(model.sessions)
    assert code == 0
    assert [(each["agent"], each["voice"], each["ok"]) for each in found] == [
        ("default", "marin", True), ("desk", "cedar", True), ("night", "marin", True),
    ]  # fmt: skip
    assert opened == 3


REFUSED_VOICE = """
[default]
tools = ["hand_over", "end_call"]
hand_over_to = { desk = "Everything else." }
[agents.desk]
voice = "nobody"
"""


async def test_a_live_check_says_what_the_provider_refuses(tmp_path: Path) -> None:
    """In its own words, with the agent, below the table; the exit code is that of a refusal."""
    (tmp_path / "agents.toml").write_text(REFUSED_VOICE, "utf-8")
    async with RealtimeSimulator() as model:
        code, text = await checked(tmp_path, model, "--live")
        (told,) = [event for each in model.sessions for event in each.sent_of("session.updated")]

    assert code == 1
    assert "default: gpt-realtime-2.1: µ-law confirmed both ways" in text
    assert "desk: gpt-realtime-2.1: session_refused: " in text
    assert "voice" in text
    tools: Any = told["session"]["tools"]  # type: ignore[index]
    assert [tool["name"] for tool in tools] == ["hand_over", "end_call"]


async def test_a_live_check_for_programs_has_the_session_of_each_agent(tmp_path: Path) -> None:
    """Beside what the file says of it."""
    (tmp_path / "agents.toml").write_text(REFUSED_VOICE, "utf-8")
    async with RealtimeSimulator() as model:
        code, text = await checked(tmp_path, model, "--live", "--json")

    default, desk = json.loads(text)
    assert code == 1
    assert (default["session"]["ok"], desk["session"]["ok"]) == (True, False)
    assert desk["session"]["fatal"]
    assert "'nobody'" in desk["session"]["said"]


def test_variables_without_a_value_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """They are no mistake: somebody may say them of a call. But nobody may, and then they are empty."""
    path = tmp_path / "agents.toml"
    path.write_text("[default]\ninstructions = 'Serve {{name}}.'\n", "utf-8")

    code, text = ran(monkeypatch, capsys, str(path))
    assert code == 0
    assert "default: {{name}} in instructions: empty unless call.incoming or the number has it" in " ".join(
        text.split()
    )

    _, listed = ran(monkeypatch, capsys, "--json", str(path))
    assert json.loads(listed)[0]["unset"] == {"name": ["instructions"]}
