"""Playback stands still and goes on: nothing is lost, next to nothing is heard twice, it ends by itself."""

from __future__ import annotations

import pytest
from annotated_types import Le
from hypothesis import example, given, settings
from hypothesis import strategies as st

from brain.agents.keys import ConfirmTable
from brain.sequencer.confirm import SLACK_MS
from egress.heard.ledger import Ledger
from egress.pacing.standstill import MOST_MS, Standstill, is_playing, stood_at_ms
from shared.audio import FRAME_MS
from shared.contract.streams.control import Audible, Heard, Silent
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from tests.egress.heard.test_ledger import playing, send
from tests.egress.stage import RETURN_MS, STEP_MS, Stage, frames_of, speech

SECOND = 8000
AGAIN_FRAMES = 3
"""The frame in which the ear stood, and what egress errs to less than was heard: a word of ingress's, and a
step of the stage."""


def word(kind: ReplyKind, pause_ms: int = 0) -> ReplyEntry:
    return ReplyEntry(kind, 1, 0, "", "", 0, 0.0, b"", pause_ms=pause_ms)


PAUSE, RESUME = word(ReplyKind.PAUSE, 2_000), word(ReplyKind.RESUME)


# The word.


def test_it_stands_still_from_the_word_to_the_other_word() -> None:
    """Each is carried out once."""
    still = Standstill()
    assert not still.is_due(0.0)

    still.told(PAUSE, 0.0)
    assert (still.is_due(5.0), still.turn(5.0), still.is_due(10.0)) == (True, True, False)
    assert still.is_busy
    still.told(RESUME, 100.0)
    assert (still.is_due(100.0), still.turn(100.0), still.is_due(100.0)) == (True, False, False)
    assert not still.is_busy


def test_both_words_at_once_are_nothing() -> None:
    """A next owner reads them in one go."""
    still = Standstill()
    still.told(PAUSE, 0.0)
    still.told(RESUME, 0.0)

    assert not still.is_due(0.0)
    assert not still.is_busy


@pytest.mark.parametrize(("pause_ms", "until_ms"), [(2_000, 2_000.0), (10**12, MOST_MS), (-5, 0.0)])
def test_it_ends_by_itself(pause_ms: int, until_ms: float) -> None:
    """The brain may be dead, and whatever stands in an entry is bounded."""
    still = Standstill()
    still.told(word(ReplyKind.PAUSE, pause_ms), 0.0)
    if until_ms:
        still.turn(0.0)
        assert not still.is_due(until_ms - 1.0)

    assert still.is_due(until_ms) == bool(until_ms)
    assert not still.turn(until_ms)
    assert not still.is_busy


def test_the_longest_that_an_agent_may_wait_is_within_the_bound() -> None:
    """Else playback would go on into the voice, before it is known whether that interrupts."""
    (longest_ms,) = [
        each.le for each in ConfirmTable.model_fields["wait_ms"].metadata if isinstance(each, Le)
    ]
    assert longest_ms == 10_000
    assert MOST_MS >= 10_000 + SLACK_MS


def test_what_is_void_stands_still_no_more() -> None:
    """A flush."""
    still = Standstill()
    still.told(PAUSE, 0.0)
    still.turn(0.0)

    still.forget()

    assert (still.is_still, still.is_busy, still.is_due(1.0)) == (False, False, False)


# Where the ear stood.


def test_where_the_ear_stood() -> None:
    """Inside an item; at the end of its last frame where it was heard out; nowhere, if nobody knows it."""
    ledger, item = playing(received_ms=150)
    ledger.confirm(item, 160, 0.0)
    ledger.stop(70.0)
    assert stood_at_ms(ledger)("a") == 70.0
    assert is_playing(ledger, 70.0)

    ledger.end_item(item, 70.0)
    ledger.stop(500.0)

    assert stood_at_ms(ledger)("a") == 160.0
    assert stood_at_ms(ledger)("?") == float("inf")
    assert not is_playing(ledger, 500.0)


