"""The words for what sound is owed for."""

from __future__ import annotations

from shared.contract.owed import CAUSES, DebtCause, NoWord


def test_one_word_means_one_thing() -> None:
    """A metric has one label of each; a brain's word is never taken for ingress's own."""
    assert len(set(map(str, CAUSES))) == len(DebtCause) + len(NoWord) == len(CAUSES)
