"""The command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from proofs.prove.chaos.command import LATE_MS, Run, main
from proofs.prove.chaos.evidence.shapes import Evidence, dumped
from proofs.prove.chaos.rows import chosen
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


@pytest.mark.parametrize(
    ("late_ms", "is_torn", "said"),
    [
        (LATE_MS + 1, True, [True, True, False]),
        (LATE_MS, True, [False, False, False]),
        (LATE_MS + 1, False, [False, False, False]),
    ],
)
async def test_a_row_is_played_again_if_it_is_broken_and_the_simulators_were_late(
    tmp_path: Path, late_ms: float, is_torn: bool, said: list[bool]
) -> None:
    """Three times at most; then it is broken."""
    call = replace(made.healthy(), simulator_late_ms=late_ms)
    if is_torn:
        call.heard.extend(made.heard(1, 1, 9_100.0, range(90, 100)))
    (row,) = chosen("full", [NAME])[:1]
    run = Run(Console(), tmp_path, seed=1)

    assert [await run.record(row, made.row(call)) for _ in range(3)] == said
    assert len(run.results) == said.count(False)
    assert bool(run.results[-1].broken) is is_torn


def test_the_rows_of_redis_are_listed_by_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    """In each shape."""
    assert main(["--list", "--redis"]) == 0
    said = capsys.readouterr().out
    assert "cluster-moved" in said
    assert NAME not in said


def test_a_part_of_no_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """In words."""
    with pytest.raises(SystemExit):
        main(["--only", "nonsense"])
    assert "got 'nonsense'" in capsys.readouterr().err
