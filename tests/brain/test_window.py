"""How the model keeps up, with literal times."""

from __future__ import annotations

from brain.window import ModelWindow


def test_silence_counts_only_while_something_is_owed() -> None:
    """From when it is owed, or from the last sign since."""
    window = ModelWindow(0.0)
    window.look(5_000.0, owes=False)
    window.look(6_000.0, owes=True, since_ms=5_800.0)
    window.look(7_500.0, owes=True)
    window.sign(7_600.0, 100.0)
    window.look(8_000.0, owes=True)

    assert window.take(8_000.0) == {"quiet": 1_700, "rate": 12.5}


def test_a_window_begins_anew() -> None:
    """The wait that goes on is measured from its beginning, the audio from the window's."""
    window = ModelWindow(0.0)
    window.look(1_000.0, owes=True)
    window.sign(1_000.0, 5_000.0)
    window.take(3_000.0)
    window.look(4_000.0, owes=True)

    assert window.take(6_000.0) == {"quiet": 3_000, "rate": 0.0}


def test_what_is_answered_is_not_owed_any_more() -> None:
    """The next question has its own clock."""
    window = ModelWindow(0.0)
    window.look(1_000.0, owes=True)
    window.look(2_000.0, owes=False)
    window.look(9_000.0, owes=True)
    window.look(9_500.0, owes=True)

    assert window.take(10_000.0)["quiet"] == 500
