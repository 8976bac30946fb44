"""What is said in each story."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import pytest

from proofs.prove.silence.faults import At, Story
from proofs.prove.silence.story import known, script, steps
from simulators.realtime import script as scripts
from simulators.twilio import HangUp, Pause, Speak, WaitUntil


@pytest.mark.parametrize("story", Story)
def test_the_model_can_read_its_part(story: Story, tmp_path: Path) -> None:
    """And the ear knows every clip of it."""
    file = tmp_path / "story.toml"
    file.write_text(script(story))
    told = scripts.load(str(file))

    said = [told.greeting, told.idle, told.other, *(turn.reply + turn.after for turn in told.turns)]
    names = {output.clip for reply in said for output in reply if isinstance(output, scripts.Say)}
    assert names <= set(known(story).answers)
    assert tomllib.loads(script(story))["language"] == "en"


@pytest.mark.parametrize("story", [story for story in Story if story is not Story.HELLO])
def test_a_caller_waits_for_what_is_owed_and_hangs_up(story: Story) -> None:
    """First for the greeting."""
    plan = list(steps(story, At.GREETING, lambda: True))
    assert isinstance(plan[0], WaitUntil)
    assert isinstance(plan[-1], HangUp)


def test_somebody_says_hello_for_ever() -> None:
    """Every three seconds."""
    plan = list(itertools.islice(steps(Story.HELLO, At.TURN, lambda: True), 2, 200))
    spoken = [step.clip.duration_ms for step in plan if isinstance(step, Speak)]
    paused = [step.ms for step in plan if isinstance(step, Pause)]
    assert len(spoken) == 99
    assert {one + other for one, other in zip(spoken, paused, strict=True)} == {3_000}
