"""Under which name a caller's day is kept."""

from __future__ import annotations

import pytest

from shared.contract.admission.callers import CallerNames
from shared.contract.admission.count import NOBODY

NAMES = CallerNames("a token")
NUMBER = "+15550001111"


@pytest.mark.parametrize("spelt", ["15550001111", "+1 (555) 000-1111", "sip:+15550001111@pbx.example.com"])
def test_a_number_has_one_name_however_it_is_spelt(spelt: str) -> None:
    """Carriers differ."""
    assert NAMES.of(spelt) == NAMES.of(NUMBER)


def test_the_name_tells_nothing_of_the_number_without_the_key() -> None:
    """Another deployment has another name for the same caller."""
    name = NAMES.of(NUMBER)
    assert len(name) == 32
    assert "5550001111" not in name
    assert name != CallerNames("another token").of(NUMBER)
    assert name != NAMES.of("+15550001112")


@pytest.mark.parametrize("person", ["", "anonymous", "client:alice", "+266696687", "Restricted"])
def test_who_shows_no_number_has_no_name(person: str) -> None:
    """All who withhold it would share one day."""
    assert NAMES.of(person) == NOBODY
