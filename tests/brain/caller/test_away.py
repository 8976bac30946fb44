"""Where the caller is, and what it means when they return."""

from __future__ import annotations

import orjson
import pytest

from brain.caller.away import DIGITS_SENT, MAX_STATUS_CHARS, Away
from brain.sequencer.actions import Move
from shared.contract.card import Next

DIAL = Move(kind=Next.DIAL, argument="+15550001111", call_id="call_1")
DIGITS = Move(kind=Next.DIGITS, argument="12#", call_id="call_2")


def test_a_caller_who_was_not_sent_away_is_simply_back() -> None:
    """A stream that was lost and came again."""
    away = Away(is_here=True)
    away.left()
    assert not away.is_here

    assert away.returned() is None
    assert away.is_here


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("busy", "busy"),
        ("no-answer", "nobody answered"),
        ("failed", "the call could not be connected"),
        ("", "the call could not be connected"),
    ],
)
def test_the_model_is_told_what_became_of_a_number(status: str, reason: str) -> None:
    """In words, by the carrier's own; also where the carrier said nothing."""
    away = Away(is_here=True)
    away.sent(DIAL)
    away.left()
    away.dialled(status)

    back = away.returned()

    assert back is not None
    assert (back.call_id, back.kind, back.status) == ("call_1", Next.DIAL, status)
    assert orjson.loads(back.output) == {"status": "not_connected", "reason": reason}


def test_digits_were_played() -> None:
    """A stream that comes back says so."""
    away = Away(is_here=True)
    away.sent(DIGITS)

    back = away.returned()

    assert back is not None
    assert (back.call_id, back.output) == ("call_2", DIGITS_SENT)


def test_a_return_is_told_once() -> None:
    """The next stream is another matter, and so is what the number before became."""
    away = Away(is_here=True)
    away.sent(DIAL)
    away.dialled("busy")
    away.returned()

    assert away.returned() is None
    away.sent(DIAL)
    again = away.returned()
    assert again is not None
    assert again.status == ""


def test_a_status_is_bounded() -> None:
    """It goes into the journal, and comes from outside."""
    away = Away(is_here=True)
    away.sent(DIAL)
    away.dialled("x" * 1_000)

    back = away.returned()
    assert back is not None
    assert len(back.status) == MAX_STATUS_CHARS
