"""Words and arguments that say the same."""

from __future__ import annotations

import pytest

from console.trial.matching import call_written, has_phrase, lacks, plain


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Yes, we have THREE in stock!", "three in stock"),
        ("It’s gone.", "its gone"),
        ("We don't know.", "don’t know"),
        ("Ｔｈｒｅｅ", "three"),
        ("שָׁלוֹם לך", "שלום"),
        ("我们有三辆自行车", "三辆"),
        ("At 9:30.", "9 30"),
    ],
)
def test_what_is_said(text: str, phrase: str) -> None:
    """Whatever the case, the punctuation, the marks above letters, the blanks that a script does not have."""
    assert has_phrase(text, phrase)


@pytest.mark.parametrize(
    ("text", "phrase"), [("nowhere", "no"), ("in the stocks", "stock"), ("three", "three in"), ("x", "…")]
)
def test_what_is_not_said(text: str, phrase: str) -> None:
    """A part of a word is another word."""
    assert not has_phrase(text, phrase)


def test_plain_is_letters_digits_and_single_blanks() -> None:
    """One form for both sides."""
    assert plain("  Hello,\n WORLD  42 ") == "hello world 42"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"model": " kestrel", "n": 3}', {"model": "Kestrel"}),
        ('{"n": 3.0}', {"n": 3}),
        ('{"a": {"b": 1, "c": 2}}', {"a": {"b": 1}}),
        ('{"a": [1, "x"]}', {"a": [1, "X"]}),
        ('{"a": true}', {"a": True}),
        ("", {}),
        ("nonsense", {}),
    ],
)
def test_arguments_that_are_as_expected(arguments: str, expected: dict[str, object]) -> None:
    """What else there is does not matter."""
    assert lacks(arguments, expected) == []


@pytest.mark.parametrize(
    ("arguments", "expected", "lacking"),
    [
        ('{"model": "Falcon"}', {"model": "Kestrel"}, ['model is "Falcon"']),
        ("{}", {"model": "Kestrel"}, ["model is missing"]),
        ('{"a": 1}', {"a": True}, ["a is 1"]),
        ('{"a": true}', {"a": 1}, ["a is true"]),
        ('{"a": [1]}', {"a": [1, 2]}, ["a is [1]"]),
        ('{"a": "x"}', {"a": {"b": 1}}, ['a is "x"']),
        ('{"a": {"c": 1}}', {"a": {"b": 1}}, ['a is {"c": 1}']),
        ("nonsense", {"a": 1}, ["the arguments are no JSON: nonsense"]),
        ("[1]", {"a": 1}, ["the arguments are no object: [1]"]),
    ],
)
def test_arguments_that_are_not(arguments: str, expected: dict[str, object], lacking: list[str]) -> None:
    """Told by name."""
    assert lacks(arguments, expected) == lacking


def test_a_call_as_one_would_write_it() -> None:
    """Texts in quotes, other scripts as they are."""
    assert call_written("stock", {"model": "שלום", "n": 1}) == 'stock(model="שלום", n=1)'
