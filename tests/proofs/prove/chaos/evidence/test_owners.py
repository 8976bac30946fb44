"""How many workers had a role of a call."""

from __future__ import annotations

from dataclasses import replace

from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.evidence.owners import owners
from tests.proofs.prove.chaos.evidence import made


def test_a_call_that_was_taken_from_the_living_is_found() -> None:
    """Where the row asks for it; the role and the count are said."""
    call = replace(
        made.healthy(), owners={"brain": ["brain-0@a#1", "brain-1@a#1"], "egress": ["egress-0@a#1"]}
    )

    found = list(owners(call, Bounds(silence_ms=0, owners=1)))

    assert [(each.what, each.figure, each.is_broken) for each in found] == [
        ("workers that had brain", 2, True),
        ("workers that had egress", 1, False),
    ]
    assert not list(owners(call, Bounds(silence_ms=0)))
