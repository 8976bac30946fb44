"""The judgement of replies that stand still, on records written by hand."""

from __future__ import annotations

from proofs.prove.listening.pauses import PauseFigures, Said, concerns, judge, stretches
from simulators.realtime.record import SessionRecord, Truncation
from simulators.twilio.record import CallRecord, Utterance
from tests.support.record_samples import audio, call, clears, ends, hears, receives, session, speaks

REPLY = audio(1, 100)
"""Two seconds."""


def said(record: CallRecord, name: str, at_ms: float, length_ms: int = 200, *, over: bool = True) -> None:
    """The caller makes a sound."""
    record.utterances.append(Utterance(name, at_ms, 0, length_ms, over, at_ms + length_ms))


def judged(record: CallRecord, *models: SessionRecord) -> PauseFigures:
    figures = PauseFigures()
    ends(record, 30_000)
    judge(figures, record, models[0])
    return figures


def coughed_at(at_ms: float, *, back_frames: int = 0) -> tuple[CallRecord, SessionRecord]:
    """A cough this long after the reply began; it goes on after 800 ms, so many frames back."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    hears(caller, REPLY, 0)
    said(caller, "cough", at_ms - 100)
    clears(caller, at_ms)
    heard_frames = int(at_ms / 20) - back_frames
    hears(caller, REPLY[heard_frames * 160 :], at_ms + 800)
    caller.playout.advance(20_000)
    return caller, model


def test_a_reply_that_goes_on_where_it_stopped_is_whole() -> None:
    """A part of a frame is heard again: the ear stood in the middle of it."""
    caller, model = coughed_at(1_010)

    figures = judged(caller, model)

    assert (figures.asides, figures.resumed, figures.silences_ms) == (1, 1, [800])
    assert figures.told() == []
    assert concerns(caller)


def test_what_is_missing_between_the_stretches_is_told() -> None:
    """Two frames."""
    caller, model = coughed_at(1_000, back_frames=-2)

    assert judged(caller, model).incomplete == ["CA1: 320 of 16000 bytes were not heard"]


def test_words_that_are_heard_twice_are_told() -> None:
    """More of it than the account of the ear may be behind."""
    behind = judged(*coughed_at(1_000, back_frames=2))
    assert (behind.told(), behind.twice_ms) == ([], [40])
    assert judged(*coughed_at(1_000, back_frames=3)).repeated == ["CA1: 60 ms were heard twice"]


def test_a_reply_that_never_goes_on_is_told() -> None:
    """Unless the call is over at once."""
    for until_ms, missing in ((30_000, 1), (2_000, 0)):
        caller, model = call(), session()
        speaks(model, "item_a", REPLY)
        hears(caller, REPLY, 0)
        said(caller, "murmur", 900)
        clears(caller, 1_000)
        ends(caller, until_ms)
        figures = PauseFigures()

        judge(figures, caller, model)

        assert len(figures.incomplete) == figures.stopped == missing
        assert figures.left == ["CA1: item_a did not go on after a murmur"] * missing


def test_another_reply_is_not_the_rest_of_the_one_that_noise_stopped() -> None:
    """What is heard next is looked at, not only that something is."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    speaks(model, "item_b", audio(110, 100))
    hears(caller, REPLY, 0)
    said(caller, "cough", 900)
    clears(caller, 1_000)
    hears(caller, audio(110, 100), 2_000)
    caller.playout.advance(20_000)

    figures = judged(caller, model)

    assert (figures.stopped, len(figures.left)) == (1, 1)


def test_a_notice_before_the_first_reply_is_none_of_the_models() -> None:
    """Though they are heard without a break; what a word cuts in it is at its own place."""
    notice = audio(200, 50)
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    hears(caller, notice + REPLY, 0)
    caller.playout.advance(20_000)

    (found,) = stretches(caller, Said.of(model), set(), notice=notice)

    assert (found.begin, found.until, found.started_at_ms) == (0, 16_000, 1_000)


