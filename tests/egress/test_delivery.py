"""One call's core on a stage of given time: what is sent when, what is heard, what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress.actions import Action, Frames, Mark
from egress.heard.marks import MARK_DEADLINE_MS, mark_name
from egress.reply.intake import HELD_MOST_BYTES
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.contract.streams.control import Audible, Flushed, Heard, Silent, SilentCause
from tests.egress.stage import RETURN_MS, STEP_MS, Stage, frames_of, speech

SECOND = 8000
"""Bytes of one second."""


def test_a_reply_is_played_whole_and_on_time() -> None:
    """Three seconds in odd pieces come out as the same audio, without a gap, and are reported once."""
    stage = Stage()
    audio = speech(3 * SECOND + 77)
    stage.run(50)

    stage.say(audio, piece=333)
    stage.run(4000)

    assert stage.audio() == frames_of(audio)
    times = [when for when, _ in stage.played]
    assert times[-1] - times[0] == 20 * (len(times) - 1)
    assert stage.kinds() == [Audible, Heard, Silent]
    assert stage.silent() == Silent(
        cut=0, response_id="r", item_id="a", heard_ms=3009, frames_waiting=0, cause=SilentCause.PLAYED
    )


def test_the_first_frames_leave_at_once_and_the_rest_on_the_grid() -> None:
    """The lead's eight frames and the two that may leave early, then three every 60 ms."""
    stage = Stage()
    stage.run(200)
    began = stage.now

    stage.say(speech(SECOND))
    stage.run(200)

    waits = [when - began for when, _ in stage.sent_at]
    assert waits[:10] == [5.0] * 10
    assert waits[10:] == [65.0] * 3 + [125.0] * 3 + [185.0] * 3


