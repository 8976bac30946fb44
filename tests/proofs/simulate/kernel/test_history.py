"""What happened, and one figure for it."""

from __future__ import annotations

from collections.abc import Callable

from proofs.simulate.kernel.history import History


def _written(write: Callable[[History], None]) -> str:
    history = History(lambda: 1.5)
    history.note("one", "begins")
    write(history)
    return history.digest


def test_equal_histories_have_equal_digests() -> None:
    """A line and a byte count, and who they were of."""
    whole = _written(lambda history: history.passed("a", "b", b"bytes"))
    assert whole == _written(lambda history: history.passed("a", "b", b"bytes"))
    assert whole != _written(lambda history: history.passed("a", "b", b"Bytes"))
    assert whole != _written(lambda history: history.passed("b", "a", b"bytes"))
    assert whole != _written(lambda history: history.note("a", "bytes"))


def test_a_line_says_when_and_who() -> None:
    """As people read it."""
    history = History(lambda: 1.5)
    history.note("brain-0", "ready")
    assert history.lines == ["   1.500000 brain-0    ready"]
