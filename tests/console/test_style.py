"""Text in both directions, and the console that it is printed on."""

from __future__ import annotations

import pytest

from console.style import is_right_to_left, isolated, make_console


@pytest.mark.parametrize("text", ["שלום, מה שלומך?", "مرحبا", "order 4217: ארבע"])
def test_right_to_left_text_is_isolated(text: str) -> None:
    """Between FSI and PDI, untouched inside: the line around it keeps its order."""
    assert isolated(text) == f"\u2068{text}\u2069"


@pytest.mark.parametrize("text", ["Hello.", "4217", "", "Grüße, Ελλάδα"])
def test_other_text_is_left_alone(text: str) -> None:
    """Some terminals print the marks."""
    assert isolated(text) == text


def test_direction_is_that_of_the_first_letter_that_has_one() -> None:
    """Digits and signs have none."""
    assert is_right_to_left("42: שלום and so on")
    assert not is_right_to_left("42: so שלום")
    assert not is_right_to_left("42")


def test_lines_of_a_pipe_are_as_long_as_a_table_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs like grep and people who redirect get whole rows."""
    make_console().print("x" * 150)
    assert capsys.readouterr().out == "x" * 150 + "\n"


def test_what_is_printed_stays_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys are no emoji, numbers get no colour."""
    make_console().print("tl:back:egress-0@h#1 42")
    assert capsys.readouterr().out == "tl:back:egress-0@h#1 42\n"