def test_frames_leave_in_groups_that_end_with_their_item_and_at_each_mark() -> None:
    """Three at a time; what is joined is of one item and has no mark inside it. The audio is the same, and so
    are the places of the marks."""
    stage = Stage()
    first, second = speech(SECOND + 700), speech(SECOND // 2, 1)
    sent: list[Action] = []
    act = stage.act

    def noted(actions: list[Action]) -> None:
        sent.extend(action for action in actions if isinstance(action, Frames | Mark))
        act(actions)

    stage.act = noted  # type: ignore[method-assign]
    stage.say(first, "a", response="r1")
    stage.say(second, "b", response="r2")
    stage.run(3_000)

    assert stage.audio() == frames_of(first) + frames_of(second)
    assert max(stage.groups) == 3
    assert len(stage.groups) <= len(stage.audio()) / 3 + 6
    frames, marks = 0, []
    for action in sent:
        if isinstance(action, Frames):
            frames += len(action.audio) // FRAME_BYTES
            assert action.n == frames
        else:
            marks.append((frames, action.name))
    assert marks == [(25, "1.0.a.500"), (50, "1.0.a.1000"), (55, "1.0.a.1087"), (80, "1.0.b.500")]


def test_the_last_frames_of_an_answer_wait_for_nothing() -> None:
    """One is left for the last group: it leaves when it is due, and its mark and the end with it."""
    stage = Stage()
    stage.run(200)
    began = stage.now

    stage.say(speech(14 * FRAME_BYTES), debt=1)
    stage.run(200)

    assert [when - began for when, _ in stage.sent_at] == [5.0] * 10 + [65.0] * 3 + [125.0]
    assert [frames for _, frames in stage.answers] == [0, 14]


def test_frame_numbers_rise_over_items_cuts_and_legs() -> None:
    """No number comes twice and none is lower than one before it."""
    stage = Stage()
    stage.say(speech(SECOND), "a", response="r1")
    stage.run(300)
    stage.write("flush", cut=1)
    stage.say(speech(SECOND, 1), "b", response="r2", cut=1)
    stage.run(300)

    stage.open_leg()
    stage.run(1500)

    numbers = [n for _, n in stage.sent_at]
    assert numbers == sorted(set(numbers))


def test_a_flush_overtakes_all_that_waits() -> None:
    """Ten seconds wait; the flush clears at once, drops them, and tells what was heard to the frame."""
    stage = Stage()
    stage.say(speech(10 * SECOND))
    stage.run(1000)
    heard = len(stage.played) * 20

    stage.write("flush", cut=1)
    stage.run(2000)

    assert len(stage.clears) == 1
    assert len(stage.played) * 20 == heard
    (item,) = stage.flushed()
    assert item.received_ms == 10_000
    assert abs(item.heard_ms - heard) <= 40
    assert item.heard_ms <= item.sent_ms
    assert stage.kinds() == [Audible, Flushed, Silent]
    assert stage.silent().cause == SilentCause.FLUSHED
    assert stage.reply == []


@pytest.mark.parametrize(("after_ms", "clears"), [(100, 1), (600, 0)])
def test_what_was_heard_out_is_not_cleared_although_no_mark_came_back(after_ms: int, clears: int) -> None:
    """Twilio has nothing left to forget; the brain is told all the same. What may still play is cleared."""
    stage = Stage()
    stage.echoes_are_lost = True
    stage.say(speech(SECOND))
    stage.run(1000 + after_ms)

    stage.write("flush", cut=1)
    stage.run(100)

    assert len(stage.clears) == clears
    (item,) = stage.flushed()
    assert item.received_ms == 1_000


def test_marks_echoed_by_a_clear_prove_nothing() -> None:
    """Twilio echoes the cleared marks: they are stale, and the next reply starts from nothing heard."""
    stage = Stage()
    stage.say(speech(2 * SECOND))
    stage.run(500)
    stage.write("flush", cut=1)
    stage.run(100)

    ledger = stage.delivery.ledger

    assert ledger.counters.marks_sent > 0
    assert ledger.counters.echoes_stale == ledger.counters.echoes
    assert stage.flushed()[0].heard_ms != 2000


def test_audio_of_a_lower_cut_is_dropped_and_a_higher_cut_is_a_flush() -> None:
    """Late audio of the interrupted reply is not heard; a new reply flushes even if its flush is lost."""
    stage = Stage()
    stage.say(speech(5 * SECOND), "a", response="r1")
    stage.run(500)
    new = speech(SECOND, 7)
    stage.write("audio", "b", 0, new, cut=1, response="r2")
    stage.write("audio", "a", 5 * SECOND, speech(SECOND, 3), cut=0, response="r1")

    stage.run(2000)

    assert stage.audio()[-50:] == frames_of(new)
    assert len(stage.clears) == 1
    assert stage.delivery.intake.counters.entries_old_cut == 1


def test_a_new_brain_closes_the_item_left_open_and_the_old_one_is_not_heard() -> None:
    """The dead brain's words are played to where they end; what it writes later is dropped."""
    stage = Stage()
    old, new = speech(SECOND // 2 + 50), speech(SECOND, 5)
    stage.write("audio", "a", 0, old, epoch=1, response="r1")
    stage.say(new, "b", epoch=2, response="r2")
    stage.write("audio", "a", len(old), speech(SECOND, 9), epoch=1, response="r1")

    stage.run(3000)

    assert stage.audio() == frames_of(old) + frames_of(new)
    assert stage.delivery.intake.counters.entries_old_epoch == 1
    assert stage.kinds() == [Audible, Heard, Audible, Silent, Heard, Silent] or (
        stage.kinds().count(Silent) == 2
    )


def test_an_entry_that_comes_twice_is_said_once() -> None:
    """A write that was sent again adds nothing, even after its item was heard to the end."""
    stage = Stage()
    audio = speech(SECOND)
    stage.say(audio)
    stage.write("audio", "a", 0, audio[:1000])
    stage.run(2000)
    stage.save()
    stage.write("audio", "a", 0, audio[:1000])

    stage.run(1000)

    assert stage.audio() == frames_of(audio)
    assert stage.delivery.intake.counters.bytes_duplicated == 2000


def test_a_gap_is_counted_and_accepted() -> None:
    """Missing bytes are not invented: what is there is said, and the count is told."""
    stage = Stage()
    audio = speech(SECOND)
    stage.write("audio", "a", 0, audio[:1600])
    stage.write("audio", "a", 3200, audio[3200:])
    stage.write("item_end", "a", len(audio))

    stage.run(2000)

    assert stage.audio() == frames_of(audio)[:10] + frames_of(audio)[20:]
    assert stage.delivery.intake.counters.bytes_missing == 1600


def test_silence_between_responses_builds_no_debt() -> None:
    """The second reply begins with the lead, not with a burst of what was not said in between."""
    stage = Stage()
    stage.say(speech(SECOND), "a", response="r1")
    stage.run(10_000)
    sent = len(stage.sent_at)
    stage.say(speech(SECOND), "b", response="r2")

    stage.run(100)

    assert len(stage.sent_at) - sent == 8 + 2 + 3
    assert stage.delivery.pacer.counters.underruns == 0


def test_a_frozen_process_does_not_burst_afterwards() -> None:
    """A second asleep: at most the lead leaves at once, and nothing is lost."""
    stage = Stage()
    audio = speech(5 * SECOND)
    stage.say(audio)
    stage.run(1000)
    stage.egress_is_frozen = True
    stage.run(1000)
    stage.egress_is_frozen = False
    before = len(stage.sent_at)

    stage.run(5)
    burst = len(stage.sent_at) - before
    stage.run(6000)

    assert burst <= 8 + 2
    assert stage.audio() == frames_of(audio)


@pytest.mark.parametrize("silent_ms", [400, 3000])
def test_ingress_that_says_nothing_stops_the_reply_and_its_word_starts_it(silent_ms: int) -> None:
    """No confirmation for longer than the lead: stop, ask; on the answer go on from the last forwarded."""
    stage = Stage()
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1000)
    stage.ingress_is_dead = True
    stage.run(silent_ms)
    while_dead = len(stage.sent_at)
    stage.ingress_is_dead = False

    stage.run(8000)

    assert while_dead <= 8 + 50 + 9 + 8 * (silent_ms // 500 + 1)
    assert stage.audio() == frames_of(audio)
    assert stage.delivery.pacer.counters.stops >= 1
    assert stage.kinds() == [Audible, Heard, Silent]


@pytest.mark.parametrize("flushed_at_ms", range(300, 1500, 60))
def test_a_reply_behind_a_flush_is_whole_though_old_frames_are_still_on_their_way(flushed_at_ms: int) -> None:
    """Ingress is slow, so frames were sent twice: what it says of those of the old reply is nothing that the
    next one has played."""
    stage = Stage(forward_ms=250.0)
    stage.say(speech(4 * SECOND))
    stage.run(flushed_at_ms)
    stage.write("flush", cut=1)
    after = speech(SECOND, 7)
    stage.say(after, "b", response="r2", cut=1)
    stage.run(6000)

    assert [frame for frame in stage.audio() if frame in frames_of(after)] == frames_of(after)


@pytest.mark.parametrize("later_ms", [700.0, 4_000.0])
def test_an_end_that_nobody_heard_is_heard_on_the_new_leg(later_ms: float) -> None:
    """Ingress had confirmed every frame and dies with the last of them: no mark comes back, and it says
    nothing when asked. By the clock all was heard; it was not, and is not told."""
    stage = Stage(lead_ms=300.0)
    audio = speech(8 * 2_000)
    stage.say(audio)
    stage.run(1_850)
    assert stage.delivery.pacer.unconfirmed_since_ms is None, "all was confirmed"
    stage.ingress_is_dead = stage.echoes_are_lost = True
    stage.queue.clear()
    heard = len(stage.played)
    stage.run(later_ms)
    stage.save()
    assert not any(isinstance(told, Heard | Silent) for told in stage.told)

    stage.echoes_are_lost = False
    stage.open_leg()
    stage.run(1_000)

    again = stage.audio()[heard:]
    assert again == frames_of(audio)[-len(again) :]
    assert 0 <= heard + len(again) - len(frames_of(audio)) <= stage.lead_ms / FRAME_MS
    assert stage.silent().heard_ms == 2_000


def test_lost_echoes_end_an_answer_where_ingress_is_there() -> None:
    """Twilio sends no mark back: asked, ingress answers, and the clock's word is taken."""
    stage = Stage(echoes_are_lost=True)
    stage.say(speech(8 * 2_000))
    stage.run(2_000 + MARK_DEADLINE_MS + 500)
    assert stage.silent().heard_ms == 2_000


def test_a_new_leg_goes_on_from_what_was_heard() -> None:
    """Ingress dies in mid-word and a new socket comes: at most 300 ms are repeated, none is skipped."""
    stage = Stage()
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1000)
    stage.ingress_is_dead = True
    in_flight = len([held for held in stage.queue if isinstance(held, bytes)])
    stage.queue.clear()
    heard = len(stage.played)
    stage.run(1000)

    stage.open_leg()
    stage.run(6000)

    again = stage.audio()[heard:]
    resumed_at = frames_of(audio).index(again[0])
    assert 0 < in_flight <= 9
    assert -1 <= heard - resumed_at <= 8
    assert again == frames_of(audio)[resumed_at:]
    assert stage.kinds() == [Audible, Heard, Silent]


@pytest.mark.parametrize(
    ("seconds", "after_ms", "was_open"), [(4, 2_600, True), (1, 2_600, True), (4, 10_500, False)]
)
def test_what_played_on_is_not_said_again(seconds: int, after_ms: float, was_open: bool) -> None:
    """The host of an ingress vanishes: Twilio keeps its socket and plays what it has, until it is asked for
    the call. The new leg goes on where that ended; of an answer that was all there nothing is left."""
    stage = Stage(lead_ms=300.0)
    audio = speech(seconds * SECOND)
    stage.say(audio)
    stage.run(960)
    stage.ingress_is_dead = stage.echoes_are_lost = True
    stage.run(after_ms)
    heard = len(stage.played)
    assert 960 / FRAME_MS < heard < 1_300 / FRAME_MS

    stage.echoes_are_lost = False
    stage.open_leg(was_open=was_open)
    stage.run(6_000)

    again = stage.audio()[heard:]
    assert again == (frames_of(audio)[-len(again) :] if again else [])
    skipped = len(frames_of(audio)) - heard - len(again)
    assert abs(skipped) <= 5, "what was told last, and what was told too late to be known"
    assert stage.kinds()[-1] is Silent
    assert stage.silent().heard_ms == seconds * SECOND / 8


def test_what_a_socket_got_after_its_end_is_said_again() -> None:
    """An ingress stands still, and the carrier is asked for its call. Then it goes on, and gives the socket
    that is no longer heard what came meanwhile: its word of that is true, and nobody heard it."""
    stage = Stage(lead_ms=300.0)
    audio = speech(4 * SECOND)
    stage.ingress_is_dead = stage.echoes_are_lost = True
    stage.say(audio)
    stage.run(1_500)
    sent = len(stage.sent_at)
    assert 15 < sent < 50
    stage.act(stage.delivery.on_detached(1, stage.now))
    stage.run(40)
    stage.act(stage.delivery.on_forwarded(1, stage.sent_at[-1][1], 0, stage.now))
    stage.run(800)

    stage.ingress_is_dead = stage.echoes_are_lost = False
    stage.open_leg(was_open=True)
    stage.run(6_000)

    assert stage.audio() == frames_of(audio)
    assert stage.silent().heard_ms == 4_000


def standing_still(after_ms: float, for_ms: float) -> tuple[Stage, bytes]:
    """An ingress that has stood still for so long since then, and four seconds of speech."""
    stage, audio = Stage(lead_ms=300.0), speech(4 * SECOND)
    stage.say(audio)
    stage.run(after_ms)
    stage.ingress_is_dead = stage.echoes_are_lost = True
    stage.run(for_ms)
    return stage, audio


@pytest.mark.parametrize("alive_ms", [900, 920, 940, 960, 980, 1_000])
def test_what_an_ingress_says_late_takes_nothing_back_that_was_heard(alive_ms: int) -> None:
    """It stands still, the carrier is asked for its call, and then it tells what it had given the socket
    before: that its word is late does not mean that the ear was."""
    stage, audio = standing_still(alive_ms, 1_900)
    heard, given = len(stage.played), stage.highest_n
    stage.act(stage.delivery.on_detached(1, stage.now))
    stage.run(500)
    stage.act(stage.delivery.on_echo(mark_name(1, 0, "a", 1_000), stage.now))
    stage.act(stage.delivery.on_forwarded(1, given, 0, stage.now))
    stage.act(stage.delivery.on_attached(1, given, stage.now))
    stage.run(200)

    stage.echoes_are_lost = False
    stage.open_leg(was_open=True)
    stage.run(6_000)

    again = stage.audio()[heard:]
    assert again == frames_of(audio)[-len(again) :]
    assert 0 <= heard + len(again) - len(frames_of(audio)) <= 5, "what was never told in time"


@pytest.mark.parametrize("alive_ms", [900, 920, 940, 960, 980, 1_000])
@pytest.mark.parametrize("is_echo_first", [True, False])
def test_an_ingress_that_wakes_up_takes_nothing_back_that_was_heard(
    alive_ms: int, is_echo_first: bool
) -> None:
    """It stood still and goes on, with echoes that waited in its socket; a moment later the carrier ends the
    stream. What played while it stood still was heard."""
    stage, audio = standing_still(alive_ms, 2_000)
    given, stage.ingress_is_dead = stage.highest_n, False
    echo = mark_name(1, 0, "a", 1_000)
    if is_echo_first:
        stage.act(stage.delivery.on_echo(echo, stage.now))
    stage.act(stage.delivery.on_forwarded(1, given, 0, stage.now))
    if not is_echo_first:
        stage.act(stage.delivery.on_echo(echo, stage.now))
    stage.run(60)
    stage.queue.clear()
    stage.act(stage.delivery.on_detached(1, stage.now, word_ago_ms=0.0))
    stage.run(300)

    stage.echoes_are_lost = False
    stage.open_leg(was_open=True)
    stage.run(6_000)

    assert abs(len(stage.audio()) - len(frames_of(audio))) <= 3, "what was under way at its end"


@pytest.mark.parametrize("before_end_ms", [20, 60, 100, 140, 180, 220])
def test_an_ingress_that_dies_in_the_last_word_costs_little(before_end_ms: float) -> None:
    """All was given long before: it has told since that it was there."""
    stage, audio = Stage(lead_ms=300.0), speech(2 * SECOND)
    stage.say(audio)
    while len(stage.played) < len(frames_of(audio)) - before_end_ms / FRAME_MS:
        stage.run(STEP_MS)
    stage.ingress_is_dead = stage.echoes_are_lost = True
    stage.queue.clear()
    heard = len(stage.played)
    stage.run(100)
    stage.act(stage.delivery.on_detached(1, stage.now))

    stage.echoes_are_lost = False
    stage.open_leg()
    stage.run(6_000)

    again = stage.audio()[heard:]
    assert again == (frames_of(audio)[-len(again) :] if again else [])
    assert 0 <= heard + len(again) - len(frames_of(audio)) <= 240 / FRAME_MS


def test_a_detached_call_is_silent_until_the_next_stream() -> None:
    """Between two media streams nothing is sent and nothing is counted as heard."""
    stage = Stage()
    stage.say(speech(4 * SECOND))
    stage.run(1000)
    stage.act(stage.delivery.on_detached(1, stage.now))
    sent = len(stage.sent_at)

    stage.run(2000)

    assert len(stage.sent_at) == sent
    playhead = stage.delivery.ledger.playhead
    assert playhead is not None
    assert stage.delivery.ledger.heard_ms(playhead, stage.now) <= 1000


@pytest.mark.parametrize(
    ("word_ago_ms", "least_ms", "most_ms"), [(None, 100, 240), (0.0, 0, 40), (60.0, 20, 100)]
)
def test_a_stream_that_was_closed_was_there_to_its_end(
    word_ago_ms: float | None, least_ms: float, most_ms: float
) -> None:
    """Ingress says so, at once or a little later; where it broke, the last report is the last word."""
    stage = Stage()
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.ingress_is_dead = True  # No report any more: what was given plays on.
    stage.run(100)
    stage.act(stage.delivery.on_detached(1, stage.now, word_ago_ms=word_ago_ms))
    played = len(stage.played)

    resumed = stage.delivery.on_stream(2, "ingress-1@h#2", stage.now)

    first = next(action for action in resumed if isinstance(action, Frames))
    at = frames_of(audio).index(first.audio[:FRAME_BYTES])
    assert least_ms <= (played - at) * 20 <= most_ms


@pytest.mark.parametrize("word_ago_ms", [None, 0.0, 500.0])
def test_a_clock_that_is_wrong_takes_back_nothing_that_ingress_said(word_ago_ms: float | None) -> None:
    """The word that the stream is closed bears the server's time; frames that it reported have played."""
    stage = Stage()
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1_000)
    stage.act(stage.delivery.on_detached(1, stage.now, word_ago_ms=word_ago_ms))
    played = len(stage.played)

    resumed = stage.delivery.on_stream(2, "ingress-1@h#2", stage.now)

    first = next(action for action in resumed if isinstance(action, Frames))
    assert (played - frames_of(audio).index(first.audio[:FRAME_BYTES])) * 20 <= 100


