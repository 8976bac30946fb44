"""The process's totals: calls that are over stay counted, calls that live are counted once."""

from __future__ import annotations

from egress.counters import Totals, Windows
from shared.figures.diagnosis import Figures, Verdict
from tests.egress.stage import Stage, speech


def test_totals_are_of_the_living_and_the_dead() -> None:
    """One call is over, one lives: the sum has both, however often it is made."""
    over, live = Stage(), Stage()
    for stage in (over, live):
        stage.say(speech(8000))
        stage.run(3000)
    totals = Totals()

    totals.finish(over.delivery)
    totals.add_up([live.delivery])
    totals.add_up([live.delivery])

    assert totals.frames.frames_sent == 100
    assert totals.ledger.echoes == over.delivery.ledger.counters.echoes * 2
    assert totals.pacer.spurts == 2


def test_a_window_is_one_value_of_each_backlog() -> None:
    """And its verdict is counted, also one of a role."""
    windows = Windows()
    figures = Figures(roles=(), is_playing=True, tx_q_frames=10, reply_q_ms=900.0, caller_q_frames=3)

    windows.observe(figures, Verdict("cpu(brain)"))

    assert windows.verdicts["cpu(brain)"] == 1
    assert (windows.tx_queue_ms.sum, windows.tx_queue_ms.count) == (200, 1)
    assert (windows.reply_waiting_ms.sum, windows.caller_queue_frames.sum) == (900, 3)
