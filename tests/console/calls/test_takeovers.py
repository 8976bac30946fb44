"""How often a call has changed hands, from whatever stands on its card."""

from __future__ import annotations

from console.calls import takeovers


def test_only_roles_that_were_claimed_again_are_told() -> None:
    """The first owner is no news."""
    assert takeovers.claims_in_words({"brain_claims": "3", "egress_claims": "1"}) == "brain 3 times"
    assert takeovers.claims_in_words({}) == ""


def test_what_cannot_be_read_is_none() -> None:
    """A card may hold anything."""
    spoilt = {"brain_claims": "²", "egress_claims": "-1"}
    assert takeovers.claims(spoilt) == {"brain": 0, "egress": 0}
    assert takeovers.ends_as({"deadline_outcome": "abandoned"}) == "abandoned"
    assert takeovers.ends_as(spoilt) == ""