@pytest.mark.parametrize("saved_before_ms", [0, 200, 900])
def test_a_new_owner_says_nothing_twice_and_loses_no_frame(saved_before_ms: int) -> None:
    """Egress dies: the next one asks how far it came, and goes on with the next frame."""
    stage = Stage()
    audio = speech(4 * SECOND + 30)
    stage.say(audio[:9000], "a", response="r1")
    stage.say(audio[9000:], "b", response="r2")
    stage.run(1000)
    stage.save()
    stage.run(saved_before_ms)
    dead = stage.delivery

    stage.run(0)
    stage.claim()
    stage.run(6000)

    assert stage.delivery is not dead
    assert stage.audio() == frames_of(audio[:9000]) + frames_of(audio[9000:])
    assert stage.kinds().count(Audible) == 2
    assert stage.kinds()[-1] is Silent


def test_a_new_owner_without_an_answer_goes_on_from_the_card() -> None:
    """Ingress does not answer within 100 ms: numbers go on from the card, ingress drops the overlap."""
    stage = Stage()
    audio = speech(4 * SECOND)
    stage.say(audio)
    stage.run(1000)
    stage.save()
    stage.run(500)
    stage.ingress_is_dead = True
    stage.claim()
    stage.ingress_is_dead = False

    stage.run(6000)

    assert stage.audio() == frames_of(audio)


