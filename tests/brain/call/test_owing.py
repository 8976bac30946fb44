"""What is said of a debt to ingress, and since when the model owes it: with literal times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.call.owing import AnswerDue, Owing, Standing
from brain.sequencer import SlotState
from brain.sequencer.debts import Debts, Owed
from shared.contract.owed import DebtCause
from shared.contract.streams.pairs import Owes
from tests.brain.call.standings import QUIET


def owed(since_ms: float, number: int = 1) -> Owed:
    """An answer to a turn."""
    return Owed(number, DebtCause.TURN, since_ms)


ASKED = replace(QUIET, slot=SlotState.REQUESTED, is_busy=True, owed=owed(900.0))
AT_A_TOOL = replace(ASKED, slot=SlotState.FREE, tools_run=True)


# What ingress is told.


def said(owing: Owing, debts: Debts, now_ms: float) -> Owes:
    """With nobody speaking, and no tool."""
    return owing.words(debts, now_ms, is_caller_speaking=False, is_deaf=False, is_patient=False)


def test_the_age_of_what_is_owed_is_said() -> None:
    """Since the oldest debt that stands."""
    owing, debts = Owing(), Debts()
    assert said(owing, debts, 0.0) == Owes(number=0, is_paid=True)

    debts.owe(DebtCause.GREETING, 1_000.0)
    assert said(owing, debts, 3_000.0) == Owes(number=1, age_ms=2_000, cause=DebtCause.GREETING)

    debts.settle(1, 4_000.0)
    debts.owe(DebtCause.TURN, 5_000.0)
    assert said(owing, debts, 6_000.0) == Owes(number=2, age_ms=1_000, cause=DebtCause.TURN)


def test_the_number_stays_when_the_debt_is_paid_or_taken_back() -> None:
    """Ingress judges by it; that it was taken back is said too."""
    owing, debts = Owing(), Debts()
    debts.owe(DebtCause.TURN, 0.0)
    debts.settle(1, 500.0)
    assert said(owing, debts, 1_000.0) == Owes(number=1, is_paid=True)

    debts.owe(DebtCause.TOOL, 2_000.0)
    debts.waive(2, 2_000.0)
    assert said(owing, debts, 2_500.0) == Owes(number=2, is_paid=True, is_waived=True)


def test_age_alone_is_no_news() -> None:
    """A change is told at once, the rest with the word of the second."""
    owing = Owing()
    assert owing.changed(Owes(number=0, is_paid=True))
    assert not owing.changed(Owes(number=0, is_paid=True))
    assert owing.changed(Owes(number=1, cause=DebtCause.TURN))
    assert not owing.changed(Owes(number=1, age_ms=700, cause=DebtCause.TURN))
    assert owing.changed(Owes(number=1, age_ms=700, cause=DebtCause.TURN, is_caller_speaking=True))


# The model's part.


def looked(due: AnswerDue, at_ms: float, call: Standing) -> float | None:
    due.check_model(at_ms, call)
    return due.model_owes_since_ms


def test_a_model_owes_the_answer_from_the_callers_last_word_on() -> None:
    """Not from the next look."""
    due = AnswerDue()
    looked(due, 5_000.0, QUIET)
    waits = replace(QUIET, owed=owed(5_800.0))

    assert looked(due, 6_000.0, waits) == 5_800.0
    assert looked(due, 6_500.0, replace(waits, slot=SlotState.REQUESTED)) == 5_800.0


@pytest.mark.parametrize("slot", SlotState)
def test_a_model_that_was_asked_owes_a_response(slot: SlotState) -> None:
    """Also where nobody waits for one."""
    is_its_turn = slot in (
        SlotState.REQUESTED,
        SlotState.GENERATING,
        SlotState.GENERATING_AND_REQUESTED,
    )
    due = AnswerDue()
    looked(due, 900.0, QUIET)
    assert looked(due, 1_000.0, replace(QUIET, slot=slot)) == (1_000.0 if is_its_turn else None)


def test_a_model_that_is_not_there_or_takes_nothing_owes_that() -> None:
    """No session; a socket that does not keep up."""
    assert looked(AnswerDue(), 1_000.0, replace(QUIET, has_session=False)) == 1_000.0
    assert looked(AnswerDue(), 1_000.0, replace(QUIET, takes_audio=False)) == 1_000.0


def test_an_answer_that_came_is_not_the_models_debt_any_more() -> None:
    """The caller may still wait for it: then it is somebody else's."""
    due, waits = AnswerDue(), replace(QUIET, owed=owed(900.0))
    assert looked(due, 1_000.0, waits) == 900.0
    due.audio_came(1)

    assert looked(due, 1_500.0, waits) is None
    assert looked(due, 9_000.0, replace(QUIET, owed=owed(8_500.0, 2))) == 8_500.0


def test_the_time_of_a_tool_is_not_the_models() -> None:
    """The answer is due since the caller's turn, but while the tool ran the model owed nothing."""
    due = AnswerDue()
    assert looked(due, 1_000.0, ASKED) == 900.0
    for at in range(1_500, 6_500, 500):
        assert looked(due, float(at), AT_A_TOOL) is None

    assert looked(due, 6_500.0, ASKED) == 6_000.0


def test_nobody_waits_while_the_caller_is_away_or_after_the_last_word() -> None:
    """What it owes then is owed from when they are back."""
    due = AnswerDue()

    assert looked(due, 1_000.0, replace(ASKED, is_here=False)) is None
    assert looked(due, 1_500.0, ASKED) == 1_000.0
    assert looked(due, 2_000.0, replace(ASKED, is_ending=True)) is None
