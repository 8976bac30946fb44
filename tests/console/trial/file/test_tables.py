"""A table that is asked for what it may say."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from console.trial.file.tables import Table


def table(text: str) -> Table:
    return Table(tomllib.loads(text), (), [], text)


def said(made: Table) -> list[str]:
    return [words for _, words in made.problems]


def test_what_is_right_is_no_problem() -> None:
    """Each kind of value; what is missing has its default."""
    made = table('a = "x"\nb = ["x", "y"]\nc = 2\nd = true\n[e]\nf = 1')
    assert (made.words("a"), made.list_of_words("b"), made.list_of_words("a")) == ("x", ("x", "y"), ("x",))
    assert (made.number("c", 1.0, 3.0), made.flag("d")) == (2.0, True)
    inner = made.inner("e")
    assert inner is not None
    assert inner.number("f", 0.0, 5.0) == 1.0
    assert (made.words("n"), made.number("n", 7.0, 9.0), made.flag("n")) == ("", 7.0, False)
    assert made.inner("n") is None
    made.close()
    inner.close()
    assert said(made) == []


@pytest.mark.parametrize(
    ("value", "ask", "words"),
    [
        ("1", "words", "a: expected a text, got 1."),
        ('"  "', "words", "a: expected a text, got '  '."),
        ("[]", "list_of_words", "a: expected a text, or a list of texts, got []."),
        ('["x", 1]', "list_of_words", "a: expected a text, or a list of texts, got ['x', 1]."),
        ("1", "flag", "a: expected true or false, got 1."),
        ("1", "inner", "a: expected a table, got 1."),
    ],
)
def test_what_is_wrong_is_said(value: str, ask: str, words: str) -> None:
    """What was expected, what came."""
    made = table(f"a = {value}")
    asks: dict[str, Callable[[str], object]] = {
        "words": made.words,
        "list_of_words": made.list_of_words,
        "flag": made.flag,
        "inner": made.inner,
    }
    asks[ask]("a")
    assert said(made) == [words]


@pytest.mark.parametrize("value", ["0", "-1", "10.5", "true", '"1"', "nan", "inf"])
def test_a_number_out_of_bounds(value: str) -> None:
    """Above 0, up to what makes sense."""
    made = table(f"a = {value}")
    assert made.number("a", 4.0, 10.0) == 4.0
    assert said(made)[0].startswith("a: expected a number above 0, up to 10, got ")


def test_a_key_that_nobody_knows() -> None:
    """With the one that may be meant, else with all that there are."""
    made = table("witin_s = 1\nx = 2")
    made.has("within_s")
    made.close()
    assert said(made) == [
        "witin_s: there is no such key. Did you mean within_s?",
        "x: there is no such key. Known are: within_s.",
    ]
    assert [path for path, _ in made.problems] == [("witin_s",), ("x",)]


def test_a_long_value_is_shown_in_part() -> None:
    """A message is a line."""
    made = table(f'a = ["{"x" * 500}", 1]')
    made.list_of_words("a")
    assert len(said(made)[0]) < 150
