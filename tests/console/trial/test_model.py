"""The simulated model's side of a scenario."""

from __future__ import annotations

import json
from typing import cast

import pytest

from console.trial.model import UNHEARD, ModelVoice, add_turn, script_of, texts_of, tools_called
from console.trial.scenario import (
    Answer,
    CallsTool,
    HangUp,
    Interrupt,
    Press,
    Say,
    SaysText,
    Scenario,
    Simulated,
    Words,
)
from simulators import clips
from simulators.realtime import script as scripts
from simulators.realtime.record import SessionRecord

CALLS = Answer(acts=(CallsTool("stock", {"model": "שלום"}),), then=(SaysText("Three."),))
SCENARIO = Scenario(
    name="x.toml",
    simulated=Simulated(greeting="Bicycles."),
    steps=(
        Say(line=3, words=Words(text="A Kestrel?"), answer=CALLS),
        Press(line=5, keys="1", answer=Answer(acts=(SaysText("One."), SaysText("Really.")))),
        Interrupt(line=7, words=Words(clip="en_caller_ask")),
        Say(line=9, words=Words(wav="no.wav")),
        HangUp(line=11),
    ),
)


def test_each_thing_that_the_caller_does_is_a_turn() -> None:
    """With its words, its answer, and what follows its tools; a hang-up is none."""
    script = script_of(SCENARIO, "en")
    first, second, third, fourth = script.turns
    assert (first.heard, second.heard, fourth.heard) == ("A Kestrel?", UNHEARD, "no.wav")
    assert third.heard == clips.manifest()["en_caller_ask"].text
    (call,) = first.reply
    assert isinstance(call, scripts.Call)
    assert (call.name, json.loads(call.arguments)) == ("stock", {"model": "שלום"})
    assert [cast(scripts.Say, each).text for each in (*first.after, *second.reply)] == [
        "Three.", "One.", "Really.",
    ]  # fmt: skip
    assert third.reply == fourth.reply == script.other


def test_what_nothing_is_said_of_is_what_it_always_says() -> None:
    """In the language of the call."""
    script = script_of(SCENARIO, "en")
    assert [cast(scripts.Say, each).text for (each,) in (script.greeting, script.idle)] == [
        "Bicycles.", "Are you still there?",
    ]  # fmt: skip
    hebrew = script_of(Scenario(name="x"), "he-IL")
    assert cast(scripts.Say, hebrew.greeting[0]).text.startswith("שלום")


def test_everything_that_it_says_has_a_sound() -> None:
    """By its text; a stored clip has its own."""
    script = script_of(SCENARIO, "en")
    texts = texts_of(script)
    assert {"Bicycles.", "Three.", "One.", "Really.", "Are you still there?"} <= set(texts)
    voice = ModelVoice(dict.fromkeys(texts, b"\x10"))
    session = cast(SessionRecord, None)
    assert voice(session, 1, 0, cast(scripts.Say, script.greeting[0]).clip) == b"\x10"
    assert voice(session, 1, 0, "en_model_short") == clips.load("en_model_short")


def test_words_that_are_typed_are_turns_that_come_later() -> None:
    """The one that had to be there goes; all are answered alike."""
    script = script_of(Scenario(name="x"), "en")
    assert [each.heard for each in script.turns] == [UNHEARD]
    add_turn(script, "Hello?")
    add_turn(script, "Anybody?")
    assert [each.heard for each in script.turns] == ["Hello?", "Anybody?"]
    assert script.turn(2).reply == script.other


def test_the_tools_that_it_is_to_call_are_known_beforehand() -> None:
    """With their lines, for whoever looks whether there are such."""
    assert tools_called(SCENARIO) == [(3, "stock")]


def test_a_script_whose_turns_are_fixed_takes_no_more() -> None:
    """It is somebody else's."""
    with pytest.raises(AssertionError, match="expected the script of a scenario"):
        add_turn(scripts.load("english"), "x")
