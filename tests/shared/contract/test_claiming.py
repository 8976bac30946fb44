"""The answers of a claim, as shapes. On a real server: tests/shared/ownership/test_steps.py."""

from __future__ import annotations

import pytest

from shared.contract import claiming
from shared.contract.claiming import Claim
from shared.contract.lua.scripts import Answer, Refusal


def test_a_claim_has_the_card_with_it() -> None:
    """A view is made of it without another round trip; before it stands the caller's number, for a brain."""
    found = claiming.read_claim([b"OK", b"3", b"+15550001111", b"leg", b"1"])
    assert found == Claim(Answer.OK, 3, {"leg": "1"}, "+15550001111")
    assert "+15550001111" not in repr(found)
    assert claiming.read_claim([b"FENCED", b"brain-1@h#1", b"4"]) == Claim(
        Answer.FENCED, 0, {}, refusal=Refusal(Answer.FENCED, "brain-1@h#1", 4)
    )


def test_what_is_no_answer_is_refused() -> None:
    """ValueError, not a shape with empty fields."""
    with pytest.raises(ValueError, match=r"expected|not a valid|invalid"):
        claiming.read_claim([b"WHAT"])


def test_workers_have_numbers_of_their_own() -> None:
    """Also two boots of one instance."""
    numbers = {claiming.own_number(f"brain-0@h#{boot:06x}") for boot in range(50)}
    assert len(numbers) > 45
    assert all(0 <= number < claiming.OWN_NUMBERS for number in numbers)
