"""What caller and model say, and how it sounds."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from brain.agents import file as agents_file
from brain.tools import builtin
from proofs.prove.chaos import story
from proofs.prove.chaos.evidence.coding import CALLER, MODEL, pieces
from proofs.prove.chaos.faults import Story
from simulators import clips
from simulators.realtime import script
from simulators.twilio import Do, HangUp, InterruptAfter, Speak, WaitUntil


@pytest.mark.parametrize("each", Story)
def test_every_script_is_one(each: Story, tmp_path: Path) -> None:
    """The simulator reads it."""
    path = tmp_path / "script.toml"
    path.write_text(story.script(each))
    assert script.load(str(path)).turns


def test_the_agents_file_is_right() -> None:
    """A brain would start with it, and has the three tools."""
    tables = agents_file.parse(story.agents(1234), builtin.NAMES)
    assert tables.default.tools == ["look_up", "transfer_call", "end_call"]


def test_words_say_whose_they_are_and_last_as_long_as_the_clip() -> None:
    """Both sides' and of any call."""
    spoken = [piece.code for piece in pieces(story.model_voice(3, 9, 2, 0, "en_model_short"))]
    assert len(spoken) == -(-len(clips.load("en_model_short")) // 160)
    assert spoken[0] is not None
    voice = spoken[0].voice
    assert (voice.speaker, voice.call, voice.session, voice.response) == (MODEL, 3, 9, 2)

    said = next(pieces(story.caller_clip(3, 2, "en_caller_ask").audio)).code
    assert said is not None
    assert (said.voice.speaker, said.voice.call, said.voice.response) == (CALLER, 3, 2)


def test_a_caller_speaks_twice_says_so_and_hangs_up() -> None:
    """In a soak, until it is over."""
    done = Do(lambda: None)

    def words(over: list[bool]) -> int:
        steps = story.steps(Story.TWO_TURNS, 1, 2, lambda: True, lambda: over.pop(0), done)
        found = list(islice(steps, 200))
        assert found[-2:] == [done, HangUp()]
        return sum(isinstance(step, Speak) for step in found)

    assert words([True]) == 2
    assert words([False, False, True]) == 4


def test_an_answer_is_interrupted_by_the_second_thing_that_is_said() -> None:
    """So that what is cut is heard to be cut."""
    done = Do(lambda: None)
    found = list(story.steps(Story.INTERRUPTS, 1, 1, lambda: True, lambda: True, done))
    (interruption,) = [step for step in found if isinstance(step, InterruptAfter)]
    assert interruption.clip.name == "2"
    assert found[-2:] == [done, HangUp()]


def test_who_has_said_goodbye_waits_for_the_end() -> None:
    """And has said all that they wanted."""
    done = Do(lambda: None)
    found = list(islice(story.steps(Story.FAREWELL, 1, 1, lambda: True, lambda: True, done), 5))
    assert isinstance(found[2], Speak)
    assert found[3] is done
    assert isinstance(found[4], WaitUntil)
