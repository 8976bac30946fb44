"""The busy role process; that it is busy is judged by `make prove-operations`."""

from __future__ import annotations

import sys

import pytest

from proofs.prove.roles import busy


@pytest.mark.parametrize(("words", "got"), [([], "got nothing"), (["cook"], "got cook")])
def test_it_must_be_told_which_role(monkeypatch: pytest.MonkeyPatch, words: list[str], got: str) -> None:
    """And says which ones there are."""
    monkeypatch.setattr(sys, "argv", ["busy", *words])
    with pytest.raises(SystemExit, match=f"expected one of ingress, brain, egress .* {got}"):
        busy.main()