def test_a_new_owner_after_a_flush_is_heard() -> None:
    """Numbers of a new reply lie above all that the dead owner may have sent."""
    stage = Stage()
    stage.say(speech(4 * SECOND), "a", response="r1")
    stage.run(500)
    stage.save()
    stage.run(900)
    stage.ingress_is_dead = True
    stage.claim()
    stage.ingress_is_dead = False
    new = speech(SECOND, 4)
    stage.write("flush", cut=1)
    stage.say(new, "b", response="r2", cut=1)

    stage.run(3000)

    assert stage.audio()[-50:] == frames_of(new)


def test_trimming_keeps_what_was_not_heard() -> None:
    """`reply` loses exactly the entries that were heard; the rest is there for the next owner."""
    stage = Stage()
    stage.say(speech(4 * SECOND), piece=800)
    stage.run(1000)
    heard = len(stage.played) * 160

    stage.save()

    left = [entry for _, entry in stage.reply if entry.audio]
    assert left[0].offset_bytes <= heard
    assert left[0].offset_bytes >= heard - 2400
    assert int(stage.card["tx_q_ms"]) == 4000 - len(stage.sent_at) * 20


def test_the_card_says_from_the_first_frame_on_where_playing_stands() -> None:
    """A caller who leaves within the second has not heard the whole item, and the transcript can tell."""
    stage = Stage()
    stage.say(speech(2 * SECOND), item="i1", response="r1")

    stage.run(20)

    assert (stage.card["playhead_item"], stage.card["audible_response"]) == ("i1", "r1")
    assert int(stage.card["playhead_ms"]) < 200


