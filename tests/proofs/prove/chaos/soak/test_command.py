"""The command."""

from __future__ import annotations

import pytest

from proofs.prove.chaos.evidence.shapes import Census, Evidence
from proofs.prove.chaos.soak.command import main, whole


def test_what_a_seed_draws_is_listed_without_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, kind, fault and step."""
    assert main(["--list", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 40
    assert {line.split()[1] for line in lines} == {"process", "Redis", "model", "network"}


def test_what_all_faults_leave_is_held_against_the_beginning() -> None:
    """Not only what each of them leaves: a little of each is much after all."""
    began, middle, ended = (Census(fds={"brain-0": count}) for count in (20, 26, 32))
    first = Evidence(row="001-a", seed=1, before=began, after=middle)
    last = Evidence(row="040-b", seed=1, before=middle, after=ended)
    assert whole(first, first, 60.0).broken == []
    (broken,) = whole(first, last, 1_200.0).broken
    assert broken.startswith("I6, descriptors: 32, allowed 28")
