"""Sound of the user's own, on records written by hand."""

from __future__ import annotations

from proofs.prove.listening.own_sound import OwnSound, judge
from tests.support.record_samples import audio, call, clears, ends, hears, session, speaks

NOTICE, LOOP, REPLY = audio(1, 20), audio(40, 30), audio(100, 50)


def judged(*heard: bytes) -> OwnSound:
    """What was heard, one after the other, of a call in which the model said REPLY."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    hears(caller, b"".join(heard), 0)
    ends(caller, 30_000)
    figures = OwnSound(notice=NOTICE, loop=LOOP)
    judge(figures, caller, model)
    return figures


def test_a_call_that_begins_with_the_whole_notice_is_counted() -> None:
    """And the loop, if there was one before the answer."""
    figures = judged(NOTICE, LOOP[:1_600], REPLY)

    assert (figures.whole, figures.not_whole, figures.filled, figures.over_voice) == (1, [], 1, [])


def test_a_notice_that_is_not_whole_or_not_first_is_told() -> None:
    """A frame less, or something before it."""
    for heard in ((NOTICE[:-160], REPLY), (audio(200, 1), NOTICE, REPLY), (REPLY,)):
        assert judged(*heard).not_whole == ["CA1: did not begin with the whole notice"]


def test_our_sound_within_an_answer_is_told() -> None:
    """Behind it is another matter."""
    assert judged(NOTICE, REPLY[:3_200], LOOP[:320], REPLY[3_200:]).over_voice == [
        "CA1: our sound was heard within item_a"
    ]
    assert judged(NOTICE, REPLY, LOOP[:320]).over_voice == []


def test_an_answer_that_was_cut_off_has_no_end() -> None:
    """What comes after a clear is not within it."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    hears(caller, NOTICE + REPLY, 0)
    clears(caller, 800)
    hears(caller, LOOP, 1_000)
    ends(caller, 30_000)
    figures = OwnSound(notice=NOTICE, loop=LOOP)

    judge(figures, caller, model)

    assert (figures.filled, figures.over_voice) == (1, [])


def test_without_sounds_nothing_is_looked_for() -> None:
    """Most scenarios have none."""
    caller, model = call(), session()
    hears(caller, REPLY, 0)
    figures = OwnSound()

    judge(figures, caller, model)

    assert figures == OwnSound()
