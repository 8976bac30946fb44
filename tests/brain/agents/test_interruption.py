"""What an agent takes for noise: words of listeners, and settings that go together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from brain.agents import interruption
from brain.agents.agent import Agent, Confirm, TurnDetection, default_agent
from brain.agents.file import parse
from brain.agents.merging import merged
from brain.agents.rules import problems_of
from brain.sequencer.doubt import is_speech, phrases
from shared.settings import load


def agent(language: str = "en") -> Agent:
    return default_agent(load(env_file=None, language=language))


def of_file(text: str) -> Agent:
    """The agent `a` of a file."""
    tables = parse(text, ("end_call",))
    default = merged(agent(), tables.default, {}, lambda _variable, _key: "")
    return merged(default, tables.agents["a"], {}, lambda _variable, _key: "")


@pytest.mark.parametrize(
    ("language", "said", "is_meant"),
    [
        ("en", "Mm-hmm.", False),
        ("en-US", "Uh-huh. I see.", False),
        ("en", "Yes.", True),
        ("en", "Okay", True),
        ("de", "Ach so, hmm.", False),
        ("de", "I see", True),
        ("he", "אהה", False),
        ("ru", "Угу", False),
        ("", "Ach so", False),
        ("xx", "mhm", False),
        ("en", "Um. Er.", False),
        ("en", "Uh-uh.", True),
        ("pt", "Um.", True),
        ("de", "Er.", True),
        ("da", "Er", True),
        ("no", "Nja.", True),
        ("tr", "Ben.", True),
    ],
)
def test_who_only_listens_says_so_in_their_own_language(language: str, said: str, is_meant: bool) -> None:
    """Sounds are the same in most; without a language the words of every one count."""
    words = phrases(interruption.backchannels(agent(language)))

    assert is_speech(said, words, whole=True) is is_meant


def test_several_languages_have_the_words_of_each() -> None:
    """They take the place of the one."""
    both = replace(agent("en"), transcription_languages=("de", "fr"))

    words = phrases(interruption.backchannels(both))

    assert not is_speech("Ach so", words, whole=True)
    assert not is_speech("Je vois.", words, whole=True)
    assert is_speech("I see.", words, whole=True)


def test_what_is_a_word_in_a_language_that_the_caller_may_speak_is_no_sound() -> None:
    """'One or two?' 'Um.' is an answer in Portuguese, whatever it is in English; without a language anybody
    may speak anything."""
    for languages, is_meant in ((("en", "fr"), False), (("en", "pt-BR"), True), ((), True)):
        spoken = replace(agent(""), transcription_languages=languages)

        words = phrases(interruption.backchannels(spoken))

        assert is_speech("Um.", words, whole=True) is is_meant


def test_every_word_that_means_something_elsewhere_is_of_a_list_and_of_none_where_it_does() -> None:
    """Or the table would say nothing, or contradict the lists."""
    for word, languages in interruption.MEANT_IN.items():
        assert word in {each for words in interruption.WORDS.values() for each in words}
        assert not [each for each in languages if word in interruption.WORDS.get(each, ())]


def test_an_agent_may_have_its_own_words_or_none() -> None:
    """They replace those of the language."""
    own = replace(agent(), confirm=Confirm(backchannels=("right",)))

    assert interruption.backchannels(own) == ("right",)
    assert interruption.backchannels(replace(own, confirm=Confirm(backchannels=()))) == ()


@pytest.mark.parametrize("language", sorted(interruption.WORDS))
def test_every_word_of_the_lists_can_be_said(language: str) -> None:
    """One without a letter would never be found in what is transcribed."""
    for word in interruption.WORDS[language]:
        assert not is_speech(word, phrases([word]), whole=True)
        assert is_speech(word, phrases([]), whole=True)


def test_who_asks_for_a_confirmation_answers_turns_and_interrupts_by_itself() -> None:
    """Unless the table says otherwise, which is then told; single figures are merged."""
    patient = of_file("[default]\nconfirm = { min_ms = 100 }\n[agents.a]\ninterruption = 'confirm'")

    assert (patient.answers_turns, patient.interrupts, patient.server_interrupts) == ("brain", "brain", False)
    assert (patient.confirm.min_ms, patient.confirm.wait_ms) == (100, 2000)
    assert list(interruption.problems(patient)) == []


def test_nothing_of_it_is_asked_of_an_agent_that_is_cut_at_once() -> None:
    """Whatever its other figures are."""
    odd = replace(agent(), confirm=Confirm(wait_ms=300, min_ms=2000), interrupts="server")

    assert list(interruption.problems(odd)) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"answers_turns": "server"}, "answers_turns"),
        ({"interrupts": "server"}, "interrupts"),
        ({"turn_detection": TurnDetection(kind="semantic_vad")}, "interruption"),
        ({"confirm": Confirm(wait_ms=750)}, "confirm.wait_ms"),
    ],
)
def test_what_does_not_go_together_is_told_with_its_key(change: dict[str, Any], key: str) -> None:
    """Each would cut, or answer, what is to be passed over."""
    patient = replace(agent(), interruption="confirm", answers_turns="brain")
    assert list(interruption.problems(patient)) == []

    wrong = replace(patient, **change)

    assert [found for found, _ in interruption.problems(wrong)] == [key]
    (line,) = problems_of({"default": wrong})
    assert line.startswith(f"default.{key}: ")
