"""Callers, faults and judgement in one run."""

from __future__ import annotations

import pytest

from proofs.simulate.faults import Fault, What
from proofs.simulate.kernel.virtual import MONOTONIC_AT_START_S
from proofs.simulate.limits import Limits
from proofs.simulate.play import Story, _came_in_vain
from proofs.simulate.run import Outcome, run_apart
from proofs.simulate.world import WorldOptions

pytestmark = pytest.mark.timeout(120)


def play(story: Story, *, workers: int = 1) -> Outcome:
    """One run."""
    return run_apart(WorldOptions(seed=story.seed, workers=workers), story.play)


def test_a_calm_call_keeps_every_promise_and_is_the_same_again() -> None:
    """From the ring to the end, byte by byte."""
    story = Story(seed=7, calls=1, seconds=12.0)
    one, other = play(story), play(story)
    assert one.broken == []
    assert one.lines == other.lines
    assert one.digest == other.digest
    assert one.virtual_s > 20


def test_another_seed_is_another_history() -> None:
    """What is drawn differs, so what passes does."""
    one, other = play(Story(seed=1, calls=1, seconds=5.0)), play(Story(seed=2, calls=1, seconds=5.0))
    assert one.digest != other.digest


@pytest.mark.parametrize("what", [What.RESET, What.CUT, What.FREEZE, What.CRASH, What.EMPTY])
def test_a_fault_of_redis_passes_at_the_ear(what: What) -> None:
    """A second of it in the middle of a call breaks no promise."""
    lasts_s = 0.0 if what is What.RESET else 1.0
    target = "egress-0" if what in (What.RESET, What.CUT) else ""
    outcome = play(Story(seed=5, calls=1, seconds=15.0, faults=[Fault(6.0, what, target, lasts_s)]))
    assert any(f"fault   6.00 s {what}" in line for line in outcome.lines)
    assert outcome.broken == []


def test_what_is_promised_can_be_broken() -> None:
    """Redis is frozen for longer than a caller bears, with limits that nothing would keep."""
    story = Story(
        seed=5,
        calls=1,
        seconds=15.0,
        faults=[Fault(6.0, What.FREEZE, "", 3.0)],
        limits=Limits(quiet_ms=100.0, wait_ms=100.0),
    )
    assert any("silence of" in sentence for sentence in play(story).broken)


def test_a_call_that_came_in_vain() -> None:
    """Its webhook found no Redis, in an outage that is longer than such a call waits."""
    line = " 7.500000 ingress-0  error webhook_without_redis call=CA1 reason=ConnectionError"

    def is_excused(what: What, lasts_s: float, sid: str = "CA1") -> bool:
        return _came_in_vain([Fault(6.0, what, "", lasts_s)], [line], sid, MONOTONIC_AT_START_S)

    assert is_excused(What.CRASH, 2.5)
    assert not is_excused(What.CRASH, 1.5)
    assert not is_excused(What.SLOW, 2.5)
    assert not is_excused(What.CRASH, 2.5, "CA2")
