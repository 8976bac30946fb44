"""What a process begins with to tell of its calls: prices, budgets, the key of callers' tags.

Why it exists: a wrong table of prices is a wrong setting, and is named at the start, not by the first bill.
Owns: how settings become these. Must not know: any call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brain.agents.agent import Agent
from brain.telling.budget import Budget
from brain.telling.spending import Spending
from shared import caller_tag
from shared.clock import wall_ms
from shared.figures import prices
from shared.figures.prices import MILLION, PricesError
from shared.process.role import Process
from shared.settings import SettingsError


def make_spending(process: Process) -> Spending:
    """What all calls of this process use. Raises SettingsError for a table of prices that cannot be read."""
    settings = process.settings
    try:
        table = prices.load(settings.prices_file)
    except PricesError as error:
        raise SettingsError(error.problems) from None
    return Spending(
        prices=table,
        outbox=process.outbox,
        keys=process.keys,
        metrics=process.metrics,
        log=process.log,
        wall_ms=wall_ms,
        call_micros=in_micros(settings.budget_call),
        day=Budget(in_micros(settings.budget_day)),
    )


def in_micros(amount: float) -> int:
    """A setting as millionths."""
    return round(amount * int(MILLION))


def tag_of(keys: Sequence[bytes], number: str) -> str:
    """The tag that a caller of this number gets; empty without a key, or without a number."""
    return caller_tag.tag(number, keys[0]) if keys else ""


def begin_series(spending: Spending, agents: Iterable[Agent]) -> None:
    """Counters of each agent and model are there before the first call: at 0, not missing."""
    for agent in agents:
        for model in filter(None, (agent.model, agent.transcription_model)):
            spending.count_for(agent.name, model)