def test_a_reply_that_noise_cut_is_told() -> None:
    """Truncated, with nothing but a cough before it; after a word that is as it should be."""
    for name, cut in (("cough", 1), ("en_caller_interrupt", 0)):
        caller, model = call(), session()
        speaks(model, "item_a", REPLY)
        hears(caller, REPLY, 0)
        said(caller, name, 900)
        clears(caller, 1_000)
        receives(model, "conversation.item.truncate", at_ms=1_050, item_id="item_a", audio_end_ms=1_000)
        model.truncations.append(Truncation(1_050, "item_a", 1_000, 2_000))

        figures = judged(caller, model)

        assert len(figures.cut_by_noise) == cut
        assert figures.incomplete == figures.above_heard == []
        assert figures.interruptions == 1 - cut


def test_a_response_that_noise_cancelled_is_told() -> None:
    """Nothing of it was truncated, and yet it is gone."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY, status="cancelled")
    model.responses["resp_item_a"].done_at_ms = 1_050
    hears(caller, REPLY, 0)
    said(caller, "cough", 900)
    clears(caller, 1_000)

    assert judged(caller, model).cut_by_noise == ["CA1: resp_item_a was cut by a cough"]


def test_a_word_silences_in_time_or_is_late() -> None:
    """From its first sound to the last of the reply."""
    for clear_at_ms, late in ((1_400, 0), (1_401, 1)):
        caller, model = call(), session()
        speaks(model, "item_a", REPLY)
        hears(caller, REPLY, 0)
        said(caller, "en_caller_interrupt", 1_000)
        clears(caller, clear_at_ms)
        receives(model, "conversation.item.truncate", at_ms=1_500, item_id="item_a", audio_end_ms=900)

        figures = judged(caller, model)

        assert figures.interruptions == 1
        assert len(figures.late) == late


def test_a_reply_that_goes_on_over_words_is_late_too() -> None:
    """It stood still in time, and then it was taken for noise."""
    caller, model = coughed_at(1_000)
    caller.utterances[0].name = "en_caller_interrupt"

    assert judged(caller, model).late == ["CA1: a reply went on over en_caller_interrupt"]


def test_a_truncation_is_judged_by_all_stretches() -> None:
    """The second one counts from where it began in the item."""
    for end_ms, above in ((1_700, 0), (1_800, 1)):
        caller, model = call(), session()
        speaks(model, "item_a", REPLY)
        hears(caller, REPLY, 0)
        said(caller, "cough", 900)
        clears(caller, 1_000)
        hears(caller, REPLY[8_000:], 2_000)
        said(caller, "en_caller_interrupt", 2_600)
        clears(caller, 2_700)
        receives(model, "conversation.item.truncate", at_ms=4_000, item_id="item_a", audio_end_ms=end_ms)
        model.truncations.append(Truncation(4_000, "item_a", end_ms, 2_000))

        assert len(judged(caller, model).above_heard) == above


def test_the_same_words_said_again_after_a_cut_are_another_item() -> None:
    """And what is none of the model's has no place."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    speaks(model, "item_b", REPLY)
    hears(caller, audio(200, 10), 0)
    hears(caller, REPLY, 1_000)
    clears(caller, 2_000)
    hears(caller, REPLY, 3_000)
    caller.playout.advance(20_000)

    found = stretches(caller, Said.of(model), {"item_a"})

    assert [(each.begin, each.until) for each in found] == [(0, 8_000), (16_000, 32_000)]


def test_a_reply_that_goes_on_too_far_back_is_not_taken_for_a_later_one_that_sounds_the_same() -> None:
    """It is heard twice, and that is all that is wrong with it. A word cuts it in the end, and the clip is
    said again."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    speaks(model, "item_b", REPLY)
    hears(caller, REPLY, 0)
    said(caller, "cough", 500)
    clears(caller, 600)
    hears(caller, REPLY[27 * 160 :], 1_400)
    said(caller, "word", 1_950)
    clears(caller, 2_000)
    model.truncations.append(Truncation(2_100, "item_a", 1_130, 2_000))
    receives(model, "conversation.item.truncate", at_ms=2_100, item_id="item_a", audio_end_ms=1_130)
    hears(caller, REPLY, 6_000)
    caller.playout.advance(20_000)

    assert judged(caller, model).told() == ["CA1: 60 ms were heard twice"]


def test_a_caller_who_says_words_only_is_no_concern() -> None:
    """Whatever they interrupt."""
    caller = call()
    said(caller, "en_caller_ask", 900)

    assert not concerns(caller)