def test_nothing_plays_where_nothing_was_sent() -> None:
    """An item that waits."""
    ledger = Ledger(1, 0)
    ledger.receive("r", "a", 500, 0.0)
    assert not is_playing(ledger, 100.0)
    assert stood_at_ms(ledger)("a") == 0.0
    send(ledger, ledger.items[0], range(2), 100.0)
    assert is_playing(ledger, 100.0)


# On the stage.


def check_resumed(stage: Stage, said: bytes, before: int, most: float = AGAIN_FRAMES) -> None:
    """What was played since `before` frames had been is the rest of what was said: without a hole, and with a
    few frames again at most."""
    again = stage.audio()[before:]
    wanted = frames_of(said)
    assert again == wanted[-len(again) :], "the rest, in order"
    assert 0 <= before + len(again) - len(wanted) <= most


@pytest.mark.parametrize("ran_ms", [40, 100, 335, 700, 1_010, 2_465])
@pytest.mark.parametrize("forward_ms", [0.0, 20.0, 60.0])
def test_a_pause_is_heard_at_once_and_goes_on_from_the_frame_where_it_stopped(
    ran_ms: float, forward_ms: float
) -> None:
    """Nothing is lost; what is heard again is the frame that was cut, and what the account errs by: the way
    of what egress sends, as far as only a word on its way back tells of it."""
    stage = Stage(lead_ms=300.0, forward_ms=forward_ms)
    stage.delivery.ledger.know_way(2 * forward_ms)
    audio = speech(4 * SECOND + 77)
    stage.say(audio)
    stage.run(200)
    stage.run(ran_ms)

    stage.write("pause", pause_ms=5_000)
    stage.run(STEP_MS + forward_ms)
    heard = len(stage.played)
    stage.run(900)
    assert len(stage.played) == heard
    assert len(stage.pauses) == 1
    stage.write("resume")
    stage.run(6_000)

    check_resumed(stage, audio, heard, AGAIN_FRAMES + forward_ms / FRAME_MS)
    assert stage.clears == []
    assert stage.kinds() == [Audible, Heard, Silent]
    assert stage.silent().heard_ms == 4_009
    assert not stage.delivery.is_busy


def test_the_first_frames_leave_at_once_when_it_goes_on() -> None:
    """With the lead's worth of them, as at the beginning of any spurt."""
    stage = Stage(lead_ms=300.0)
    stage.say(speech(4 * SECOND))
    stage.run(600)
    stage.write("pause", pause_ms=5_000)
    stage.run(500)
    sent = len(stage.sent_at)

    stage.write("resume")
    stage.run(STEP_MS)

    assert len(stage.sent_at) - sent == 17
    numbers = [n for _, n in stage.sent_at]
    assert numbers == sorted(set(numbers))


def test_what_comes_meanwhile_waits_and_is_said_behind_it() -> None:
    """The model goes on generating: its audio, the end of the item, another response."""
    stage = Stage()
    audio, other = speech(2 * SECOND), speech(SECOND, 5)
    stage.write("audio", "a", 0, audio[:SECOND])
    stage.run(300)
    stage.write("pause", pause_ms=5_000)
    stage.run(100)
    heard = len(stage.played)
    stage.write("audio", "a", SECOND, audio[SECOND:])
    stage.write("item_end", "a", len(audio))
    stage.write("response_end", "a")
    stage.say(other, "b", response="r2")
    stage.run(500)
    assert len(stage.played) == heard

    stage.write("resume")
    stage.run(5_000)

    check_resumed(stage, audio + other, heard)


def test_it_is_an_interruption_after_all() -> None:
    """A flush: what was heard is what had been heard at the pause, to the frame, and nothing of it plays any
    more."""
    stage = Stage()
    stage.say(speech(4 * SECOND))
    stage.run(1_000)
    stage.write("pause", pause_ms=5_000)
    stage.run(STEP_MS)
    heard_ms = stage.played_ms
    stage.run(700)

    stage.write("flush", cut=1)
    new = speech(SECOND, 7)
    stage.say(new, "b", response="r2", cut=1)
    stage.run(2_000)

    (item,) = stage.flushed()
    assert heard_ms - RETURN_MS - 5 * STEP_MS <= item.heard_ms <= heard_ms
    assert stage.audio()[-50:] == frames_of(new)
    assert not stage.delivery.standstill.is_busy


