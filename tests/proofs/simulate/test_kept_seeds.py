"""Seeds that once failed."""

from __future__ import annotations

from proofs.simulate.kept_seeds import KEPT


def test_each_is_kept_once() -> None:
    """A seed twice would be played twice."""
    assert len(set(KEPT)) == len(KEPT)
