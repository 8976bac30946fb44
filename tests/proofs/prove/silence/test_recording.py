"""A call's record, as the ear wants it."""

from __future__ import annotations

import pytest

from ingress.sound.hold_clip import hold_clip
from proofs.prove.listening.ear import Cause, Kind
from proofs.prove.listening.spans import Span
from proofs.prove.silence.recognise import Known
from proofs.prove.silence.recording import Listener, recording_of
from simulators import clips
from simulators.twilio.record import CallRecord, KeyPress, MediaStream, StreamEndCause, Utterance, VerbRun
from tests.support.record_samples import call, hears

SHORT = clips.load("en_model_short")
KNOWN = Known(answers={"short": SHORT}, clip=hold_clip())


def streams(record: CallRecord, *ends: tuple[float, float | None, StreamEndCause]) -> None:
    record.streams[:] = [
        MediaStream(
            n, f"MZ{n}", "wss://host/media", {}, open_ms, open_at_ms=open_ms, ended_at_ms=end_ms, end=end
        )
        for n, (open_ms, end_ms, end) in enumerate(ends, start=1)
    ]


def test_a_stretch_that_is_over_is_judged_to_its_end() -> None:
    """What is missing of it is owed."""
    record = call()
    hears(record, SHORT[:4_800], 1_000)
    record.playout.advance(9_000)
    hearing = Listener(record, KNOWN).hearing(9_000)

    assert [debt.cause for debt in hearing.debts] == [Cause.PICK_UP, Cause.BREAK]


def test_a_stretch_that_goes_on_has_not_ceased() -> None:
    """Whether it will come to its end nobody knows yet."""
    record = call()
    hears(record, SHORT, 1_000)
    record.playout.advance(1_700)
    listener = Listener(record, KNOWN)

    assert listener.hearing(1_700).open_debt is None
    record.playout.advance(9_000)
    assert [sound.name for sound in listener.hearing(9_000).recording.sounds] == ["short"]
    assert listener.hearing(9_000).open_debt is None


def test_twilios_voice_is_the_apology() -> None:
    """Other verbs are no sound."""
    record = call()
    record.verbs += [VerbRun("Say", "Sorry.", 5_000, 7_000), VerbRun("Hangup", "", 7_000, 7_000)]
    found = recording_of(record, [], now_ms=8_000).sounds

    assert [(sound.kind, sound.span) for sound in found] == [(Kind.APOLOGY, Span(5_000, 7_000))]


def test_words_that_reached_nobody_are_owed_no_answer() -> None:
    """All of them were spoken while there was no socket."""
    record = call()
    record.utterances += [
        Utterance("a", 1_000, 100, 900, barge_in=False),
        Utterance("b", 5_000, 0, 800, barge_in=False, frames_lost=40),
    ]
    assert recording_of(record, [], now_ms=9_000).speech == [Span(1_100, 1_900)]


def test_keys_that_reached_nobody_are_owed_no_answer() -> None:
    """The others are."""
    record = call()
    record.key_presses += [KeyPress("1", 500, True), KeyPress("2", 700, False)]
    assert recording_of(record, [], now_ms=9_000).keys == [500]


@pytest.mark.parametrize(
    ("end", "down"),
    [("bridge_lost", [Span(3_000, 8_000)]), ("bridge_closed", [])],
)
def test_there_is_no_socket_behind_a_connection_that_broke(end: StreamEndCause, down: list[Span]) -> None:
    """Behind one that was closed, Twilio speaks as it was told."""
    record = call()
    streams(record, (100, 3_000, end))
    assert recording_of(record, [], now_ms=8_000).down == down


def test_there_is_no_socket_between_two_streams() -> None:
    """And none while ingress stood still, if it did."""
    record = call()
    streams(record, (100, 3_000, "bridge_closed"), (4_200, None, "open"))
    found = recording_of(record, [], now_ms=8_000, stopped=[Span(6_000, 7_000)])

    assert found.down == [Span(3_000, 4_200), Span(6_000, 7_000)]
