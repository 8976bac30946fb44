"""The record's two tracks on one timeline."""

from __future__ import annotations

from simulators.twilio.record import CallRecord, Logged, MediaStream

A = b"\x10" * 160


def test_both_tracks_begin_at_the_call_and_stand_where_they_were_heard() -> None:
    """Silence fills the rest; the heard track is at least as long as the caller's."""
    call = CallRecord("CA1", "+1", "+2", 0.0)
    call.speech_from_ms = 10.0
    call.speech += b"\x90" * 320
    call.playout.push_audio(A, 30)
    call.playout.advance(100)

    assert call.caller_audio == b"\xff" * 80 + b"\x90" * 320
    assert call.heard_audio == b"\xff" * 240 + A
    assert call.heard_bytes == A


def test_the_record_sums_over_its_streams() -> None:
    """A resumed call has several."""
    call = CallRecord("CA1", "+1", "+2", 0.0)
    for number in (1, 2):
        stream = MediaStream(number, f"MZ{number}", "wss://h/m", {}, 0.0)
        stream.received_at_ms.append(1.0)
        stream.violations.append(Logged(31951, "x", 1.0))
        call.streams.append(stream)

    assert call.media_messages == 2
    assert [violation.code for violation in call.violations] == [31951, 31951]


def test_numbers_stay_out_of_its_text() -> None:
    """A record may be printed; a phone number may not."""
    assert "+15550001111" not in repr(CallRecord("CA1", "+15550001111", "+15550001111", 0.0))