def test_all_heard_leaves_an_empty_reply() -> None:
    """When the caller has heard everything there is nothing left in `reply`."""
    stage = Stage()
    stage.say(speech(SECOND))
    stage.run(2000)

    stage.save()

    assert stage.reply == []
    assert stage.card["playhead_item"] == ""
    assert stage.card["audible_response"] == ""
    assert not stage.delivery.is_busy


def test_lost_echoes_do_not_keep_a_response_audible() -> None:
    """No echo ever comes: two seconds after its audio the response is silent all the same."""
    stage = Stage(echoes_are_lost=True)
    stage.say(speech(SECOND))

    stage.run(2500)
    before = stage.kinds()
    stage.run(1000)

    assert before == [Audible]
    assert stage.kinds() == [Audible, Heard, Silent]
    assert stage.delivery.ledger.counters.marks_lost == 2


def test_a_response_without_an_end_falls_silent() -> None:
    """The brain dies before item_end: when all was heard for 3 s, the caller hears nobody."""
    stage = Stage()
    stage.write("audio", "a", 0, speech(SECOND))

    stage.run(6000)

    assert stage.kinds() == [Audible, Silent]


def test_a_very_long_reply_is_held_in_redis() -> None:
    """Two minutes written at once: egress holds about 30 s of it, and plays it all."""
    stage = Stage()
    audio = speech(120 * SECOND)
    stage.say(audio, piece=4000)
    stage.run(100)
    held = stage.delivery.backlog.held_bytes

    stage.run(125_000)

    assert held <= HELD_MOST_BYTES + 4000
    assert stage.audio() == frames_of(audio)
    assert stage.delivery.intake.counters.fillings == 1
    assert stage.kinds() == [Audible, Heard, Silent]


