"""What is hidden: numbers and words, unless a setting shows them."""

from __future__ import annotations

import pytest

from console.web.hiding import DOTS, MASKED_FIELDS, OF_NUMBERS, OF_WORDS, Shows

NEITHER, BOTH = Shows.of(""), Shows.of("numbers, text")


def test_the_setting_is_a_list() -> None:
    """Either, both, neither."""
    assert (NEITHER.text, NEITHER.numbers) == (False, False)
    assert (BOTH.text, BOTH.numbers) == (True, True)
    assert (Shows.of("text").text, Shows.of("text").numbers) == (True, False)


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        ("…89", "…89"),
        ("+15550006789", "…89"),
        ("", ""),
        ("12", "…"),
        ("sip:ann@host", "…"),
        ("anonymous", "…"),
    ],
)
def test_a_number_is_its_end(card: str, shown: str) -> None:
    """However it stands on the card."""
    assert NEITHER.number(card) == shown
    assert BOTH.number(card) == card


def test_words_are_dots() -> None:
    """As many whatever was said: their length would tell something."""
    assert NEITHER.words("My card is lost") == DOTS == NEITHER.words("No")
    assert NEITHER.words("") == ""
    assert BOTH.words("My card is lost") == "My card is lost"


def test_a_card_for_programs_has_no_numbers() -> None:
    """Nor what an agent was told of the caller."""
    card = {"from": "+15550006789", "to": "+15550001122", "called": "+15550001122", "profile": "secret",
            "context": "Ann Smith", "next_arg": "+15550003333", "leg": "1"}  # fmt: skip
    assert NEITHER.card(card) == {"from": "…89", "to": "…22", "leg": "1"}
    assert BOTH.card(card) == card
    numbers = {name: value for name, value in card.items() if name not in OF_WORDS}
    assert Shows.of("numbers").card(card) == numbers
    assert Shows.of("text").card(card) == NEITHER.card(card)
    assert not OF_NUMBERS & MASKED_FIELDS
