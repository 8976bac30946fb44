"""The command."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.prove.chaos.command import main
from proofs.prove.chaos.evidence.shapes import Evidence, dumped
from tests.proofs.prove.chaos.evidence import made

NAME = "killed-egress-model"


def record(folder: Path, evidence: Evidence) -> None:
    """As a run leaves it."""
    (folder / f"{NAME}.json").write_bytes(dumped(evidence))


def test_rows_are_listed_without_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, fault and step."""
    assert main(["--list", "--only", NAME]) == 0
    assert "egress killed, of two; model speaks" in capsys.readouterr().out


def test_a_record_is_judged_again_without_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Kept rows end with 0."""
    record(tmp_path, made.row(made.healthy()))
    assert main(["--check", "--only", NAME, "--keep", str(tmp_path)]) == 0
    assert "1 of 1 rows kept" in capsys.readouterr().out


def test_what_was_broken_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And ends with 1."""
    call = made.healthy()
    call.heard.extend(made.heard(1, 1, 9_100.0, range(90, 100)))
    record(tmp_path, made.row(call))
    assert main(["--check", "--only", NAME, "--keep", str(tmp_path)]) == 1
    assert "broken: killed-egress-model: I1, words heard twice: 200 ms" in capsys.readouterr().out


def test_a_part_of_no_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In words."""
    with pytest.raises(SystemExit):
        main(["--only", "nonsense"])
    assert "got 'nonsense'" in capsys.readouterr().err
