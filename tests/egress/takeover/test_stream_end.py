"""A new owner of a call whose stream went when nobody had the call: what the old stream's ingress left on the
card says what was heard of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from egress.pacing.pacer import LEAD_MS
from egress.takeover.positions import read_start
from shared.audio import FRAME_MS
from shared.contract.card import StreamEnd
from shared.contract.streams.control import Flushed, Heard, Silent
from tests.egress.stage import RETURN_MS, STEP_MS, Stage, frames_of, speech
from tests.egress.takeover.test_positions import view

SECOND = 8000
AGAIN_FRAMES = 3
"""The frame in which the ear stood, the way of an echo, and a step of the stage."""


def die_and_move(stage: Stage, dead_ms: float, gone_ms: float, *, claims_between: bool) -> None:
    """Its owner dies; so much later the stream ends, and after a while there is another one and another
    owner, be it that the owner is there first."""
    stage.egress_is_frozen = True
    stage.run(dead_ms)
    stage.close_leg()
    stage.run(gone_ms)
    stage.egress_is_frozen = False
    stage._back.clear()
    if claims_between:
        stage.claim()
        stage.run(200)
        stage.open_leg()
    else:
        stage.attach_leg()
        stage.claim()


def again(stage: Stage, audio: bytes) -> int:
    """How many frames were heard twice; all were heard, and in their order."""
    wanted, at, found = frames_of(audio), 0, 0
    for frame in stage.audio():
        index = wanted.index(frame)
        assert index <= at, f"frames {at} to {index - 1} were left out"
        found += at - index
        at = index + 1
    assert at == len(wanted)
    return found


@settings(max_examples=60, deadline=None)
@example(spoken_ms=2_231, unsaved_ms=0, dead_ms=0, gone_ms=0, forward_ms=0.0, echoes_are_lost=True)
@example(spoken_ms=1_000, unsaved_ms=1_000, dead_ms=600, gone_ms=900, forward_ms=0.0, echoes_are_lost=False)
@pytest.mark.parametrize("claims_between", [False, True])
@given(
    spoken_ms=st.integers(20, 3_000),
    unsaved_ms=st.integers(0, 1_000),
    dead_ms=st.integers(0, 600),
    gone_ms=st.integers(0, 1_500),
    forward_ms=st.sampled_from([0.0, 5.0, 20.0, 60.0]),
    echoes_are_lost=st.booleans(),
)
def test_a_move_without_an_owner_repeats_no_more_than_was_not_heard(
    claims_between: bool,
    spoken_ms: int,
    unsaved_ms: int,
    dead_ms: int,
    gone_ms: int,
    forward_ms: float,
    echoes_are_lost: bool,
) -> None:
    """Wherever it falls, however old the card is: nothing is left out, and a few frames are heard twice."""
    stage = Stage(lead_ms=LEAD_MS, forward_ms=forward_ms, echoes_are_lost=echoes_are_lost)
    audio = speech(7 * SECOND + 333)
    stage.say(audio[: 2 * SECOND], "a", response="r1")
    stage.say(audio[2 * SECOND :], "b", response="r2")
    stage.run(spoken_ms)
    stage.save()
    stage.run(unsaved_ms)

    die_and_move(stage, dead_ms, gone_ms, claims_between=claims_between)
    stage.echoes_are_lost = False
    stage.run(9_000)

    assert again(stage, audio) <= AGAIN_FRAMES + 3 * forward_ms / FRAME_MS
    assert stage.kinds()[-2:] == [Heard, Silent]
    numbers = [n for _, n in stage.sent_at]
    assert numbers == sorted(set(numbers))


@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("claims_between", [False, True])
@given(unsaved_ms=st.integers(0, 1_000), dead_ms=st.integers(0, 600))
def test_a_flush_that_nobody_read_reports_what_was_heard(
    claims_between: bool, unsaved_ms: int, dead_ms: int
) -> None:
    """And of the next reply nothing is passed over."""
    stage = Stage(lead_ms=LEAD_MS)
    new = speech(SECOND, 7)
    stage.say(speech(10 * SECOND), "a", response="r1")
    stage.run(1_000)
    stage.save()
    stage.run(unsaved_ms)
    stage.egress_is_frozen = True
    stage.write("flush", cut=1)
    stage.say(new, "b", response="r2", cut=1)
    stage.told.clear()

    die_and_move(stage, dead_ms, 500, claims_between=claims_between)
    heard_ms = stage.played_ms
    stage.run(3_000)

    assert stage.audio()[-50:] == frames_of(new)
    (flushed,) = [told for told in stage.told if isinstance(told, Flushed)]
    (item,) = flushed.read_items()
    assert heard_ms - AGAIN_FRAMES * FRAME_MS <= item.heard_ms <= heard_ms + STEP_MS


def test_a_flush_ends_what_is_left_to_be_passed_over() -> None:
    """What was heard of the old reply says nothing of the new one."""
    stage = Stage(lead_ms=LEAD_MS)
    stage.say(speech(10 * SECOND), "a", response="r1")
    stage.run(1_000)
    stage.save()
    stage.run(900)
    die_and_move(stage, 300, 500, claims_between=False)
    stage._unread.clear()  # Nothing of the old reply is there.
    stage.write("flush", cut=1)
    new = speech(SECOND, 7)
    stage.say(new, "b", response="r2", cut=1)
    before = len(stage.played)

    stage.run(3_000)

    assert stage.audio()[before:] == frames_of(new)


def test_what_was_heard_is_told_to_its_end() -> None:
    """All of the answer was heard on the old stream, and its last owner had not told it."""
    stage = Stage(lead_ms=LEAD_MS)
    audio = speech(SECOND)
    stage.say(audio, "a", response="r1")
    stage.run(700)
    stage.save()
    stage.run(100)
    die_and_move(stage, 400, 500, claims_between=False)
    stage.told.clear()

    stage.run(2_000)

    assert again(stage, audio) <= AGAIN_FRAMES
    assert [message.response_id for message in stage.told if isinstance(message, Silent)] == ["r1"]
    assert not stage.delivery.is_busy


def test_two_owners_after_one_another_pass_it_over_once() -> None:
    """The second one finds the place of the first, on the new stream."""
    stage = Stage(lead_ms=LEAD_MS)
    audio = speech(8 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.save()
    stage.run(900)
    die_and_move(stage, 600, 500, claims_between=False)
    stage.run(700)

    stage.succeed(100)
    stage.run(9_000)

    assert again(stage, audio) <= AGAIN_FRAMES


def test_without_a_word_the_card_stands() -> None:
    """An ingress that is lost left none: from the base on all is said again."""
    stage = Stage(lead_ms=LEAD_MS)
    audio = speech(8 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.save()
    stage.run(900)
    stage.egress_is_frozen = True
    stage.close_leg()
    del stage.card["stream_end"]
    stage.egress_is_frozen = False
    stage.attach_leg()
    stage.claim()
    stage.run(9_000)

    assert again(stage, audio) > (900 - RETURN_MS) / FRAME_MS - 1


BASE = {"base_n": 100, "base_cut": 3, "base_item": "a", "base_frame": 7, "base_leg": 1, "cut": 3}


@pytest.mark.parametrize(
    ("stream_end", "changes", "heard"),
    [
        (StreamEnd(1, 150, 0, 0, 3), {}, 50),
        (StreamEnd(1, 150, 301, 0, 3), {}, 34),
        (StreamEnd(1, 150, 301, 60, 3), {}, 31),
        (StreamEnd(1, 150, 301, 60, 3), {"ear_behind_ms": 40}, 31),
        (StreamEnd(1, 150, 301, 60, 3), {"ear_behind_ms": 99}, 30),
        (StreamEnd(1, 110, 300, 0, 3), {}, 0),  # Less than the base: it knows more.
        (StreamEnd(2, 150, 0, 0, 3), {}, 0),  # Of another stream than the base.
        (StreamEnd(1, 150, 0, 0, 2), {}, 0),  # Of a reply that is void.
        (StreamEnd(1, 150, 0, 0, 4), {}, 0),
        (StreamEnd(1, 150, 0, 0, 3), {"leg": 1}, 0),  # The stream is there again: its ingress is asked.
        (StreamEnd(1, 150, 0, 0, 3), {"leg": 1, "state": "detached"}, 50),
        (StreamEnd(1, 150, 0, 0, 3), {"cut": 4}, 50),  # A flush is to be reported: with what was heard.
    ],
)
def test_the_word_counts_where_it_speaks_of_the_base(
    stream_end: StreamEnd, changes: dict[str, object], heard: int
) -> None:
    """By stream and cut; what was on its way to the ear was not heard."""
    assert read_start(view(stream_end=stream_end.word(), **{**BASE, **changes})).heard_frames == heard


@pytest.mark.parametrize("word", ["1 150 0 0", "1 150 0 0 3 9", "1 150 -5 0 3", "a b c d e", "1  150 0 0 3"])
def test_a_word_that_cannot_be_read_is_none(word: str) -> None:
    """The call is served all the same."""
    assert read_start(view(stream_end=word, **BASE)).heard_frames == 0
