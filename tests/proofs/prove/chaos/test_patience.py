"""When a caller goes on."""

from __future__ import annotations

from typing import cast

from proofs.prove.chaos.evidence.coding import MODEL, Voice
from proofs.prove.chaos.patience import BROKEN_MS, HEARD_OUT_MS, PATIENCE_MS, Patience
from simulators.realtime import Knobs, SessionRecord
from simulators.realtime.record import ItemRecord, ResponseRecord
from simulators.twilio import CallRecord, LiveCall
from simulators.twilio.media.playout import Playback
from simulators.twilio.record import Utterance, VerbRun

FRAMES = 50


class Line:
    """A call under way, at a time of its own."""

    def __init__(self) -> None:
        self.record = CallRecord("CA1", "", "", 0.0, answered_at_ms=0.0)
        self.at_ms = 0.0
        self.hung_up = False

    def now_ms(self) -> float:
        return self.at_ms

    def hang_up(self) -> None:
        self.hung_up = True

    def hear(self, at_ms: float, frames: int) -> None:
        """The first frames of the response, from a moment on."""
        audio = Voice(speaker=MODEL, call=1, session=1, response=1).audio(160 * frames)
        ended_ms = at_ms + 20 * frames
        self.record.playout.playbacks.append(
            Playback(at_ms, ended_ms, end="dry", bytes=len(audio), audio=bytearray(audio))
        )


def settled(
    line: Line, after_ms: float, status: str = "completed", *, closed_ms: float | None = None
) -> bool:
    """So long after the last sound."""
    session = SessionRecord(number=1, session_id="s", model="m", knobs=Knobs(), opened_at_ms=0.0, headers={})
    session.closed_at_ms = closed_ms
    session.responses["r"] = ResponseRecord("r", 1, "turn", None, False, 0.0, status=status)
    session.items["i"] = ItemRecord("i", "assistant", "r", generated_ms=20.0 * FRAMES)
    patience = Patience(cast(LiveCall, line), lambda: [session])
    line.at_ms = line.record.playbacks[-1].ended_at_ms + after_ms if line.record.playbacks else after_ms
    patience.look()
    return patience.is_settled


def test_what_was_heard_to_its_end_is_settled_soon() -> None:
    """Not at once, and not before anything was heard."""
    line = Line()
    assert not settled(line, 5_000)
    line.hear(1_000, FRAMES)
    assert not settled(line, HEARD_OUT_MS - 20)
    assert settled(line, HEARD_OUT_MS)


def test_a_hole_in_an_answer_is_waited_out() -> None:
    """Its rest may come; after a while it will not."""
    line = Line()
    line.hear(1_000, FRAMES - 1)
    assert not settled(line, HEARD_OUT_MS)
    assert settled(line, BROKEN_MS)


def test_what_the_model_still_makes_is_waited_for() -> None:
    """Unless its session is gone."""
    line = Line()
    line.hear(1_000, FRAMES)
    assert not settled(line, BROKEN_MS, "in_progress")
    assert settled(line, BROKEN_MS, "in_progress", closed_ms=1_500.0)


def test_an_answer_is_one_to_what_was_said_before() -> None:
    """What was heard before the caller spoke settles nothing; nor does speaking."""
    line = Line()
    line.hear(1_000, FRAMES)
    line.record.utterances.append(Utterance("1", 3_000, 0, 1_000, barge_in=False, ended_at_ms=4_000))
    assert not settled(line, 1_500)
    assert not settled(line, 6_000)
    line.hear(9_000, FRAMES)
    assert settled(line, HEARD_OUT_MS)


def test_who_hears_nothing_for_long_hangs_up() -> None:
    """But not while Twilio speaks, or another number rings."""
    line = Line()
    line.record.verbs.append(VerbRun("Dial", "", 0.0))
    settled(line, PATIENCE_MS + 100)
    assert not line.hung_up
    line.record.verbs.append(VerbRun("ConnectStream", "", 0.0))
    settled(line, PATIENCE_MS + 100)
    assert line.hung_up
