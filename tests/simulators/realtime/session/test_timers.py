"""The heap of due times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulators.realtime.session.timers import Timers


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 60))
def test_everything_due_fires_in_order_and_nothing_else(due: list[int], now_ms: int) -> None:
    """By due time, equal ones in the order of setting, each told its own due time."""
    timers = Timers()
    fired: list[tuple[float, int]] = []
    for number, due_at_ms in enumerate(due):
        timers.at(due_at_ms, lambda at_ms, number=number: fired.append((at_ms, number)))
    timers.fire(now_ms)
    expected = sorted((at_ms, number) for number, at_ms in enumerate(due))
    assert fired == [entry for entry in expected if entry[0] <= now_ms]
    waiting = [at_ms for at_ms in due if at_ms > now_ms]
    assert timers.next_due_at_ms() == (min(waiting) if waiting else None)


def test_what_a_callback_sets_fires_too_when_due() -> None:
    """A late driver catches up with a whole chain."""
    timers = Timers()
    fired: list[float] = []

    def again(at_ms: float) -> None:
        fired.append(at_ms)
        timers.at(at_ms + 10, again)

    timers.at(10, again)
    timers.fire(35)
    assert fired == [10, 20, 30]
    assert timers.next_due_at_ms() == 40
