"""What a scenario says of itself."""

from __future__ import annotations

from console.trial.scenario import (
    Answer,
    HangUp,
    Interrupt,
    Press,
    Say,
    SaysText,
    Scenario,
    Words,
    answer_of,
    spoken,
)


def test_what_is_said_is_found_by_its_step() -> None:
    """Keys are not said."""
    first, second = Words(text="a"), Words(clip="b")
    scenario = Scenario(
        name="x", steps=(Say(line=1, words=first), Press(line=2, keys="1"), Interrupt(line=3, words=second))
    )
    assert scenario.said == [(0, first), (2, second)]


def test_words_are_called_by_what_they_are() -> None:
    """The text, else the clip, else the file."""
    assert [Words(text="a", wav="b").name, Words(clip="c").name, Words(wav="d").name] == ["a", "c", "d"]


def test_the_model_answers_what_the_caller_does_and_nothing_else() -> None:
    """A hang-up has no answer."""
    answer = Answer(acts=(SaysText("Yes."),))
    assert answer_of(Say(line=1, words=Words(text="a"), answer=answer)) is answer
    assert answer_of(Press(line=1, keys="1")) == Answer()
    assert answer_of(HangUp(line=1)) is None


def test_a_caller_who_says_one_thing_after_another() -> None:
    """And hangs up."""
    assert spoken(Words(text="a"), Words(text="b")) == (
        Say(line=0, words=Words(text="a")),
        Say(line=0, words=Words(text="b")),
        HangUp(line=0),
    )
