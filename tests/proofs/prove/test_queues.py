"""What `make prove-queues` promises; whether it is kept is tried by the command itself."""

from __future__ import annotations

from proofs.measure.queues import Samples
from proofs.prove.queues import CALLER_P95_FRAMES, broken_promises


def sampled(length: int, *, reply_left_s: float = 0.0) -> Samples:
    """A hundred looks at one length."""
    samples = Samples(reply_left_s=reply_left_s)
    for _ in range(100):
        samples.note("caller", length)
    return samples


def test_a_healthy_run_breaks_nothing() -> None:
    """At the limit too."""
    assert broken_promises(sampled(CALLER_P95_FRAMES, reply_left_s=1.0)) == []


def test_each_broken_promise_is_a_sentence() -> None:
    """A queue that is too long, a reply that stays, and a run in which there was nothing to look at."""
    assert broken_promises(sampled(CALLER_P95_FRAMES + 1)) == ["p95 of caller was 7 frames"]
    assert broken_promises(sampled(0, reply_left_s=1.5)) == [
        "a reply stood in its stream for 1.5 s after it was heard out"
    ]
    assert broken_promises(Samples()) == ["no call was sampled"]
