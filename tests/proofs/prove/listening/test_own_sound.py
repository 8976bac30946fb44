"""Sound of the user's own, on records written by hand."""

from __future__ import annotations

import pytest

from proofs.prove.listening.own_sound import OwnSound, judge
from tests.support.record_samples import audio, call, clears, ends, hears, receives, sends, session, speaks

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


def judged_twice(*heard: bytes, clear_at_ms: float | None = None) -> list[str]:
    """The same clip said twice, as one model says it: what is told of what was heard."""
    caller, model = call(), session()
    speaks(model, "item_a", REPLY)
    speaks(model, "item_b", REPLY)
    if clear_at_ms is not None:
        hears(caller, REPLY, 0)
        clears(caller, clear_at_ms)
    hears(caller, b"".join(heard), 2_000)
    ends(caller, 30_000)
    figures = OwnSound(loop=LOOP)
    judge(figures, caller, model)
    return figures.over_voice


def test_our_sound_within_the_second_of_two_answers_that_sound_the_same_is_told() -> None:
    """Each is looked at where it was heard, not where the first one was."""
    within = [REPLY[:3_200], LOOP[:320], REPLY[3_200:]]

    assert judged_twice(REPLY, *within) == ["CA1: our sound was heard within item_b"]
    assert judged_twice(*within, REPLY) == ["CA1: our sound was heard within item_a"]
    assert judged_twice(REPLY, LOOP, REPLY) == []


def test_our_sound_in_the_place_of_the_rest_of_an_answer_is_told() -> None:
    """Though its end was never heard; where it was cut, what comes next is in nobody's place."""
    assert judged_twice(REPLY, REPLY[:3_200], LOOP) == ["CA1: our sound was heard within item_b"]
    for cut_at_ms in (400, 410):
        assert judged_twice(LOOP, REPLY, clear_at_ms=cut_at_ms) == []


@pytest.mark.parametrize(
    ("posted_at_ms", "heard_at_ms", "told"),
    [
        pytest.param(21_500.0, 0.0, True, id="nothing was heard meanwhile"),
        pytest.param(None, 0.0, True, id="its result was never posted"),
        pytest.param(20_900.0, 0.0, False, id="it was done before anybody waited"),
        pytest.param(21_500.0, 20_100.0, False, id="beneath words that were still being said"),
        pytest.param(23_500.0, 20_100.0, True, id="it went on after them"),
    ],
)
def test_a_tool_that_works_in_silence_is_told(
    posted_at_ms: float | None, heard_at_ms: float, *, told: bool
) -> None:
    """REPLY is a second long."""
    caller, model = call(), session()
    item = {"type": "function_call", "status": "completed", "call_id": "c"}
    sends(model, "response.output_item.done", at_ms=20_000.0, item=item, response_id="r")
    if posted_at_ms is not None:
        output = {"type": "function_call_output", "call_id": "c"}
        receives(model, "conversation.item.create", at_ms=posted_at_ms, item=output)
    hears(caller, REPLY, heard_at_ms)
    ends(caller, 30_000)
    figures = OwnSound(loop=LOOP)

    judge(figures, caller, model)

    assert figures.unfilled == (["CA1: a tool worked in silence"] if told else [])
