"""The scenarios: what each promises, and that a broken promise is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from brain.agents.file import parse
from proofs.prove.conversation import AGENTS
from proofs.prove.judge import Figures
from proofs.prove.listening.own_sound import OwnSound
from proofs.prove.listening.pauses import ASIDES, PauseFigures
from proofs.prove.scenarios import TWO_TOOLS, Scenario, scenarios
from simulators.realtime import script
from simulators.twilio import Speak
from simulators.twilio.caller.plan import InterruptAfter

ALL = scenarios(200, 20, 1)


def good() -> Figures:
    """Figures of runs in which all went well, and something happened."""
    return Figures(
        calls=20, sessions=40, tool_calls=8, tool_outputs=8, tool_creates=4, tool_batches=4,
        operator_said=3, rollovers=100, pauses=PauseFigures(asides=10, resumed=9, stopped=9, interruptions=4),
        own=OwnSound(whole=20, filled=9),
    )  # fmt: skip


def broken(scenario: Scenario, figures: Figures) -> list[str]:
    return [sentence for sentence, is_broken in scenario.promises(figures).items() if is_broken]


def test_the_first_makes_all_calls_and_the_others_a_fifth() -> None:
    """Under names of their own; those of the rollover are long, and a hundred callers cough."""
    assert len({each.name for each in ALL}) == len(ALL) == 8
    assert [each.calls for each in ALL] == [200, 40, 40, 40, 40, 20, 100, 40]
    assert sum(each.calls for each in ALL) == 520


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
def test_good_figures_break_no_promise_and_a_stale_frame_one(scenario: Scenario) -> None:
    """Whatever the scenario is about, nothing stale is heard in it."""
    figures = good()
    assert broken(scenario, figures) == []

    figures.stale_frames = 2
    assert broken(scenario, figures) == ["2 stale frames were heard after a clear"]


@pytest.mark.parametrize("scenario", ALL, ids=lambda each: each.name)
def test_a_scenario_that_did_not_happen_proves_nothing(scenario: Scenario) -> None:
    """Tools that nobody called, operators who were silent, sessions that never dropped."""
    quiet = Figures(calls=20, sessions=20)
    expected = {
        "parallel-tools": ["no tool was called"],
        "server-cancels": ["no operator spoke"],
        "session-drops": ["no session was dropped"],
        "rollover": ["0 rollovers in 20 calls"],
        "confirm": [
            "nobody coughed or murmured over a reply",
            "no word interrupted a reply",
            "no reply stood still for a cough or a murmur",
            "0 of 20 callers heard the whole notice first",
        ],
        "sounds": ["0 of 20 callers heard the whole notice first", "no caller heard a tool at work"],
    }
    assert broken(scenario, quiet) == expected.get(scenario.name, [])


def test_knobs_differ_by_connection_and_not_by_run() -> None:
    """So that a seed can be tried again."""
    for scenario in ALL:
        made = [scenario.knobs_for(number, 1) for number in range(1, 30)]
        assert made == [scenario.knobs_for(number, 1) for number in range(1, 30)]
        assert len({knobs.seed for knobs in made}) == len(made)


def test_callers_speak_into_the_tools(tmp_path: Path) -> None:
    """The script can be read, calls two tools at once, and some callers do not wait for the answer."""
    path = tmp_path / "two.toml"
    path.write_text(TWO_TOOLS, "utf-8")
    assert len(script.load(str(path)).turns[0].reply) == 2

    tools = next(each for each in ALL if each.name == "parallel-tools")
    assert tools.steps is not None
    spoken = [sum(isinstance(step, Speak) for step in tools.steps(number)) for number in range(20)]
    assert min(spoken) >= 4
    assert max(spoken) > 4


def test_of_a_calls_sessions_some_are_not_dropped() -> None:
    """Five that are lost before any response of theirs is complete are a reason to give the call up."""
    (drops,) = [each for each in ALL if each.name == "session-drops"]
    dropped = {
        nth for number in range(1, 200) for nth in range(1, 13) if drops.knobs_for(number, nth).close_on
    }

    assert dropped == {1, 2, 3, 5, 6, 7, 9, 10, 11}


def test_callers_cough_and_murmur_over_the_replies_of_a_patient_agent(tmp_path: Path) -> None:
    """And use words now and then; the agent is chosen by the number, the answers are long."""
    (confirm,) = [each for each in ALL if each.name == "confirm"]
    path = tmp_path / "long.toml"
    path.write_text(confirm.script, "utf-8")
    assert script.load(str(path)).turns[0].reply
    tables = parse(AGENTS, ("check_order", "end_call"))
    owners = [name for name, table in tables.agents.items() if confirm.to_number in table.numbers]
    assert owners == ["patient"]
    assert confirm.steps is not None

    said = [step.clip.name for step in islice(confirm.steps(1), 200) if isinstance(step, InterruptAfter)]

    assert set(said) == {*ASIDES, "en_caller_interrupt"}


def test_a_tool_that_works_in_silence_breaks_a_promise() -> None:
    """However many of them were heard."""
    (sounds,) = [each for each in ALL if each.name == "sounds"]

    silent = replace(good(), own=OwnSound(whole=20, filled=2, unfilled=["x"]))

    assert broken(sounds, silent) == ["in 1 calls a tool worked in silence"]
    silent.own.unfilled.clear()
    assert broken(sounds, silent) == []


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        (PauseFigures(left=["x"]), "1 of 10 replies that noise stopped did not go on"),
        (PauseFigures(incomplete=["x"]), "1 replies were not heard to the byte"),
        (PauseFigures(repeated=["x"]), "1 times words were heard twice"),
        (PauseFigures(cut_by_noise=["x"]), "1 replies were cut by noise"),
        (PauseFigures(late=["x"]), "1 words interrupted too late"),
        (PauseFigures(above_heard=["x"]), "1 truncations above what was heard in stretches"),
    ],
)
def test_whatever_goes_wrong_around_a_pause_breaks_a_promise(figures: PauseFigures, sentence: str) -> None:
    """Each in its own words."""
    (confirm,) = [each for each in ALL if each.name == "confirm"]
    figures = replace(figures, asides=10, stopped=10, interruptions=4)

    assert broken(confirm, replace(good(), pauses=figures)) == [sentence]
