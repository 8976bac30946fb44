"""One call's bill: on its card, over all of its brains, against its budget."""

from __future__ import annotations

from brain.telling.budget import Level
from brain.telling.meter import Meter, Reached
from brain.telling.spending import Spending
from shared.contract.bill import usage
from shared.contract.card import BrainUsed
from tests.brain.telling.test_spending import REPLY, Clock, Redis, spending

COST = 64_256


def meter(made: Spending, cards: list[object], usages: usage.Usages = ()) -> Meter:
    return Meter(made, "CA1", "sales", cards.append, usages)


def test_the_card_says_the_sum_after_each_response() -> None:
    """With its cost, a millionth the unit."""
    cards: list[object] = []
    mine = meter(spending(Redis(), Clock()), cards)
    mine.used(REPLY)
    mine.used(REPLY)

    first, second = cards
    assert isinstance(first, BrainUsed)
    assert isinstance(second, BrainUsed)
    assert (first.cost_micros, second.cost_micros) == (COST, 2 * COST)
    assert usage.load(second.usage) == (REPLY.plus(REPLY),)


def test_a_next_brain_goes_on_adding() -> None:
    """From what the card says."""
    cards: list[object] = []
    mine = meter(spending(Redis(), Clock()), cards, usage.added((), REPLY))
    assert mine.cost_micros == COST
    mine.used(REPLY)
    assert mine.cost_micros == 2 * COST


def test_a_card_that_redis_has_lost_is_no_new_bill() -> None:
    """The process remembers what it had counted."""
    made = spending(Redis(), Clock())
    meter(made, []).used(REPLY)
    assert meter(made, []).cost_micros == COST


def test_a_model_without_a_price_leaves_the_cost_open() -> None:
    """On the card too: nobody can tell."""
    cards: list[object] = []
    meter(spending(Redis(), Clock()), cards).used(usage.used("of-our-own", text_out=1))
    (card,) = cards
    assert isinstance(card, BrainUsed)
    assert card.cost_micros is None


def test_budgets_of_the_call_and_of_the_day_are_reached_once() -> None:
    """First the warning, then the end; the day's end once a call."""
    made = spending(Redis(), Clock(), day_micros=2 * COST)
    made.call_micros = COST + 10_000
    mine = meter(made, [])
    assert mine.reached() == []
    mine.used(REPLY)
    assert mine.reached() == [Reached("call", Level.NEARLY, COST, COST + 10_000)]
    mine.used(REPLY)
    assert mine.reached() == [
        Reached("call", Level.SPENT, 2 * COST, COST + 10_000),
        Reached("day", Level.SPENT, 2 * COST, 2 * COST),
    ]
    assert mine.reached() == []