def test_a_pause_ends_by_itself() -> None:
    """The brain that knows how it ended is dead."""
    stage = Stage()
    audio = speech(2 * SECOND)
    stage.say(audio)
    stage.run(500)
    stage.write("pause", pause_ms=800)
    stage.run(STEP_MS)
    heard = len(stage.played)
    stage.run(780)
    assert len(stage.played) == heard

    stage.run(3_000)

    check_resumed(stage, audio, heard)


def test_where_ingress_cannot_pause_what_the_carrier_has_is_played_out() -> None:
    """An older one during a roll: then there is a pause, and not a frame is heard twice."""
    stage = Stage(lead_ms=300.0, knows_pauses=False)
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.write("pause", pause_ms=5_000)
    stage.run(1_000)
    heard = len(stage.played)
    stage.run(500)
    assert len(stage.played) == heard
    assert stage.pauses == []

    stage.write("resume")
    stage.run(6_000)

    assert stage.audio() == frames_of(audio)
    assert stage.delivery.pacer.counters.underruns == 0


def test_an_echo_that_comes_because_of_the_pause_proves_nothing() -> None:
    """A mark stood in what the carrier forgot: its place is heard only when it was played."""
    stage = Stage(lead_ms=300.0)
    stage.say(speech(4 * SECOND))
    stage.run(400)
    assert stage.delivery.ledger.counters.marks_sent == 1
    stage.write("pause", pause_ms=5_000)
    stage.run(200)

    playhead = stage.delivery.ledger.playhead
    assert playhead is not None
    assert playhead.acknowledged_ms == 0
    assert stage.delivery.ledger.heard_ms(playhead, stage.now) <= stage.played_ms

    stage.write("resume")
    stage.run(400)
    assert playhead.acknowledged_ms == 500


@pytest.mark.parametrize("before_end_ms", [15, 60, 150])
def test_a_pause_in_the_last_word_is_told_to_its_end(before_end_ms: float) -> None:
    """All frames had left, and the marks of their end are among what was forgotten."""
    stage = Stage(lead_ms=300.0)
    audio = speech(SECOND)
    stage.say(audio, debt=1)
    stage.run(1_005 - before_end_ms)
    stage.write("pause", pause_ms=5_000)
    stage.run(STEP_MS)
    heard = len(stage.played)
    stage.run(400)

    stage.write("resume")
    stage.run(1_000)

    check_resumed(stage, audio, heard)
    assert stage.kinds() == [Audible, Heard, Silent]
    assert not stage.delivery.is_busy


def test_a_pause_behind_the_last_word_costs_nothing() -> None:
    """All of it was heard; what the brain says next is heard when it may."""
    stage = Stage()
    stage.say(speech(SECOND))
    stage.run(2_000)
    stage.write("pause", pause_ms=5_000)
    stage.run(100)
    assert stage.pauses == []
    new = speech(SECOND, 3)
    stage.say(new, "b", response="r2")
    stage.run(300)
    assert len(stage.played) == 50

    stage.write("resume")
    stage.run(2_000)

    assert stage.audio()[50:] == frames_of(new)


def test_a_pause_is_found_behind_what_is_not_held() -> None:
    """Two minutes wait; the word of it is read at once, and not carried out again when its entry is read
    again."""
    stage = Stage(lead_ms=300.0)
    audio = speech(120 * SECOND)
    stage.say(audio, piece=4_000)
    stage.run(500)
    stage.write("pause", pause_ms=5_000)
    stage.run(STEP_MS)
    heard = len(stage.played)
    stage.run(500)
    assert len(stage.played) == heard
    stage.write("resume")

    stage.run(125_000)

    check_resumed(stage, audio, heard)
    assert len(stage.pauses) == 1


