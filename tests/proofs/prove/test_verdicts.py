"""The judgement of verdicts: right, soon, once, and nobody else blamed."""

from __future__ import annotations

import pytest

from proofs.prove.faults import Fault, FinishedCall
from proofs.prove.verdicts import WITHIN_MS, Outcome, broken, judge, row
from tests.support.record_samples import call, line

FAULT = Fault(name="slow Redis", verdict="redis_slow", concerns=lambda made: made.number == 0)


def outcome(*lines: object, number: int = 0) -> Outcome:
    """What became of one call with this journal; the fault was injected at 1000."""
    found = Outcome()
    journal = [dict(each) for each in lines]  # type: ignore[call-overload]
    judge(found, FAULT, FinishedCall(number, call(), {}, journal, False), 1000.0)
    return found


def verdict(at_ms: float, name: str = "redis_slow") -> object:
    return line("verdict", int(at_ms), verdict=name, why="because")


def test_the_right_verdict_in_time_is_named() -> None:
    """With its delay; nothing is broken."""
    found = outcome(verdict(1000 + WITHIN_MS), line("verdict_over", 9000))

    assert broken(found) == []
    assert row(FAULT, found) == ("slow Redis", "redis_slow", "1 of 1", f"{WITHIN_MS:.0f}", "1", "0 of 0")


@pytest.mark.parametrize(
    "lines",
    [(), (verdict(1001 + WITHIN_MS),), (verdict(1500, "model_slow"),)],
    ids=["no verdict", "too late", "another one"],
)
def test_no_a_late_or_a_wrong_verdict_breaks_the_promise(lines: tuple[object, ...]) -> None:
    """One sentence for all three; the lines below it tell which."""
    found = outcome(*lines)

    assert broken(found) == ["1 of 1 calls got no, a wrong or a late verdict"]
    assert found.named == 0
    assert row(FAULT, found)[3] == "–"


@pytest.mark.parametrize("between", [(), (line("verdict_over", 1600),)], ids=["no end", "an end between"])
def test_a_second_warning_in_one_episode_breaks_the_promise(between: tuple[object, ...]) -> None:
    """This fault has one episode, whether the verdict said in between that it was over or not."""
    found = outcome(verdict(1500), *between, verdict(1700))

    assert broken(found) == ["1 calls were warned of twice in one episode"]


def test_a_call_without_the_fault_is_not_to_be_blamed() -> None:
    """It counts among the others."""
    fine, blamed = outcome(number=1), outcome(verdict(1500), number=1)

    assert (fine.others, fine.concerned, fine.others_blamed) == (1, 0, [])
    assert "1 verdicts on calls without a fault" in broken(blamed)
    assert blamed.others_blamed == ["CA1: redis_slow, because"]


def test_a_fault_that_nobody_felt_proves_nothing() -> None:
    """So it is a broken promise."""
    assert broken(Outcome()) == ["no call was concerned"]
