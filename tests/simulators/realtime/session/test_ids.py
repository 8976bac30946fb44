"""Shapes of ids."""

from __future__ import annotations

from random import Random

import pytest

from simulators.realtime.session.ids import IdMinter


@pytest.mark.parametrize(("prefix", "length"), [("item", 21), ("resp", 21), ("call", 16)])
def test_shape_and_uniqueness(prefix: str, length: int) -> None:
    """Prefix, underscore, the recorded number of characters; never the same twice."""
    minter = IdMinter(Random(1))
    ids = [minter.mint(prefix) for _ in range(5000)]
    assert len(set(ids)) == 5000
    assert {len(item) for item in ids} == {len(prefix) + 1 + length}


def test_two_sessions_share_no_id() -> None:
    """The random stem tells sessions apart."""
    assert IdMinter(Random(1)).mint("item") != IdMinter(Random(2)).mint("item")
