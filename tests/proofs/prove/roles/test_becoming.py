"""How a process of the proofs becomes a role."""

from __future__ import annotations

import sys

import pytest

from proofs.prove.roles import becoming
from shared.contract.worker import ROLES


@pytest.mark.parametrize(("words", "got"), [([], "got nothing"), (["cook"], "got cook")])
def test_it_must_be_told_which_role(monkeypatch: pytest.MonkeyPatch, words: list[str], got: str) -> None:
    """And says which ones there are."""
    monkeypatch.setattr(sys, "argv", ["wrapper", *words])
    with pytest.raises(SystemExit, match=f"mine: expected one of ingress, brain, egress .* {got}"):
        becoming.named_role("mine")


def test_the_role_is_taken_off_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is the role's own."""
    monkeypatch.setattr(sys, "argv", ["wrapper", "brain", "--number", "1"])
    assert becoming.named_role("mine") == "brain"
    assert sys.argv == ["wrapper", "--number", "1"]


def test_each_role_has_a_command() -> None:
    """Which supervisord numbers."""
    made = becoming.commands("a.module")
    assert tuple(made) == ROLES
    assert made["brain"] == f"{sys.executable} -m a.module brain --number %(process_num)d"
