"""Which debt egress says that its frames answer, over whole calls: flushes, new streams, owners that die."""

from __future__ import annotations

from egress.actions import End, Sound
from shared.audio import BYTES_PER_MS
from tests.egress.stage import Stage, speech

SECOND = 1_000 * BYTES_PER_MS


def kinds(stage: Stage) -> list[tuple[type, int]]:
    """What ingress was told, in order."""
    return [(type(said), said.debt) for said, _ in stage.answers]


def test_an_answer_is_told_before_its_first_and_after_its_last_frame() -> None:
    """Two answers, one behind the other."""
    stage = Stage()
    stage.say(speech(SECOND), "a", response="r1", debt=1)
    stage.say(speech(SECOND, 1), "b", response="r2", debt=3)
    stage.run(3_000)

    assert kinds(stage) == [(Sound, 1), (End, 1), (Sound, 3), (End, 3)]
    assert [frames for _, frames in stage.answers] == [0, 50, 50, 100]


def test_an_answer_that_is_still_being_made_has_not_ended() -> None:
    """Its audio ran out: the end comes with the end of the response."""
    stage = Stage()
    stage.write("audio", "a", 0, speech(SECOND // 2), debt=1)
    stage.run(3_000)
    assert kinds(stage) == [(Sound, 1)]

    stage.write("response_end", "a", debt=1)
    stage.run(100)
    assert kinds(stage) == [(Sound, 1), (End, 1)]


def test_a_flush_ends_nothing_and_the_next_answer_is_told_again() -> None:
    """The clear says that the first one is void."""
    stage = Stage()
    stage.say(speech(5 * SECOND), "a", response="r1", debt=1)
    stage.run(1_000)
    stage.write("flush", "a", cut=1)
    stage.say(speech(SECOND, 1), "b", cut=1, response="r2", debt=2)
    stage.run(3_000)

    assert kinds(stage) == [(Sound, 1), (Sound, 2), (End, 2)]
    assert len(stage.clears) == 1


def test_a_new_stream_is_told_what_goes_on() -> None:
    """Ingress may be another process by then."""
    stage = Stage()
    stage.say(speech(3 * SECOND), "a", debt=4)
    stage.run(1_000)
    stage.open_leg()
    stage.run(4_000)

    assert kinds(stage) == [(Sound, 4), (Sound, 4), (End, 4)]


def test_a_new_owner_tells_it_again() -> None:
    """The one before died in mid-answer."""
    stage = Stage()
    stage.say(speech(3 * SECOND), "a", debt=4)
    stage.run(1_000)
    stage.delivery = stage.claim()
    stage.run(4_000)

    assert kinds(stage) == [(Sound, 4), (Sound, 4), (End, 4)]


def test_what_nobody_waits_for_is_not_told() -> None:
    """A prompt to a silent caller, of an agent that owed nothing yet."""
    stage = Stage()
    stage.say(speech(SECOND))
    stage.run(2_000)

    assert kinds(stage) == []
