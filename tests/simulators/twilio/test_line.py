"""The caller's line, tick by tick, with a media stream that only notes what it is handed."""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from typing import Any

from simulators.twilio.caller.clip import SILENT_FRAME, SILENT_PAYLOAD, Clip
from simulators.twilio.caller.plan import CallPlan, Dtmf, HangUp, Pause, Speak, Step, WaitForSpeech
from simulators.twilio.line import Line
from simulators.twilio.record import CallRecord

CLIP = Clip(b"\x10" * 480, "clip")  # 3 frames


@dataclass
class Notes:
    """What a media stream was handed."""

    payloads: list[bytes] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)

    def give_frame(self, payload: bytes, now_ms: float) -> bool:
        self.payloads.append(payload)
        return True

    def press(self, digit: str) -> bool:
        self.digits.append(digit)
        return True

    def echo_due_marks(self, now_ms: float) -> None:
        """There are no marks here."""


@dataclass
class Call:
    """A line under way. It begins at 1000 ms of the host's clock."""

    line: Line
    hung_up: list[float]
    now_ms: float = 1000.0

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.now_ms += 20
            self.line.tick(self.now_ms, self.now_ms)


def answered(*steps: Step, stream: Any = None) -> Call:
    record = CallRecord("CA1", "+1", "+2", 1000.0)
    hung_up: list[float] = []
    line = Line(record, CallPlan(steps), True, lambda: hung_up.append(1.0), stream=stream)
    line.answer(0.0)
    return Call(line, hung_up)


def test_before_the_answer_nothing_is_sent_or_recorded() -> None:
    """The telephone rings."""
    record = CallRecord("CA1", "+1", "+2", 1000.0)
    notes: Any = Notes()
    line = Line(record, CallPlan([Speak(CLIP)]), True, lambda: None, stream=notes)
    line.tick(1020.0, 1020.0)

    assert notes.payloads == []
    assert record.speech == b""


def test_each_tick_sends_20_ms_of_voice_or_of_silence() -> None:
    """And the same 20 ms stand on the record."""
    notes = Notes()
    call = answered(Speak(CLIP), Pause(10_000), stream=notes)
    call.ticks(5)

    assert notes.payloads == [*CLIP.payloads, SILENT_PAYLOAD, SILENT_PAYLOAD]
    assert call.line.record.speech == CLIP.audio + SILENT_FRAME * 2
    [utterance] = call.line.record.utterances
    assert (utterance.started_at_ms, utterance.ended_at_ms, utterance.frames_lost) == (20, 80, 0)


def test_what_is_said_between_two_streams_is_lost_and_counted() -> None:
    """The caller goes on talking; the recording has it, the bridge has not."""
    notes: Any = Notes()
    call = answered(Speak(CLIP), Pause(10_000), stream=notes)
    call.ticks(1)
    call.line.stream = None
    call.ticks(1)
    call.line.stream = notes
    call.ticks(1)

    [utterance] = call.line.record.utterances
    assert utterance.frames_lost == 1
    assert notes.payloads == [CLIP.payloads[0], CLIP.payloads[2]]
    assert call.line.record.speech == CLIP.audio


def test_a_key_is_delivered_only_to_a_stream() -> None:
    """Between two streams nobody gets it."""
    notes: Any = Notes()
    call = answered(Dtmf("12", spacing_ms=20), Pause(10_000), stream=notes)
    call.ticks(1)
    call.line.stream = None
    call.ticks(1)

    assert [(key.digit, key.delivered) for key in call.line.record.key_presses] == [("1", True), ("2", False)]
    assert notes.digits == ["1"]


def test_the_plan_hangs_the_line_up() -> None:
    """Once its steps are over."""
    call = answered(HangUp())
    call.ticks(1)

    assert call.hung_up == [1.0]


def test_the_end_of_the_call_ends_an_utterance_and_judges_the_plan() -> None:
    """Unless it was us who ended it."""
    call = answered(Speak(CLIP), WaitForSpeech())
    call.ticks(1)
    call.line.close("bridge_hung_up", 30.0)
    assert call.line.record.utterances[0].ended_at_ms == 30.0
    assert "expected the call to go on" in call.line.record.failures[0]

    closed = answered(Speak(CLIP))
    closed.ticks(1)
    closed.line.close("simulator_closed", 30.0)
    assert closed.line.record.failures == []


def test_a_call_that_was_never_answered_fails_its_plan() -> None:
    """Its first step did not come true."""
    record = CallRecord("CA1", "+1", "+2", 1000.0)
    Line(record, CallPlan([WaitForSpeech()]), True, lambda: None).close("rejected", 30.0)

    assert "got its end (rejected)" in record.failures[0]


def test_a_defect_of_a_tick_ends_the_call_and_is_kept() -> None:
    """For whoever runs the call to raise."""
    call = answered(Pause(10_000))
    defect = RuntimeError("ours")
    call.line.fail(defect)

    assert call.line.defect is defect
    assert call.hung_up == [1.0]


@dataclass
class Hand:
    """A telephone in a hand: says its own name, notes what it hears."""

    heard: list[bytes] = field(default_factory=list)

    def take(self) -> bytes:
        return b"\x20" * 160

    def give(self, audio: bytes) -> None:
        self.heard.append(audio)


def test_who_speaks_for_themselves_is_sent_and_recorded() -> None:
    """Where the plan says nothing; its own words go before."""
    record = CallRecord("CA1", "+1", "+2", 1000.0)
    notes: Any = Notes()
    plan = CallPlan([Speak(CLIP), Pause(1000)], handset=Hand())
    line = Line(record, plan, True, lambda: None, stream=notes)
    line.answer(0.0)
    call = Call(line, [])
    call.ticks(5)

    assert notes.payloads[:3] == list(CLIP.payloads)
    assert notes.payloads[3] == binascii.b2a_base64(b"\x20" * 160, newline=False)
    assert bytes(record.speech[-160:]) == b"\x20" * 160


def test_what_the_caller_hears_comes_out_of_their_telephone_once() -> None:
    """As it plays, and no byte twice; nothing while nothing plays."""
    record = CallRecord("CA1", "+1", "+2", 1000.0)
    hand = Hand()
    line = Line(record, CallPlan([Pause(1000)], handset=hand), True, lambda: None)
    line.answer(0.0)
    call = Call(line, [])
    record.playout.push_audio(b"\x01" * 160, 0.0)
    record.playout.push_audio(b"\x02" * 160, 0.0)
    for _ in range(5):
        call.ticks(1)
        record.playout.advance(call.now_ms - 1000.0)
    call.ticks(1)

    assert b"".join(hand.heard) == b"\x01" * 160 + b"\x02" * 160
    assert hand.heard[-1] == b""
