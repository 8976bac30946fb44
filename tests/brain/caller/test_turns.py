"""How long the caller's audio is kept."""

from __future__ import annotations

from brain.caller.turns import CloseTurn, MoveTurn, Trim, Turns


def test_outside_a_turn_what_was_appended_is_forgotten_once() -> None:
    """And nothing is written while nothing new came."""
    turns = Turns(transcribed=True)

    assert turns.upkeep("5-0", 0) == [Trim("5-0")]
    assert turns.upkeep("5-0", 500) == []


def test_inside_a_turn_it_is_moved() -> None:
    """From the first sign of speech on."""
    turns = Turns(transcribed=True)

    assert turns.speech_started("u1", "7-0") == [MoveTurn("7-0")]
    assert turns.upkeep("9-0", 0) == [MoveTurn("9-0")]


def test_a_turn_closes_when_its_text_is_history() -> None:
    """Not before."""
    turns = Turns(transcribed=True)
    turns.speech_started("u1", "")
    turns.speech_stopped(1_000)
    turns.committed("u1")
    assert turns.upkeep("9-0", 1_500) == [MoveTurn("9-0")]

    turns.settled("u1")

    assert turns.upkeep("11-0", 2_000) == [CloseTurn(), Trim("11-0")]


def test_without_transcripts_the_commit_closes_it() -> None:
    """There is nothing more to wait for."""
    turns = Turns(transcribed=False)
    turns.speech_started("u1", "")
    turns.speech_stopped(1_000)
    turns.committed("u1")

    assert CloseTurn() in turns.upkeep("9-0", 1_000)


def test_a_transcript_that_never_comes_is_not_waited_for() -> None:
    """10 s after the turn's end."""
    turns = Turns(transcribed=True)
    turns.speech_started("u1", "")
    turns.speech_stopped(1_000)

    assert turns.upkeep("", 10_999) == []
    assert turns.upkeep("", 11_000) == [CloseTurn()]


def test_speaking_again_keeps_the_turn_open() -> None:
    """Two items, one open turn, until both are history."""
    turns = Turns(transcribed=True)
    turns.speech_started("u1", "")
    turns.speech_stopped(0)
    turns.speech_started("u2", "")
    turns.settled("u1")

    assert turns.upkeep("", 20_000) == []
    assert turns.is_open


def test_an_open_turn_is_not_cut_before_the_last_moment() -> None:
    """It would be said twice: to the old session, and out of `turn` to the new one."""
    turns = Turns(transcribed=True)
    assert turns.may_be_cut(1_000.0, 5_000.0)

    turns.speech_started("u", "7-0")
    assert not turns.may_be_cut(4_999.0, 5_000.0)
    assert turns.may_be_cut(5_000.0, 5_000.0)

    turns.speech_stopped(1_000.0)
    turns.settled("u")
    assert not turns.may_be_cut(1_500.0, 5_000.0)
    turns.upkeep("9-0", 1_500.0)
    assert turns.may_be_cut(1_500.0, 5_000.0)