def test_a_flush_is_found_behind_what_is_not_held() -> None:
    """A flush behind two minutes of audio is seen at once."""
    stage = Stage()
    stage.say(speech(120 * SECOND), piece=4000)
    stage.run(500)
    stage.write("flush", cut=1)
    new = speech(SECOND, 8)
    stage.say(new, "b", cut=1, response="r2")

    stage.run(1500)

    assert len(stage.clears) == 1
    assert stage.audio()[-50:] == frames_of(new)


def test_an_ended_call_does_nothing_more() -> None:
    """After the end no frame leaves, and what was audible is reported silent."""
    stage = Stage()
    stage.say(speech(4 * SECOND))
    stage.run(500)
    stage.act(stage.delivery.on_ended(stage.now))
    sent = len(stage.sent_at)

    stage.run(1000)

    assert len(stage.sent_at) == sent
    assert stage.silent().cause == SilentCause.ENDED
    assert not stage.delivery.is_busy


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 5, 20, 60, 150, 400]), st.integers(1, 200)), min_size=1, max_size=10
    )
)
def test_never_is_more_said_to_be_heard_than_was_played(steps: list[tuple[int, int]]) -> None:
    """However long frames need to Twilio, and however that changes under way."""
    stage = Stage()
    stage.say(speech(60_000))
    for forward_ms, duration in steps:
        stage.forward_ms = forward_ms
        for _ in range(duration):
            stage.run(STEP_MS)
            for item in stage.delivery.ledger.items:
                assert stage.delivery.ledger.heard_ms(item, stage.now) <= stage.played_ms + STEP_MS


