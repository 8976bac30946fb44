"""The command: what it prints, and how it ends."""

from __future__ import annotations

import pytest

from proofs.prove.states.ownership import command


def test_a_kind_is_walked_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the depth that was asked for."""
    monkeypatch.setattr("sys.argv", ["prove", "--kind", "failures", "--depth", "4"])

    assert command.main() == 0

    assert "to depth 4: no violation" in capsys.readouterr().out


def test_a_whole_walk_says_that_nothing_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However deep one went."""
    monkeypatch.setattr("sys.argv", ["prove", "--kind", "failures", "--depth", "99", "--faults", "1"])

    assert command.main() == 0

    assert "all there are" in capsys.readouterr().out
