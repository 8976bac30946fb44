"""The demo's judgement: a good call passes, and each thing that can go wrong is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from console.demo.script import script
from console.demo.verdict import Check, judge, judge_real
from console.demo.watch import Seen
from shared.contract.streams.history import ToolEntry, ToolState
from shared.contract.streams.journal import Kind
from simulators.twilio.caller.clip import FRAME_BYTES
from simulators.twilio.record import CallRecord, ClearSeen, Logged, MediaStream, Utterance
from tests.support.top_samples import journal_entry

SCRIPT = script("en")
CUT_MS = 2600.0


def play(record: CallRecord, at_ms: float, audio: bytes) -> float:
    """Plays audio as a bridge sends it, in frames, and returns the time of its end."""
    now_ms = at_ms
    for start in range(0, len(audio), FRAME_BYTES):
        record.playout.push_audio(audio[start : start + FRAME_BYTES], now_ms)
        record.streams[0].received_at_ms.append(now_ms)
        record.streams[0].received_bytes.append(len(audio[start : start + FRAME_BYTES]))
        now_ms += len(audio[start : start + FRAME_BYTES]) / 8
    record.playout.advance(now_ms)
    return now_ms


def speak(record: CallRecord, at_ms: float, name: str, ms: int, *, barge_in: bool = False) -> None:
    record.utterances.append(
        Utterance(name=name, started_at_ms=at_ms, voice_from_ms=0, voice_to_ms=ms, barge_in=barge_in)
    )


def good_call(stale: bytes = b"", later: bytes = b"", tool_reply: bytes = SCRIPT.tool_reply) -> CallRecord:
    """The conversation as it should be; `stale` follows the clear at once, `later` after the farewell."""
    record = CallRecord(call_sid="CA", from_number="", to_number="", zero_ms=0.0)
    record.streams.append(MediaStream(1, "MZ", "wss://x", {}, 0.0))
    record.speech_from_ms = 60_000.0
    end_ms = play(record, 1000, SCRIPT.greeting)
    speak(record, end_ms + 500, "ask", 2000)
    began_ms = end_ms + 3500
    play(record, began_ms, SCRIPT.long_reply[: int(CUT_MS * 8)])
    record.playout.push_audio(SCRIPT.long_reply[int(CUT_MS * 8) :], began_ms + CUT_MS - 1)
    speak(record, began_ms + CUT_MS - 60, "interrupt", 3000, barge_in=True)
    dropped_ms, _ = record.playout.clear(began_ms + CUT_MS)
    record.streams[0].clears.append(ClearSeen(began_ms + CUT_MS, dropped_ms, 0))
    play(record, began_ms + CUT_MS + 50, stale)
    end_ms = play(record, began_ms + CUT_MS + 4500, tool_reply)
    speak(record, end_ms + 500, "goodbye", 2000)
    end_ms = play(record, end_ms + 3500, SCRIPT.farewell)
    play(record, end_ms + 1000, later)
    record.end_reason = "caller_hung_up"
    return record


def good_log() -> list[Seen]:
    tool = ToolEntry(call_id="c", name="check_order", state=ToolState.STARTED, value="{}")
    return [
        Seen(at_ms=0.0, record=tool),
        Seen(at_ms=0.0, record=replace(tool, state=ToolState.RESULT)),
        Seen(at_ms=0.0, record=journal_entry(Kind.ENDED, outcome="completed")),
    ]


def unmet(checks: list[Check]) -> list[str]:
    return [check.expected for check in checks if not check.met]


def test_the_call_as_it_should_be() -> None:
    """Every expectation is met."""
    assert unmet(judge(good_call(), good_log(), SCRIPT)) == []


def test_stale_audio_right_after_the_clear() -> None:
    """A frame of the old reply."""
    checks = judge(good_call(stale=SCRIPT.long_reply[40_000:40_160]), good_log(), SCRIPT)
    assert unmet(checks) == ["nothing stale is heard after the cut"]


def test_the_old_reply_comes_back_later() -> None:
    """Long after the clear, from any place in it."""
    checks = judge(good_call(later=SCRIPT.long_reply[32_000:40_000]), good_log(), SCRIPT)
    assert unmet(checks) == ["nothing stale is heard after the cut"]


def test_a_frame_missing_in_an_answer() -> None:
    """20 ms are enough."""
    cut = SCRIPT.tool_reply[:8000] + SCRIPT.tool_reply[8160:]
    checks = judge(good_call(tool_reply=cut), good_log(), SCRIPT)
    assert unmet(checks) == ["the answer made from the tool's result is heard"]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda log: log[1:], "the function check_order runs once"),
        (lambda log: [log[0], *log], "the function check_order runs once"),
        (lambda log: log[:-1], "the caller hangs up, and the call's card is closed once"),
    ],
    ids=["tool not started", "tool twice", "card not closed"],
)
def test_what_the_log_must_say(spoil: Callable[[list[Seen]], list[Seen]], expected: str) -> None:
    """One run of the tool, one end."""
    assert unmet(judge(good_call(), spoil(good_log()), SCRIPT)) == [expected]


def test_a_reply_that_was_not_interrupted() -> None:
    """The caller spoke, but into silence."""
    record = good_call()
    record.utterances[1].barge_in = False
    assert unmet(judge(record, good_log(), SCRIPT)) == ["the caller interrupts a reply"]


def test_what_twilio_and_the_caller_saw_go_wrong() -> None:
    """Errors of Twilio's and steps that failed."""
    record = good_call()
    record.logged.append(Logged(31_921, "close error", 1.0))
    record.failures.append("step 3: expected speech")
    assert unmet(judge(record, good_log(), SCRIPT)) == [
        "the call goes as the caller planned",
        "Twilio has nothing to complain about",
    ]


def test_an_empty_call_meets_nothing_and_does_not_raise() -> None:
    """No stream, no word."""
    record = CallRecord(call_sid="CA", from_number="", to_number="", zero_ms=0.0, failures=["x"])
    checks = judge(record, [], SCRIPT)
    assert unmet(checks) == [check.expected for check in checks if "Twilio" not in check.expected]


def test_with_a_real_model_a_greeting_and_a_reply_are_enough() -> None:
    """What else there is, is reported."""
    required, reported = judge_real(good_call())
    assert unmet(required) == []
    assert len(reported) == 2
    nothing, _ = judge_real(CallRecord(call_sid="CA", from_number="", to_number="", zero_ms=0.0))
    assert unmet(nothing) == ["a greeting is heard", "a reply is heard"]
