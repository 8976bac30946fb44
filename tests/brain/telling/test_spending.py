"""What all calls of a process use: counters by agent and model, and the day in Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from brain.telling.budget import Budget
from brain.telling.spending import KNOWN_MOST, Spending
from shared.contract.bill import usage
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.figures import prices
from shared.figures.counters import DeclaredCounters
from shared.logs.log import get_log
from shared.store.writing.outbox import Outbox

MODEL = "gpt-realtime-2.1"
DAY_MS = 86_400_000
BEGIN_MS = 1_767_607_200_000
REPLY = usage.used(MODEL, text_in=100, text_cached=40, audio_out=1_000)
"""60 × 4.00 + 40 × 0.40 + 1,000 × 64.00: 64,256 millionths."""


@dataclass
class Redis:
    """An outbox over a day's sum."""

    sums: dict[bytes, int] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)

    def send(self, command: Command, *, on_reply: Callable[[object], None] | None = None) -> None:
        self.sent.append(command.args[0])
        if on_reply is not None:
            key = command.args[1]
            self.sums[key] = self.sums.get(key, 0) + int(command.args[3])
            on_reply(self.sums[key])


@dataclass
class Clock:
    now_ms: int = BEGIN_MS

    def __call__(self) -> int:
        return self.now_ms


def spending(redis: Redis, clock: Clock, *, day_micros: int = 0) -> Spending:
    return Spending(
        prices=prices.load(), outbox=cast(Outbox, redis), keys=Keys(1), metrics=DeclaredCounters(),
        log=get_log(), wall_ms=clock, day=Budget(day_micros),
    )  # fmt: skip


def test_agents_and_models_have_counters_of_their_own() -> None:
    """At /metrics under both names, the cost among them."""
    made = spending(Redis(), Clock())
    made.note("sales", REPLY)
    made.note("sales", REPLY)
    made.note("other", usage.used("of-our-own", text_out=3))

    found = {
        (sample.labels["agent"], sample.labels["model"]): sample.value
        for metric in made.metrics.collect()
        for sample in metric.samples
        if sample.name == "trunkline_usage_text_cached_tokens_total"
    }
    assert found == {("sales", MODEL): 80.0, ("other", "of-our-own"): 0.0}
    assert round(made.count_for("sales", MODEL).cost, 6) == 0.128512
    assert made.count_for("other", "of-our-own").cost == 0.0


def test_without_a_budget_of_the_day_redis_is_not_asked() -> None:
    """Nothing is written for nobody."""
    redis = Redis()
    spending(redis, Clock()).note("sales", REPLY)
    assert redis.sent == []


def test_the_day_is_of_all_processes() -> None:
    """What Redis answers is the sum; another process's share ends our calls too."""
    redis, clock = Redis(), Clock()
    made = spending(redis, clock, day_micros=200_000)
    made.note("sales", REPLY)
    assert not made.is_day_spent()
    spending(redis, clock, day_micros=200_000).note("sales", REPLY)
    spending(redis, clock, day_micros=200_000).note("sales", REPLY)
    made.note("sales", REPLY)
    assert made.is_day_spent()


def test_a_new_day_begins_at_nothing() -> None:
    """By UTC."""
    redis, clock = Redis(), Clock()
    made = spending(redis, clock, day_micros=60_000)
    made.note("sales", REPLY)
    assert made.is_day_spent()
    clock.now_ms += DAY_MS
    assert not made.is_day_spent()
    made.note("sales", usage.used(MODEL, text_in=1))
    assert not made.is_day_spent()


def test_what_redis_has_forgotten_is_remembered() -> None:
    """Who has counted more was there last; the oldest calls are forgotten."""
    made = spending(Redis(), Clock())
    once, twice = usage.added((), REPLY), usage.added(usage.added((), REPLY), REPLY)
    made.remember("CA1", once)
    assert made.recall("CA1", ()) == once
    assert made.recall("CA1", twice) == twice
    for number in range(KNOWN_MOST):
        made.remember(f"CB{number}", once)
    assert made.recall("CA1", ()) == ()
