"""What a stack for trying is, what is told before and after. Calls are made in tests/e2e/test_try.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from console.demo.staging import Placed
from console.stack.launcher import StackFailed
from console.stack.plan import DEMO_PUBLIC_URL, SIMULATED_API_KEY, StackOptions, with_realtime, with_valkey
from console.trial import agents, play
from console.trial.agents import AgentsError, Listed
from console.trial.calling import Part, Tried
from console.trial.judge import Verdict
from console.trial.model import ModelVoice, script_of
from console.trial.play import trial_options
from console.trial.scenario import Scenario, Words, spoken
from console.trial.sounds import Voice
from console.trial.wanted import Wanted
from shared.exit_codes import Exit
from shared.settings import load
from simulators.twilio.record import CallRecord

SCENARIO = Scenario(name="s/x.toml", steps=spoken(Words(clip="en_caller_ask")))
URL = "http://127.0.0.1:9/v1"


def wanted(**changes: Any) -> Wanted:
    return Wanted(scenarios=[(SCENARIO, Path())], **changes)


def options(live: bool = False, **changes: Any) -> StackOptions:
    found = load(
        env_file=None, redis_url="redis://mine:1/0", public_url="https://real.example.com",
        twilio_auth_token="t", openai_api_key="sk-x", webhook_url="https://hooks.example.com",
        webhook_secret="s", port=8080,
    )  # fmt: skip
    return trial_options(found, wanted(live=live, **changes), "" if live else URL)


def test_nothing_of_the_users_own_is_touched() -> None:
    """Their Redis, port, name, token and archive belong to real calls; their webhooks to real callers."""
    made = options()
    assert with_valkey(made)
    assert (made.public_url, made.auth_token, made.port, made.host) == (DEMO_PUBLIC_URL, "", 0, "")
    assert made.environment["TRUNKLINE_WEBHOOK_URL"] == ""
    assert set(made.workers.values()) == {1}
    assert not made.web


def test_the_model_is_the_simulated_one_even_where_there_is_a_key() -> None:
    """It costs nothing unasked; the one in this process is used."""
    made = options()
    assert not with_realtime(made)
    assert (made.model_base_url, made.model_api_key) == (URL, SIMULATED_API_KEY)


def test_live_means_the_model_of_the_settings() -> None:
    """With its key."""
    made = options(live=True)
    assert (made.model_base_url, made.model_api_key) == ("https://api.openai.com/v1", "sk-x")


def test_agents_have_the_tools_that_their_file_gives_them() -> None:
    """Not that of the demo, which a stack with a simulator has else."""
    assert options().environment["TRUNKLINE_DEMO_TOOLS"] == "false"


def test_the_agents_file_and_the_webhooks_that_are_asked_for() -> None:
    """By its whole path: the processes run elsewhere."""
    made = options(agents_file=Path("a.toml"), webhooks=True)
    assert made.environment["TRUNKLINE_AGENTS_FILE"] == str(Path("a.toml").absolute())
    assert "TRUNKLINE_WEBHOOK_URL" not in made.environment


async def test_wrong_agents_are_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code of the check."""

    async def ask(_file: Path | None) -> list[Listed]:
        raise AgentsError(["a.toml: x: wrong", "a.toml: y: wrong"], Exit.SETTINGS)

    monkeypatch.setattr(agents, "ask", ask)
    assert await play.play(load(env_file=None), wanted()) == Exit.SETTINGS
    assert capsys.readouterr().err == "trunkline: a.toml: x: wrong\ntrunkline: a.toml: y: wrong\n"


async def test_a_sound_that_is_none_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As a wrong file."""

    async def ask(_file: Path | None) -> list[Listed]:
        return [Listed("default", "en", [], [])]

    monkeypatch.setattr(agents, "ask", ask)
    scenario = Scenario(name="call", steps=spoken(Words(wav="no.wav")))
    tried = await play.play(load(env_file=None), Wanted(scenarios=[(scenario, tmp_path)]))
    assert tried == Exit.SETTINGS
    assert "trunkline: call: no.wav: expected a file that can be read" in capsys.readouterr().err


async def test_a_stack_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1."""

    async def ask(_file: Path | None) -> list[Listed]:
        return [Listed("default", "en", [], [])]

    async def fail(*_: object) -> list[Tried]:
        raise StackFailed("brain-0 ended at each start")

    monkeypatch.setattr(agents, "ask", ask)
    monkeypatch.setattr(play, "_calls", fail)
    assert await play.play(load(env_file=None), wanted()) == Exit.FAILED
    assert "The stack did not start. brain-0 ended at each start" in capsys.readouterr().out