@pytest.mark.parametrize("forward_ms", [0, 20, 40])
@pytest.mark.parametrize("ran_ms", [300, 450, 900, 2_300])
def test_what_is_said_to_be_heard_lags_by_no_more_than_the_way_back(forward_ms: int, ran_ms: int) -> None:
    """At the start of a reply as well as later, once the first confirmation or echo has come."""
    stage = Stage(forward_ms=forward_ms)
    stage.say(speech(60_000))
    stage.run(ran_ms)

    stage.write("flush", cut=1)
    stage.run(STEP_MS)

    (report,) = stage.flushed()
    assert stage.played_ms - RETURN_MS - 4 * STEP_MS <= report.heard_ms <= stage.played_ms


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 60)),
        st.tuples(st.just("say"), st.integers(1, 9000)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("leg"), st.just(0)),
        st.tuples(st.just("dead"), st.just(0)),
        st.tuples(st.just("alive"), st.just(0)),
        st.tuples(st.just("detach"), st.just(0)),
        st.tuples(st.just("freeze"), st.integers(1, 60)),
        st.tuples(st.just("save"), st.just(0)),
        st.tuples(st.just("owner"), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(Steps)
def test_whatever_happens_the_last_reply_is_heard_and_the_call_comes_to_rest(
    steps: list[tuple[str, int]],
) -> None:
    """Under any order of faults: nothing stale is heard after a flush, every audible response falls
    silent, figures stay in order, and a reply at the end is played whole."""
    stage = Stage()
    said, cut = 0, 0
    for kind, value in steps:
        if kind == "run":
            stage.run(value * 5)
        elif kind == "say":
            said += 1
            stage.say(speech(value, said), f"i{said}", response=f"r{said}", cut=cut)
        elif kind == "flush":
            cut += 1
            stage.write("flush", cut=cut)
        elif kind == "leg":
            stage.open_leg()
        elif kind in ("dead", "alive"):
            stage.ingress_is_dead = kind == "dead"
        elif kind == "detach":
            stage.act(stage.delivery.on_detached(stage.leg, stage.now))
        elif kind == "freeze":
            stage.egress_is_frozen = True
            stage.run(value * 5)
            stage.egress_is_frozen = False
        elif kind == "save":
            stage.save()
        else:
            stage.claim()
        for item in stage.delivery.ledger.items:
            heard = stage.delivery.ledger.heard_ms(item, stage.now)
            assert 0 <= heard <= item.sent_ms <= item.received_ms + 20
    stage.open_leg()
    stage.write("flush", cut=cut + 1)
    last = speech(4000, 999)
    stage.say(last, "last", response="last", cut=cut + 1)
    stage.run(1200)
    stage.save()

    assert stage.audio()[-25:] == frames_of(last)
    assert stage.kinds()[-1] is Silent
    assert stage.delivery.ledger.audible_response == ""
    assert not stage.delivery.is_busy
    assert stage.reply == []
