"""How the model keeps up, with literal times."""

from __future__ import annotations

from brain.call.window import ModelWindow


def test_silence_counts_only_while_something_is_owed() -> None:
    """From when it is owed, or from the last sign since."""
    window = ModelWindow(0.0)
    window.look(5_000.0, owes=False)
    window.look(6_000.0, owes=True, since_ms=5_800.0)
    window.look(7_500.0, owes=True)
    window.sign(7_600.0, 100.0)
    window.look(8_000.0, owes=True)

    assert window.take(8_000.0) == {"quiet": 1_800, "rate": 12.5, "skipped": 0}


def test_a_window_begins_anew() -> None:
    """The wait that goes on is measured from its beginning, the audio from the window's."""
    window = ModelWindow(0.0)
    window.look(1_000.0, owes=True)
    window.sign(1_000.0, 5_000.0)
    window.take(3_000.0)
    window.look(4_000.0, owes=True)

    assert window.take(6_000.0) == {"quiet": 3_000, "rate": 0.0, "skipped": 0}


def test_what_is_answered_is_not_owed_any_more() -> None:
    """The next question has its own clock."""
    window = ModelWindow(0.0)
    window.look(1_000.0, owes=True)
    window.look(2_000.0, owes=False)
    window.look(9_000.0, owes=True)
    window.look(9_500.0, owes=True)

    assert window.take(10_000.0)["quiet"] == 500


def test_a_silence_that_ends_between_two_looks_has_its_whole_length() -> None:
    """Twice a second is too coarse for a limit of two."""
    window = ModelWindow(0.0)
    window.look(1_000.0, owes=True)
    window.look(3_000.0, owes=True)
    window.sign(3_400.0)
    window.look(3_500.0, owes=True)

    assert window.take(3_500.0)["quiet"] == 2_400


def test_the_time_of_a_tool_is_not_the_models() -> None:
    """The answer is due since the caller's turn, but while the tool ran the model owed nothing."""
    window = ModelWindow(0.0)
    window.look(1_000.0, owes=True, since_ms=900.0)
    window.sign(1_200.0)
    for at in range(1_500, 6_500, 500):
        window.look(float(at), owes=False)
    window.look(6_500.0, owes=True, since_ms=900.0)

    assert window.take(6_500.0)["quiet"] == 500


def test_what_was_not_admitted_is_counted_in_its_window() -> None:
    """Pieces of audio."""
    window = ModelWindow(0.0)
    window.skipped()

    assert [window.take(at)["skipped"] for at in (3_000.0, 6_000.0)] == [1, 0]
