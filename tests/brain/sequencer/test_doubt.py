"""Which words of a caller are meant, and which only show that they listen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.sequencer.doubt import is_speech, phrases

LISTENING = phrases(["mm-hm", "mm", "uh huh", "okay", "I see", "d'accord", "אהא", "כן כן"])


@pytest.mark.parametrize(
    "text",
    [
        "Mm-hm.", "mm hm", "Mmmm.", "Mmm-hmm…", "MM-HM, mm-hm", "Uh-huh, okay.", "Okay. I see.", "D'accord !",
        "אהא", "אההא.", "כן, כן", "", "  ", "...", "—",
    ],
)  # fmt: skip
def test_backchannels_are_no_speech(text: str) -> None:
    """In any case, with any punctuation, however long they are drawn out, one after another."""
    assert not is_speech(text, LISTENING, whole=True)


@pytest.mark.parametrize(
    "text", ["Stop.", "Mm-hm, but wait.", "Okay, no.", "I saw.", "see", "uh", "כן", "42", "mm-hm 4"]
)
def test_any_other_word_is(text: str) -> None:
    """Also half of a backchannel that has two words, and a number."""
    assert is_speech(text, LISTENING, whole=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("m", False), ("mm-", False), ("mm-hm", False), ("mm-hm w", False), ("mm-hm wait", False),
        ("mm-hm wait ", True), ("mm-hm wait.", True), ("I ", False), ("I s", False), ("I saw ", True),
        ("stop", False), ("stop ", True), ("stop now", True),
    ],
)  # fmt: skip
def test_of_a_text_that_grows_only_whole_words_count(text: str, found: bool) -> None:
    """The last one may be half of another, and a word may be the first of a backchannel of two."""
    assert is_speech(text, LISTENING, whole=False) == found


def test_without_backchannels_every_word_is_speech() -> None:
    """An agent that has none."""
    assert is_speech("mm", phrases([]), whole=True)
    assert not is_speech("", phrases([]), whole=True)


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_is_speech_while_it_grows_is_speech_in_the_end(text: str, more: str) -> None:
    """Nothing that follows takes a word back: an interruption is not withdrawn. (But for letters that a text
    gets when it is joined.)"""
    if is_speech(f"{text} ", LISTENING, whole=False):
        assert is_speech(f"{text} {more}", LISTENING, whole=True)
