"""What the sequencers' journal lines are counted as."""

from __future__ import annotations

from brain.counters import SequencerCounters
from brain.sequencer.door import Gate
from shared.contract.streams.journal import Kind


def test_a_wish_ends_in_one_way() -> None:
    """By the status of its response, or without one."""
    counters = SequencerCounters()
    for status in ("completed", "cancelled", "failed", "incomplete"):
        counters.note(Kind.RESPONSE_DONE, status=status, wish="3")
    counters.note(Kind.RESPONSE_DONE, status="completed", wish="0")
    counters.note(Kind.RESPONSE_SUPERSEDED, reason="turn")
    counters.note(Kind.RESPONSE_EXPIRED, reason="turn")

    assert counters.wishes == {"spoken": 1, "cut_short": 1, "failed": 2, "superseded": 1, "expired": 1}
    assert counters.responses == {"completed": 2, "cancelled": 1, "failed": 1, "incomplete": 1, "other": 0}


def test_deferrals_refusals_and_flushes_have_their_reason() -> None:
    """Words that the model's server may invent are `other`; a line of another kind is no figure."""
    counters = SequencerCounters()
    counters.note(Kind.RESPONSE_DEFERRED, gate=Gate.CALLER)
    counters.note(Kind.REFUSED, what="create")
    counters.note(Kind.FLUSH, cause="speech")
    counters.note(Kind.FLUSH, cause="a new one")
    counters.note(Kind.ERROR, what="done_missing")
    counters.note(Kind.AUDIBLE, response="r")

    assert counters.deferrals["caller"] == 1
    assert counters.refusals["create"] == 1
    assert (counters.flushes["speech"], counters.flushes["other"]) == (1, 1)
    assert counters.errors == 1
