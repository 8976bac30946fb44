"""Sound that is owed: numbers that only rise, the age of the oldest one, what pays and what takes back."""

from __future__ import annotations

from brain.sequencer.debts import MAX_STANDING, Debts, Owed
from shared.contract.owed import DebtCause


def test_nothing_is_owed_at_first() -> None:
    """Also where another brain had raised debts before."""
    assert Debts().owed is None
    assert Debts(raised=7).owed is None
    assert Debts().waived == 0


def test_a_debt_has_a_number_a_cause_and_an_age() -> None:
    """The next number, from the moment on."""
    debts = Debts(raised=7)

    assert debts.owe(DebtCause.TURN, 100) == 8
    assert debts.owed == Owed(8, DebtCause.TURN, 100)


def test_the_age_is_that_of_the_oldest_and_the_number_that_of_the_last() -> None:
    """A caller who asks again has waited since the first question."""
    debts = Debts()
    debts.owe(DebtCause.TURN, 100)
    debts.owe(DebtCause.TOOL, 900)

    assert debts.owed == Owed(2, DebtCause.TURN, 100)


def test_an_answer_pays_all_up_to_its_number() -> None:
    """A younger one stands, with its own cause, from the moment at which the caller heard something."""
    debts = Debts()
    debts.owe(DebtCause.TURN, 100)
    debts.owe(DebtCause.TOOL, 900)

    debts.settle(1, 1_500)

    assert debts.owed == Owed(2, DebtCause.TOOL, 1_500)
    debts.settle(2, 3_000)
    assert debts.owed is None


def test_an_answer_to_what_is_paid_already_makes_no_debt_younger() -> None:
    """An old reply that goes on to be heard is not the answer."""
    debts = Debts()
    debts.owe(DebtCause.TURN, 100)
    debts.settle(1, 200)
    debts.owe(DebtCause.TURN, 1_000)

    debts.settle(1, 5_000)

    assert debts.owed == Owed(2, DebtCause.TURN, 1_000)


def test_what_is_taken_back_is_that_debt_and_those_before_it() -> None:
    """But not what is answered already and only not heard yet, and not what is younger."""
    debts = Debts()
    for cause in (DebtCause.TURN, DebtCause.TOOL, DebtCause.KEYS):
        debts.owe(cause, 100)

    debts.waive(2, 0.0, above=1)

    assert list(debts.standing) == [1, 3]
    debts.waive_all()
    assert debts.owed is None
    assert debts.owe(DebtCause.TURN, 9) == 4


def test_the_debts_of_one_call_are_bounded() -> None:
    """The oldest are forgotten; the number and the age stay true."""
    debts = Debts()
    for n in range(MAX_STANDING + 3):
        debts.owe(DebtCause.TURN, float(n))

    assert len(debts.standing) == MAX_STANDING
    assert debts.owed == Owed(MAX_STANDING + 3, DebtCause.TURN, 0.0)


def test_the_highest_debt_that_was_taken_back_is_remembered() -> None:
    """Whoever is told that nothing is owed wants to know whether it was heard."""
    debts = Debts()
    for _ in range(3):
        debts.owe(DebtCause.TURN, 0)

    debts.waive(3, 0.0, above=1)
    debts.waive(1, 0.0)

    assert (debts.waived, debts.owed) == (3, None)


def test_a_goodbye_is_owed_since_the_callers_last_word() -> None:
    """The tool that ends the call wants no answer, and a moment later the farewell is owed."""
    debts = Debts()
    debts.owe(DebtCause.TURN, 1_000.0)
    debts.waive(1, 2_000.0)
    debts.owe(DebtCause.FAREWELL, 2_050.0)
    assert debts.since_ms == 1_000.0

    debts.waive(2, 3_000.0)
    debts.owe(DebtCause.TURN, 9_000.0)
    assert debts.since_ms == 9_000.0


def test_what_follows_a_decision_within_100_ms_belongs_to_it() -> None:
    """Up to and including them; what follows later is a debt of its own age."""
    for later_ms, since_ms in ((100.0, 1_000.0), (101.0, 2_101.0)):
        debts = Debts()
        debts.owe(DebtCause.TURN, 1_000.0)
        debts.waive(1, 2_000.0)

        debts.owe(DebtCause.FAREWELL, 2_000.0 + later_ms)

        assert debts.since_ms == since_ms


def test_at_the_end_every_debt_was_taken_back_and_none_paid() -> None:
    """Whoever is told that nothing is owed hears that nobody heard an answer."""
    debts = Debts(raised=7)
    debts.owe(DebtCause.TURN, 0)

    debts.waive_all()

    assert (debts.waived, debts.owed) == (8, None)


def test_another_brains_debt_stands_under_its_number() -> None:
    """Below all of ours: its answer pays it, and not what was asked for since."""
    debts = Debts(raised=1_000)
    debts.inherit(7, DebtCause.TURN, 100)
    assert debts.owed == Owed(7, DebtCause.TURN, 100)
    assert debts.owe(DebtCause.TOOL, 500) == 1_001
    assert debts.owed == Owed(1_001, DebtCause.TURN, 100)

    assert debts.settle(7, 900)

    assert debts.owed == Owed(1_001, DebtCause.TOOL, 900)
