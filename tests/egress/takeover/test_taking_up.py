"""A new owner of a call whose last one died without a word: nothing is heard of it, and the account goes
on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress.actions import End, Sound
from egress.pacing.pacer import LEAD_MS
from egress.takeover.taking_up import ATTACH_WAIT_MS
from shared.contract.streams.control import Flushed, Heard, Silent
from tests.egress.stage import RETURN_MS, STEP_MS, Stage, frames_of, speech

SECOND = 8000
GRAIN_MS = 25.0
"""A frame and a step of the stage: so much less than the lead may be under way when an owner dies."""


def holes_ms(stage: Stage) -> float:
    """How long nothing played between the first frame and the last."""
    began = [at for at, _ in stage.played]
    return sum(max(0.0, later - (at + 20)) for at, later in pairwise(began))


@given(
    spoken_ms=st.integers(0, 3_000),
    unsaved_ms=st.integers(0, 1_000),
    after_ms=st.integers(0, int(LEAD_MS - GRAIN_MS - RETURN_MS - 2 * STEP_MS)),
    forward_ms=st.sampled_from([0.0, 5.0, 20.0]),
)
def test_a_death_that_is_seen_within_the_lead_is_not_heard(
    spoken_ms: int, unsaved_ms: int, after_ms: int, forward_ms: float
) -> None:
    """Wherever it falls, whatever the card knows: each frame once, in order, and no hole between them."""
    stage = Stage(lead_ms=LEAD_MS, forward_ms=forward_ms)
    audio = speech(6 * SECOND)
    stage.say(audio[: 3 * SECOND], "a", response="r1")
    stage.say(audio[3 * SECOND :], "b", response="r2")
    stage.run(spoken_ms)
    stage.save()
    stage.run(unsaved_ms)

    stage.succeed(max(0.0, after_ms - 2 * forward_ms))
    stage.run(8_000)

    assert stage.audio() == frames_of(audio)
    assert holes_ms(stage) == 0
    assert stage.kinds()[-1] is Silent
    assert stage.reply == [] or stage.delivery.save(stage.now).keep_from


@given(spoken_ms=st.integers(300, 3_000), after_ms=st.integers(0, 2_500), later_ms=st.integers(0, 400))
def test_the_account_of_what_was_heard_goes_on(spoken_ms: int, after_ms: int, later_ms: int) -> None:
    """A flush after a take-over, at once or later, reports what the caller has heard: never more, and hardly
    less."""
    stage = Stage(lead_ms=LEAD_MS)
    stage.say(speech(10 * SECOND), "a", response="r1")
    stage.run(spoken_ms)
    stage.succeed(after_ms)
    stage.run(later_ms)

    stage.write("flush", cut=1)
    stage.run(ATTACH_WAIT_MS + 2 * STEP_MS)

    (flushed,) = [told for told in stage.told if isinstance(told, Flushed)]
    (item,) = flushed.read_items()
    assert item.received_ms == 10_000
    assert item.heard_ms <= stage.played_ms + STEP_MS
    assert item.heard_ms >= stage.played_ms - 2 * RETURN_MS - 2 * STEP_MS


def test_a_flush_that_the_dead_owner_did_not_read_is_carried_out_first() -> None:
    """Nothing of the interrupted reply is sent any more, however much of it stands before the flush."""
    stage = Stage(lead_ms=LEAD_MS)
    new = speech(SECOND, 7)
    stage.say(speech(10 * SECOND), "a", response="r1")
    stage.run(1_000)
    heard = len(stage.played)
    stage.egress_is_frozen = True
    stage.write("flush", cut=1)
    stage.say(new, "b", response="r2", cut=1)

    stage.succeed(50)
    stage.run(2_000)

    assert stage.audio()[-50:] == frames_of(new)
    assert len(stage.played) <= heard + 50 + 5
    assert len(stage.clears) == 1


def test_what_is_void_by_the_card_waits_for_its_flush() -> None:
    """A long reply is read piece by piece; its flush is not read yet, and the card knows of it."""
    stage = Stage(lead_ms=LEAD_MS)
    stage.say(speech(10 * SECOND), "a", response="r1")
    stage.run(500)
    sent = len(stage.sent_at)
    stage.write("flush", cut=1)
    flush = stage.reply.pop()
    stage.succeed(0)

    stage.run(500)
    assert len(stage.sent_at) == sent
    stage.act(stage.delivery.on_reply(*flush, stage.now))
    stage.run(200)

    assert len(stage.clears) == 1
    assert Flushed in stage.kinds()


@pytest.mark.parametrize("says_playing", [True, False])
def test_a_clear_that_was_lost_is_sent_again(says_playing: bool) -> None:
    """The flush was reported and saved, and the owner died before its clear: what still plays is cleared."""
    stage = Stage(lead_ms=LEAD_MS, says_playing=says_playing)
    stage.say(speech(10 * SECOND), "a", response="r1")
    stage.run(500)
    stage.ingress_is_dead = True
    stage.write("flush", cut=1)
    stage.run(STEP_MS)
    stage.ingress_is_dead = False
    playing = stage.queue.copy()
    stage.clears.clear()

    assert playing
    stage.succeed(20)
    stage.run(100)

    assert len(stage.clears) == 1
    assert not stage.queue
    assert stage.kinds().count(Flushed) == 1


@pytest.mark.parametrize("dies_after_ms", [700, 760, 800, 900])
def test_the_end_of_an_answer_is_told_though_all_of_it_was_sent(dies_after_ms: int) -> None:
    """Else ingress waits for more, and takes the silence behind the answer for one that is owed."""
    stage = Stage(lead_ms=LEAD_MS)
    stage.say(speech(SECOND), "a", response="r1", debt=7)
    stage.run(dies_after_ms)
    stage.answers.clear()

    stage.succeed(50)
    stage.run(2_000)

    told = [answer for answer, _ in stage.answers]
    assert told[-1] == End(50, 7)
    assert all(isinstance(answer, Sound | End) and answer.debt == 7 for answer in told)
    assert [kind for kind in stage.kinds() if kind in (Heard, Silent)][-2:] == [Heard, Silent]


def test_numbers_of_an_older_stream_say_nothing_of_the_new_one() -> None:
    """The owner died while the call had no stream: what was under way then is said again, no more and no
    less than an owner who lives would."""
    stage = Stage(lead_ms=LEAD_MS)
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.ingress_is_dead = True
    stage.act(stage.delivery.on_detached(1, stage.now))
    heard = stage.played_ms
    stage.queue.clear()
    played = len(stage.played)
    stage.leg, stage.ingress_is_dead = 2, False

    stage.succeed(100)
    stage.run(5_000)

    second = stage.audio()[played:]
    resumed_at = frames_of(audio).index(second[0])
    assert second == frames_of(audio)[resumed_at:]
    assert heard - 80 <= resumed_at * 20 <= heard + 20
    assert stage.delivery.counters.frames_skipped == 0


def test_an_owner_that_gets_its_call_again_goes_on_behind_what_was_forwarded() -> None:
    """Ingress had dropped what it sent under its old epoch: that goes again, with its numbers."""
    stage = Stage(lead_ms=LEAD_MS)
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.ingress_is_dead = True
    stage.run(100)
    stage.ingress_is_dead = False

    stage.act(stage.delivery.on_claimed_again(stage.now))
    stage.run(5_000)

    assert stage.audio() == frames_of(audio)
    assert holes_ms(stage) == 0
    assert stage.delivery.pacer.counters.stops == 0


def test_an_answer_that_comes_late_does_not_make_more_heard_than_was() -> None:
    """Frames were sent by then, behind what still played."""
    stage = Stage(lead_ms=LEAD_MS)
    audio = speech(6 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.save()
    stage.succeed(0)
    (_, _, n, playing_ms), cut = stage._back.pop(), stage.fence_cut
    stage.run(ATTACH_WAIT_MS + 3 * STEP_MS)
    assert stage.delivery.counters.frames_sent

    stage.act(stage.delivery.on_attached(1, int(n), stage.now, cut=cut, playing_ms=playing_ms))
    for _ in range(60):
        stage.run(2 * STEP_MS)
        (item,) = stage.delivery.ledger.items
        assert stage.delivery.ledger.heard_ms(item, stage.now) <= stage.played_ms + STEP_MS
    stage.run(6_000)

    assert stage.audio() == frames_of(audio)


def test_an_answer_whose_last_mark_is_lost_costs_nothing_of_the_next_one() -> None:
    """It was heard out, and is trimmed from `reply` with some of what follows: the next owner does not count
    from it."""
    stage = Stage(lead_ms=LEAD_MS, echoes_are_lost=True)
    audio = speech(6 * SECOND)
    stage.say(audio[: 2 * SECOND], "a", response="r1")
    stage.say(audio[2 * SECOND :], "b", response="r2")
    stage.run(3_000)
    stage.save()

    stage.succeed(50)
    stage.run(6_000)

    assert stage.audio() == frames_of(audio)


def test_an_older_ingress_costs_a_lead_and_nothing_else() -> None:
    """It does not say how much still plays: the audio is whole all the same."""
    stage = Stage(lead_ms=LEAD_MS, says_playing=False)
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)

    stage.succeed(100)
    stage.run(5_000)

    assert stage.audio() == frames_of(audio)
    assert holes_ms(stage) == 0
