"""What the callers of the bench write down."""

from __future__ import annotations

import pytest

from proofs.bench.callers import heard, parser
from proofs.prove.chaos.evidence.coding import MODEL, Voice
from tests.support.record_samples import call, clears, ends, hears, utters

VOICE = Voice(speaker=MODEL, call=0, session=5, response=2, item=1)


def test_a_call_is_written_down_as_it_was_heard() -> None:
    """Times on the host's clock; frames by whose they are."""
    record = call()
    record.zero_ms, record.answered_at_ms = 1000.0, 50.0
    utters(record, 500, 1500)
    hears(record, VOICE.audio(800), 2000)
    record.playout.advance(3000)
    ends(record, 10_000)
    found = heard(record)
    assert (found.began_ms, found.ended_ms, found.turn_ends_ms) == (1050.0, 11_000.0, [2500.0])
    assert found.responses_ms == [500.0]
    assert found.frames == [(5, 2, 1, number) for number in range(5)]
    assert (found.heard_bytes, found.unknown_bytes, found.behind_ms) == (800, 0, [])


def test_an_interruption_counts_to_the_clear() -> None:
    """Or as one that no clear followed."""
    record = call()
    hears(record, VOICE.audio(16_000), 1000)
    utters(record, 1500, 2000, barge_in=True)
    clears(record, 1580)
    utters(record, 5000, 5500, barge_in=True)
    ends(record, 10_000)
    found = heard(record)
    assert (found.barge_ins_ms, found.uncleared, found.clears_ms) == ([80.0], 1, [1580.0])


def test_sound_without_a_code_is_unknown() -> None:
    """Audio that was coded anew."""
    record = call()
    hears(record, b"\x12" * 320, 1000)
    record.playout.advance(2000)
    ends(record, 3000)
    assert heard(record).unknown_bytes == 320


def test_a_call_that_nobody_answered_has_lasted_no_time() -> None:
    """It costs no call-second."""
    record = call()
    record.answered_at_ms, record.ended_at_ms = None, 4000.0
    assert heard(record).began_ms == heard(record).ended_ms


def test_a_pacers_schedule_is_judged_where_there_is_one() -> None:
    """What it held back, after its lead is built up."""
    record = call()
    for number in range(4):
        hears(record, VOICE.audio(160), 1000 + max(0, number * 20 - 40) + (3 if number == 3 else 0))
    assert heard(record, 40.0).behind_ms == [0.0, 3.0]


def test_where_the_calls_go_must_be_said() -> None:
    """Once."""
    rest = ["--calls", "1", "--seconds", "1", "--out", "x"]
    for where in ([], ["--url", "ws://h", "--voice-url", "http://h"]):
        with pytest.raises(SystemExit):
            parser().parse_args([*where, *rest])
    assert parser().parse_args(["--url", "ws://h", *rest]).barge_ins == 0.25
