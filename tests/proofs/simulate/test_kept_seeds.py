"""Histories that once failed."""

from __future__ import annotations

from proofs.simulate.kept_seeds import KEPT


def test_each_is_kept_once_and_says_why() -> None:
    """One that is there twice would be played twice."""
    assert len({(each.seed, each.kinds) for each in KEPT}) == len(KEPT)
    assert all(each.why.endswith(".") and each.kinds for each in KEPT)