def test_a_next_owner_goes_on_standing_still() -> None:
    """It reads the word in `reply`, and goes on with the frame that the dead one would have sent, or just
    before it: it pauses once more, to be sure."""
    stage = Stage(lead_ms=300.0)
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.write("pause", pause_ms=5_000)
    stage.run(STEP_MS)
    heard = len(stage.played)
    stage.run(300)
    stage.succeed(50)
    stage.run(600)
    assert len(stage.played) == heard

    stage.write("resume")
    stage.run(6_000)

    check_resumed(stage, audio, heard, most=AGAIN_FRAMES + 2)


def test_a_next_owner_does_not_pause_again_what_was_paused_before() -> None:
    """Both words stand in `reply` still."""
    stage = Stage(lead_ms=300.0)
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(700)
    stage.write("pause", pause_ms=5_000)
    stage.run(STEP_MS)
    heard = len(stage.played)
    stage.run(300)
    stage.write("resume")
    stage.run(400)
    stage.succeed(50)

    stage.run(6_000)

    check_resumed(stage, audio, heard)
    assert len(stage.pauses) == 1


def test_a_new_stream_during_a_pause_waits_too() -> None:
    """It has nothing to be forgotten; what is said goes on there when it may, from what the old one's ingress
    has told."""
    stage = Stage()
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.write("pause", pause_ms=9_000)
    stage.run(STEP_MS)
    heard = len(stage.played)
    stage.act(stage.delivery.on_detached(1, stage.now))
    stage.run(500)
    stage.open_leg()
    stage.run(500)
    assert len(stage.played) == heard

    stage.write("resume")
    stage.run(6_000)

    check_resumed(stage, audio, heard, most=AGAIN_FRAMES + 5)


def test_a_pause_of_an_older_cut_is_void() -> None:
    """It was written before the flush, and read after it."""
    stage = Stage()
    stage.say(speech(SECOND), "a", response="r1")
    stage.run(200)
    stage.write("flush", cut=1)
    new = speech(SECOND, 9)
    stage.say(new, "b", response="r2", cut=1)
    stage.write("pause", cut=0, pause_ms=5_000)
    stage.run(2_000)

    assert stage.audio()[-50:] == frames_of(new)
    assert stage.pauses == []


def test_an_ended_call_stands_still_for_nobody() -> None:
    """Nothing is waited for."""
    stage = Stage()
    stage.say(speech(2 * SECOND))
    stage.run(300)
    stage.write("pause", pause_ms=5_000)
    stage.run(100)
    stage.act(stage.delivery.on_ended(stage.now))

    assert not stage.delivery.is_busy


@settings(max_examples=80, deadline=None)
@example([(7, 1), (17, 57)], 0.0, False)  # So short a pause that ingress had told of what came before.
@example([(15, 1), (17, 1)], 0.0, False)
@given(
    st.lists(st.tuples(st.integers(1, 120), st.integers(1, 80)), min_size=1, max_size=6),
    st.sampled_from([0.0, 5.0, 20.0, 60.0]),
    st.booleans(),
)
def test_however_often_it_is_paused_every_byte_is_heard_in_its_order(
    pauses: list[tuple[int, int]], forward_ms: float, echoes_are_lost: bool
) -> None:
    """And each pause costs a few frames at most, which are heard again; never is more said to be heard than
    was played."""
    stage = Stage(lead_ms=300.0, forward_ms=forward_ms, echoes_are_lost=echoes_are_lost)
    stage.delivery.ledger.know_way(2 * forward_ms)
    audio = speech(10 * SECOND + 333)
    stage.say(audio)
    for run_steps, still_steps in pauses:
        stage.run(run_steps * STEP_MS)
        stage.write("pause", pause_ms=5_000)
        stage.run(still_steps * STEP_MS)
        for item in stage.delivery.ledger.items:
            assert stage.delivery.ledger.heard_ms(item, stage.now) <= stage.played_ms + STEP_MS
        stage.write("resume")
    stage.run(16_000)

    wanted, at, again = frames_of(audio), 0, 0
    for frame in stage.audio():
        index = wanted.index(frame)
        assert index <= at, "a frame was left out"
        again += at - index
        at = index + 1
    assert at == len(wanted)
    assert again <= (AGAIN_FRAMES + forward_ms / FRAME_MS) * len(pauses)
