"""When a turn is open, and what of the caller's voice is kept. Positions are ms of the server's clock."""

from __future__ import annotations

import math

from brain.caller.turns import (
    KEPT_BEFORE_PROOF_MS,
    KEPT_BEFORE_STOP_MS,
    SETTLE_WITHIN_MS,
    Turns,
)
from shared.contract.streams.caller import TURN_MOST_MS

NEVER = math.inf
"""When a session is replaced though a turn is open."""


def test_outside_a_turn_what_is_proven_is_forgotten_but_for_the_last_moments() -> None:
    """They hold the first sounds of a turn of which the server has not told yet. What is not proven stays."""
    turns = Turns()

    assert turns.keep_from(100_000, 101_000) == 100_000 - KEPT_BEFORE_PROOF_MS
    assert turns.keep_from(100_000, 110_000) == 100_000 - KEPT_BEFORE_PROOF_MS


def test_what_was_forgotten_is_not_asked_for() -> None:
    """Also by a session that has proven nothing yet."""
    turns = Turns()
    turns.keep_from(100_000, 100_000)

    assert turns.keep_from(0, 0) == 100_000 - KEPT_BEFORE_PROOF_MS


def test_an_open_turn_is_kept_whole() -> None:
    """From shortly before the first sign of speech, however much of it is proven."""
    turns = Turns()
    turns.speech_started("u1", 100_000)

    assert turns.keep_from(120_000, 120_000) == 100_000 - KEPT_BEFORE_PROOF_MS


def test_no_more_is_kept_than_the_bound() -> None:
    """Neither of a turn without end nor of audio that nobody proves."""
    turns = Turns()
    turns.speech_started("u1", 100_000)

    assert turns.keep_from(100_000, 400_000) == 400_000 - TURN_MOST_MS


def test_a_turn_is_over_when_its_text_is_history() -> None:
    """The next session reads it."""
    turns = Turns()
    turns.speech_started("u1", 0)
    turns.speech_stopped(1_000, 0)
    assert not turns.may_be_cut(0.0, NEVER)

    turns.settled("u1")

    assert turns.may_be_cut(0.0, NEVER)


def test_a_turn_is_over_when_its_answer_has_sound() -> None:
    """Whether its text came or not: a session that is lost then must not answer it again."""
    turns = Turns()
    turns.speech_started("u1", 100_000)
    turns.speech_stopped(1_000, 103_000)

    turns.answered()

    assert turns.may_be_cut(0.0, NEVER)
    assert not turns.session_lost(1_500)
    assert turns.keep_from(103_100, 103_100) == 103_000 - KEPT_BEFORE_STOP_MS


def test_a_turn_that_was_not_answered_is_said_again() -> None:
    """Also one that the caller was in the middle of."""
    stopped, speaking = Turns(), Turns()
    for turns in (stopped, speaking):
        turns.speech_started("u1", 100_000)
    stopped.speech_stopped(1_000, 103_000)

    for turns in (stopped, speaking):
        assert turns.session_lost(9_000)
        assert turns.keep_from(103_000, 110_000) == 100_000 - KEPT_BEFORE_PROOF_MS


def test_an_answer_is_not_one_to_what_the_caller_is_saying() -> None:
    """They went on before it had sound: that is still to be answered."""
    turns = Turns()
    turns.speech_started("u1", 0)
    turns.speech_stopped(1_000, 0)
    turns.speech_started("u2", 0)

    turns.answered()
    assert not turns.may_be_cut(0.0, NEVER)
    turns.speech_stopped(3_000, 0)
    assert not turns.may_be_cut(0.0, NEVER)
    turns.answered()
    assert turns.may_be_cut(0.0, NEVER)


def test_what_never_comes_is_not_waited_for() -> None:
    """Longer than a caller waits for an answer."""
    turns = Turns()
    turns.speech_started("u1", 0)
    turns.speech_stopped(1_000, 0)

    turns.expire(1_000 + SETTLE_WITHIN_MS - 1)
    assert not turns.may_be_cut(0.0, NEVER)
    turns.expire(1_000 + SETTLE_WITHIN_MS)
    assert turns.may_be_cut(0.0, NEVER)


def test_speaking_again_keeps_the_turn_open() -> None:
    """Two items, one open turn, until both are history."""
    turns = Turns()
    turns.speech_started("u1", 0)
    turns.speech_stopped(0, 0)
    turns.speech_started("u2", 0)
    turns.settled("u1")

    turns.expire(90_000)
    assert not turns.may_be_cut(0.0, NEVER)


def test_an_open_turn_is_not_cut_before_the_last_moment() -> None:
    """It would be said twice: to the old session, and out of `turn` to the new one."""
    turns = Turns()
    assert turns.may_be_cut(1_000.0, 5_000.0)

    turns.speech_started("u", 7)
    assert not turns.may_be_cut(4_999.0, 5_000.0)
    assert turns.may_be_cut(5_000.0, 5_000.0)

    turns.speech_stopped(1_000.0, 8)
    turns.settled("u")
    assert turns.may_be_cut(1_500.0, 5_000.0)


def test_what_the_past_tells_is_not_said_again() -> None:
    """Only what comes after it."""
    turns = Turns()
    turns.told(5_000)
    assert turns.keep_from(0, 0) == 5_001
