"""The command `try`, up to where the call begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from console.app import app
from console.trial import play as playing
from console.trial.commands import over, words_of
from console.trial.scenario import HangUp, Say, Scenario, Words
from console.trial.wanted import Wanted, Way
from shared.exit_codes import Exit

runner = CliRunner()


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Wanted]:
    """What would have been played."""
    found: list[Wanted] = []

    async def play(_settings: object, wanted: Wanted) -> int:
        found.append(wanted)
        return Exit.OK

    monkeypatch.setattr(playing, "play", play)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return found


def run(*words: str) -> Any:
    return runner.invoke(app, ["try", *words])


def test_without_a_word_what_is_typed_is_said(wanted: list[Wanted]) -> None:
    """To the agent of the called number, or the one that is named."""
    assert run("sales", "--to", "+15550003333", "--from", "sip:a@b").exit_code == Exit.OK
    ((scenario, folder),) = wanted[0].scenarios
    assert (wanted[0].way, folder) == (Way.TYPED, Path())
    assert (scenario.agent, scenario.to_number, scenario.from_number) == ("sales", "+15550003333", "sip:a@b")


def test_what_is_to_be_said_stands_on_the_command_line(wanted: list[Wanted]) -> None:
    """One after another."""
    assert run("--say", "Hello?", "--say", "en_caller_goodbye").exit_code == Exit.OK
    ((scenario, _),) = wanted[0].scenarios
    assert wanted[0].way is Way.SCENARIO
    assert scenario.steps == (
        Say(line=0, words=Words(text="Hello?")),
        Say(line=0, words=Words(clip="en_caller_goodbye")),
        HangUp(line=0),
    )


def test_scenarios_are_read_and_their_files_found_beside_them(wanted: list[Wanted], tmp_path: Path) -> None:
    """In the order given; what the command line says comes first."""
    (tmp_path / "s").mkdir()
    text = 'agent = "service"\n[[steps]]\nhang_up = true\n'
    for name in ("a", "b"):
        (tmp_path / "s" / f"{name}.toml").write_text(text, "utf-8")
    assert run("sales", "-s", "s/b.toml", "-s", "s/a.toml", "--junit", "j.xml").exit_code == Exit.OK
    assert [(each.name, each.agent, folder) for each, folder in wanted[0].scenarios] == [
        ("s/b.toml", "sales", Path("s")), ("s/a.toml", "sales", Path("s")),
    ]  # fmt: skip
    assert wanted[0].junit == Path("j.xml")


def test_a_wrong_scenario_is_told_line_by_line(wanted: list[Wanted], tmp_path: Path) -> None:
    """Before anything is started; exit code 3."""
    (tmp_path / "x.toml").write_text("limit_s = 0\n[[steps]]\nsya = 'x'\n", "utf-8")
    done = run("-s", "x.toml")
    assert done.exit_code == Exit.SETTINGS
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["x.toml:1", "x.toml:2", "x.toml:3"]
    assert all(line.startswith("trunkline: x.toml:") for line in lines)
    assert wanted == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-s", "nothing.toml"], Exit.SETTINGS, "nothing.toml: expected a scenario in UTF-8"),
        (["--say", "x", "--talk"], Exit.USAGE, "expected one of --scenario, --say and --talk"),
        (["--speaker"], Exit.USAGE, "expected --talk with --speaker"),
        (["--live"], Exit.SETTINGS, "--live needs OPENAI_API_KEY"),
    ],
)
def test_what_cannot_be_meant_is_told(words: list[str], code: Exit, said: str, wanted: list[Wanted]) -> None:
    """And nothing is played."""
    done = run(*words)
    assert (done.exit_code, said in done.stderr) == (code, True)
    assert wanted == []


def test_options_reach_the_play(wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, a microphone, files."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    files = ["--agents-file", "a.toml", "--output", "o", "--run-dir", "r"]
    run("--talk", "--speaker", "--live", "--webhooks", *files)
    (found,) = wanted
    assert (found.way, found.half_duplex, found.live, found.webhooks) == (Way.TALK, True, True, True)
    assert (found.agents_file, found.output, found.run_dir) == (Path("a.toml"), Path("o"), Path("r"))


def test_words_files_and_clips_are_told_apart() -> None:
    """By their names."""
    assert words_of("en_caller_ask") == Words(clip="en_caller_ask")
    assert [words_of(name) for name in ("a.wav", "b/C.WAV", "d.ulaw")] == [
        Words(wav="a.wav"), Words(wav="b/C.WAV"), Words(wav="d.ulaw"),
    ]  # fmt: skip
    assert words_of("At 9.30, please.") == Words(text="At 9.30, please.")


def test_a_scenario_keeps_what_the_command_line_does_not_say() -> None:
    """Of agent, numbers and language."""
    read = Scenario(name="r", agent="a", from_number="f", to_number="t", language="he", limit_ms=1.0)
    assert over(Scenario(name="own"), read) == read
    assert over(Scenario(name="own", agent="b", language="en"), read) == Scenario(
        name="r", agent="b", from_number="f", to_number="t", language="en", limit_ms=1.0
    )
