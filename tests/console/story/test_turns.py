"""A row a turn: from the end of a voice to the first sound of the answer."""

from __future__ import annotations

from console.story.turns import Turn, turns
from shared.contract.streams.journal import Kind
from tests.support.story_samples import BEGAN_MS, EGRESS, line, reply, voice, whole_call


def test_the_stages_of_an_answer() -> None:
    """Each after the end of the voice, the ear by the last echo."""
    (turn,) = turns([*voice(1_000, 3_000), *reply(1, 3_600, 4_500, 4_000, 6_000)], BEGAN_MS, ear_behind_ms=60)
    assert (turn.number, turn.ended_ms, turn.is_ours) == (1, 3_000, False)
    stages = (turn.created_ms, turn.first_ms, turn.sent_ms, turn.heard_ms)
    assert [turn.after(each) for each in stages] == [600, 900, 1_000, 1_060]
    assert turn.took_ms == 1_060


def test_a_whole_call() -> None:
    """The greeting is ours; the interrupted turn has its answer; the last one has none."""
    found = turns(whole_call(), BEGAN_MS)
    assert [(turn.number, turn.is_ours, turn.response_id, turn.tools) for turn in found] == [
        (1, True, "r1", 0), (2, False, "r2", 0), (3, False, "", 1),
    ]  # fmt: skip
    assert found[2].took_ms is None


def test_who_talks_on_waits_from_their_last_word() -> None:
    """Two voices before an answer are one turn."""
    entries = [*voice(0, 1_000), *voice(1_500, 2_500, "u2"), *reply(1, 3_000, 4_000, 3_400, 6_000)]
    (turn,) = turns(entries, BEGAN_MS)
    assert (turn.ended_ms, turn.took_ms) == (2_500, 900)


def test_of_several_that_were_asked_for_the_one_with_a_sound_answers() -> None:
    """A response that was superseded at its birth."""
    entries = [*voice(0, 1_000), line(1_200, Kind.RESPONSE_CREATED, response="r0"),
               *reply(1, 1_600, 2_600, 2_000, 4_000)]  # fmt: skip
    (turn,) = turns(entries, BEGAN_MS)
    assert (turn.response_id, turn.after(turn.created_ms)) == ("r1", 600)


def test_a_take_over_sends_no_first_frame_again() -> None:
    """The next egress says that it is audible: the caller heard it before."""
    entries = [*voice(0, 1_000), *reply(1, 1_600, 2_600, 2_000, 9_000),
               line(5_000, Kind.AUDIBLE, EGRESS, response="r1", item="i1")]  # fmt: skip
    (turn,) = turns(entries, BEGAN_MS)
    assert turn.sent_ms == 2_000


def test_a_clock_that_is_off_makes_no_negative_wait() -> None:
    """The brain's wall clock and the server's may differ."""
    assert Turn(number=1, ended_ms=2_000, created_ms=1_900).after(1_900) == 0
