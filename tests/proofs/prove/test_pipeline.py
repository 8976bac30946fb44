"""What `make prove-pipeline` promises; whether it is kept is tried by the command itself."""

from __future__ import annotations

import pytest

from proofs.measure.load import LoadFigures
from proofs.prove.pipeline import LATENESS_LIMIT_MS, broken_promises


def figures(**more: object) -> LoadFigures:
    return LoadFigures(calls=20, call_seconds=1200.0, **more)  # type: ignore[arg-type]


def test_a_good_run_breaks_nothing() -> None:
    """Lateness may come up to its limit; holes and slow answers are printed, not judged."""
    good = figures(utterances=90, answered=90, items=100, gaps=3, lateness_p99_ms=LATENESS_LIMIT_MS)
    assert broken_promises(good) == []


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"lost_turns": 2}, "2 turns of callers were lost"),
        ({"stale_frames": 1}, "1 frames of interrupted replies were heard"),
        ({"mixed_up": 1}, "1 callers heard another call"),
        ({"lateness_p99_ms": LATENESS_LIMIT_MS + 0.1}, "lateness p99 was 20.1 ms"),
        ({"twilio_violations": 4}, "Twilio complained 4 times"),
        ({"model_violations": 5}, "the model complained 5 times"),
        ({"truncations_refused": 6}, "6 truncations were refused"),
        ({"failures": ["CA1 heard nothing"]}, "1 callers waited in vain: ['CA1 heard nothing']"),
    ],
)
def test_each_broken_promise_is_a_sentence(fault: dict[str, object], sentence: str) -> None:
    """And only the one that was broken."""
    assert broken_promises(figures(**fault)) == [sentence]


def test_items_that_were_not_heard_are_named() -> None:
    """The first five of them, after the sentence that counts all."""
    told = broken_promises(figures(unheard=[f"item_{number}" for number in range(9)]))

    assert told == ["9 uninterrupted items were not heard whole", *(f"item_{number}" for number in range(5))]
