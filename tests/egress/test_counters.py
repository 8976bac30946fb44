"""The process's totals: calls that are over stay counted, calls that live are counted once."""

from __future__ import annotations

from egress.counters import Totals
from tests.egress.stage import Stage, speech


def test_totals_are_of_the_living_and_the_dead() -> None:
    """One call is over, one lives: the sum has both, however often it is made."""
    over, live = Stage(), Stage()
    for stage in (over, live):
        stage.say(speech(8000))
        stage.run(3000)
    totals = Totals()

    totals.finish(over.call)
    totals.add_up([live.call])
    totals.add_up([live.call])

    assert totals.frames.frames_sent == 100
    assert totals.ledger.echoes == over.call.ledger.counters.echoes * 2
    assert totals.pacer.spurts == 2
