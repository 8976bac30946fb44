"""Which agents there are, and who answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.trial import agents
from console.trial.agents import AgentsError, Listed, chosen, read
from console.trial.scenario import Answer, CallsTool, Say, Scenario, Words
from shared.exit_codes import Exit
from simulators.twilio.caller.plan import CALLED_NUMBER

DEFAULT = Listed("default", "en", ["end_call"], [])
NOTHING = "`trunkline agents check` said nothing of use"
SALES = Listed("sales", "he", ["stock", "end_call"], ["+15550003333"])


@pytest.mark.parametrize(
    ("scenario", "agent"),
    [
        (Scenario(name="x"), DEFAULT),
        (Scenario(name="x", agent="sales"), SALES),
        (Scenario(name="x", to_number="+15550003333"), SALES),
        (Scenario(name="x", to_number="+1 555 000 3333"), SALES),
        (Scenario(name="x", to_number="+15550009999"), DEFAULT),
        (Scenario(name="x", agent="default", to_number="+15550003333"), DEFAULT),
    ],
)
def test_who_answers(scenario: Scenario, agent: Listed) -> None:
    """By name, else by number, as a brain chooses."""
    assert chosen(scenario, [DEFAULT, SALES]) is agent


def test_the_number_of_a_caller_who_says_none() -> None:
    """The simulator's own may be an agent's."""
    mine = Listed("mine", "en", [], [CALLED_NUMBER])
    assert chosen(Scenario(name="x"), [DEFAULT, mine]) is mine


def test_a_name_that_nobody_has_is_told() -> None:
    """The default agent does not answer in its place."""
    words = r"x.toml: there is no agent 'sale'. Did you mean sales\?"
    with pytest.raises(AgentsError, match=words) as refused:
        chosen(Scenario(name="x.toml", agent="sale"), [DEFAULT, SALES])
    assert refused.value.exit_code == Exit.SETTINGS


def test_a_tool_that_the_agent_does_not_have_is_told() -> None:
    """The simulated model would say something in place of the call."""
    calls = Answer(acts=(CallsTool("stok", {}),))
    says = Say(line=4, words=Words(text="a"), answer=calls)
    scenario = Scenario(name="x.toml", agent="sales", steps=(says,))
    with pytest.raises(AgentsError) as refused:
        chosen(scenario, [DEFAULT, SALES])
    assert refused.value.problems == [
        "x.toml:4: the agent sales has no tool 'stok'. Did you mean stock?",
    ]


def test_what_the_check_says() -> None:
    """What it has beside that does not matter."""
    listed = [{"name": "sales", "language": "he", "tools": ["stock"], "numbers": ["+1"], "voice": "cedar"}]
    assert read(json.dumps(listed), "", 0) == [Listed("sales", "he", ["stock"], ["+1"])]


@pytest.mark.parametrize(
    ("output", "errors", "code", "problems", "exit_code"),
    [
        ('{"problems": ["a.toml: x", "a.toml: y"]}', "", 3, ["a.toml: x", "a.toml: y"], 3),
        ("", "Traceback\nValueError: oh", 1, [f"{NOTHING}: ValueError: oh"], 1),
        ("", "", 139, [f"{NOTHING}: it ended with code 139"], 139),
        ("[]", "", 1, [f"{NOTHING}: it ended with code 1"], 1),
    ],
)
def test_what_is_wrong_is_told_in_its_words(
    output: str, errors: str, code: int, problems: list[str], exit_code: int
) -> None:
    """With its exit code."""
    with pytest.raises(AgentsError) as refused:
        read(output, errors, code)
    assert (refused.value.problems, refused.value.exit_code) == (problems, exit_code)


async def test_a_file_is_asked_of_the_brains_own_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own; good and bad."""
    file = tmp_path / "agents.toml"
    file.write_text('[agents.sales]\nlanguage = "he"\ntools = ["end_call"]\n', "utf-8")
    found = {each.name: each for each in await agents.ask(file)}
    assert (found["sales"].language, list(found["sales"].tools)) == ("he", ["end_call"])
    file.write_text("[agents.sales]\nvoise = 1\n", "utf-8")
    with pytest.raises(AgentsError, match=r"agents\.sales\.voise: there is no such key") as refused:
        await agents.ask(file)
    assert refused.value.exit_code == Exit.SETTINGS