def tried(*verdicts: Verdict) -> Tried:
    agent = Listed("sales", "en", [], [])
    part = Part(
        scenario=SCENARIO, files="x", agent=agent, language="en", voice=Voice.STAND_IN, clips={},
        script=script_of(SCENARIO, "en"), model_voice=ModelVoice(),
    )  # fmt: skip
    record = CallRecord(call_sid="CA", from_number="", to_number="", zero_ms=0.0, ended_at_ms=9000.0)
    placed = Placed(watch=cast(Any, None), record=record)
    return Tried(part=part, placed=placed, verdicts=list(verdicts))


MET = Verdict(line=5, expected="stock() within 4 s", met=True, got="stock({})", at_ms=2000.0)
NOT_MET = Verdict(line=7, expected="the words “three”", met=False, got="“two [of] them”", at_ms=5500.0)
WHOLE = Verdict(line=0, expected="every step", met=True, got="all of them")


def printed(wanted: Wanted, *all_tried: Tried) -> tuple[int, str]:
    console = Console(width=160, highlight=False, emoji=False, file=io.StringIO())
    for each in all_tried:
        play._tell(console, wanted, each)
    code = play._conclude(console, wanted, all_tried)
    return code, cast(io.StringIO, console.file).getvalue()


def test_a_verdict_says_where_what_and_when(tmp_path: Path) -> None:
    """What was met at, what was not met by; exit code 1; the file for CI."""
    junit = tmp_path / "new" / "j.xml"
    code, text = printed(wanted(junit=junit, output=tmp_path / "o"), tried(MET, NOT_MET, WHOLE))
    assert code == Exit.FAILED
    assert "  ✓ line 5: stock() within 4 s  (at 2.0 s: stock({}))\n" in text
    assert "  ✗ line 7: the words “three”  (by 5.5 s: “two [of] them”)\n" in text
    assert "  ✓ every step  (all of them)\n" in text
    assert "1 of 3 expectations were not met." in text
    assert f"recording  {tmp_path / 'o' / 'x.wav'}" in text
    assert 'name="s/x.toml"' in junit.read_text("utf-8")


def test_all_that_was_expected_came_true() -> None:
    """Exit code 0; of several scenarios together."""
    code, text = printed(wanted(), tried(MET), tried(WHOLE))
    assert (code, "All 2 expectations were met." in text) == (Exit.OK, True)


def test_where_nothing_was_expected_nothing_is_judged() -> None:
    """A talk is a talk."""
    code, text = printed(wanted(), tried())
    assert (code, "expect" in text) == (Exit.OK, False)


def test_without_the_extra_there_is_a_recording_and_no_picture() -> None:
    """It says what draws it."""
    made = tried(MET)
    made.without_picture = "the extra `demo` draws it"
    assert "picture    none: the extra `demo` draws it" in printed(wanted(), made)[1]


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        (["a/basic.toml", "b/other.toml"], ["basic", "other"]),
        (["a/basic.toml", "b/basic.toml"], ["a-basic", "b-basic"]),
        (["basic.toml", "a/basic.toml"], ["basic", "a-basic"]),
        (["x/a/basic.toml", "y/a/basic.toml", "a-basic.toml"], ["a-basic", "a-basic-2", "a-basic-3"]),
        (["basic.toml", "basic.toml"], ["basic", "basic-2"]),
        (["call"], ["call"]),
    ],
)
def test_scenarios_that_are_called_alike_have_files_of_their_own(
    scenarios: list[str], expected: list[str]
) -> None:
    """The second would take the place of the first."""
    assert play.named_apart(scenarios) == expected


async def test_parts_know_what_their_files_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one another name, whatever folder it is from."""

    async def ask(_file: Path | None) -> list[Listed]:
        return [Listed("default", "en", [], [])]

    monkeypatch.setattr(agents, "ask", ask)
    alike = [Scenario(name=name, steps=SCENARIO.steps) for name in ("a/basic.toml", "b/basic.toml")]

    parts = await play._prepared(Wanted(scenarios=[(each, Path()) for each in alike]))

    assert [each.files for each in parts] == ["a-basic", "b-basic"]
