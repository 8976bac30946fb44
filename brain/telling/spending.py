"""What all calls of this process use of their models: counted by agent and model, and added to the day.

Why it exists: what a call costs is its own; what an agent costs, and what a day costs, is of all calls
together. Owns: the counters by agent and model, this process's share of the day, the day's sum as Redis last
told it. Must not know: one call's sum (meter), what follows from a budget.

The day's sum is asked for only where a budget of the day is set: one write a response, whose answer is the
sum.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from brain.telling.budget import Budget, Level
from shared.contract.bill.spent import day_of, spent_commands
from shared.contract.bill.usage import ModelUsage, Usages
from shared.contract.keys import Keys
from shared.figures.counters import DeclaredCounters
from shared.figures.prices import MILLION, Prices
from shared.logs.log import Log
from shared.store.writing.writer import Writer

KNOWN_MOST = 2_000
"""Calls whose usage this process remembers, should Redis have lost their cards: the oldest are forgotten."""


@dataclass(slots=True)
class UsageCounters:
    """Of one agent and one model, since the process started."""

    requests: int = 0
    """Responses of the model; of a transcriber, turns of callers."""
    text_in_tokens: int = 0
    """Tokens of text that were put in, cached ones among them."""
    text_cached_tokens: int = 0
    """Of the tokens of text that were put in, those that were cached."""
    audio_in_tokens: int = 0
    """Tokens of sound that were put in, cached ones among them."""
    audio_cached_tokens: int = 0
    """Of the tokens of sound that were put in, those that were cached."""
    text_out_tokens: int = 0
    """Tokens of text that came out."""
    audio_out_tokens: int = 0
    """Tokens of sound that came out."""
    sound_ms: int = 0
    """Sound that was put in, of a model that is paid by time."""
    cost: float = 0.0
    """What all of it costs by the table of prices, in its currency; nothing, where the table lacks the
    model."""

    def add(self, used: ModelUsage, micros: int | None) -> None:
        """One request more."""
        self.requests += used.requests
        self.text_in_tokens += used.text_in
        self.text_cached_tokens += used.text_cached
        self.audio_in_tokens += used.audio_in
        self.audio_cached_tokens += used.audio_cached
        self.text_out_tokens += used.text_out
        self.audio_out_tokens += used.audio_out
        self.sound_ms += used.sound_ms
        self.cost += 0.0 if micros is None else micros / float(MILLION)


@dataclass(slots=True, kw_only=True)
class Spending:
    """Of one process."""

    prices: Prices
    outbox: Writer
    keys: Keys
    metrics: DeclaredCounters
    log: Log
    wall_ms: Callable[[], int]
    call_micros: int = 0
    """What one call may cost; 0: no bound."""
    day: Budget = field(default_factory=lambda: Budget(0))
    _counters: dict[tuple[str, str], UsageCounters] = field(default_factory=dict)
    _known: OrderedDict[str, Usages] = field(default_factory=OrderedDict)
    _day: str = ""
    """The day that is counted."""
    _day_micros: int | None = None
    """What Redis said last that it has cost; None: nothing was said yet."""

    def count_for(self, agent: str, model: str) -> UsageCounters:
        """The counters of an agent and a model, from now on at /metrics."""
        found = self._counters.get((agent, model))
        if found is None:
            found = self._counters[agent, model] = UsageCounters()
            self.metrics.add("usage", found, agent=agent, model=model)
        return found

    def note(self, agent: str, used: ModelUsage) -> None:
        """One request of a call of this agent."""
        micros = self.prices.micros((used,))
        self.count_for(agent, used.model).add(used, micros)
        if not self.day.of_micros or not micros:
            return
        today = day_of(self.wall_ms())
        if today != self._day:
            self._day, self._day_micros, self.day = today, None, Budget(self.day.of_micros)
        add, live_on = spent_commands(self.keys, today, micros)
        self.outbox.send(add, on_reply=lambda reply: self._told(today, reply))
        self.outbox.send(live_on)

    def is_day_spent(self) -> bool:
        """Whether all calls of today together have cost what they may."""
        is_today = bool(self._day) and self._day == day_of(self.wall_ms())
        return is_today and self.day.level(self._day_micros) is Level.SPENT

    # What a call used that Redis has forgotten.

    def remember(self, call_sid: str, usages: Usages) -> None:
        """What it has used so far."""
        self._known[call_sid] = usages
        self._known.move_to_end(call_sid)
        if len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)

    def recall(self, call_sid: str, on_card: Usages) -> Usages:
        """What it has used, by its card or by our own memory: who has counted more was there last."""
        mine = self._known.get(call_sid, ())
        return mine if _requests(mine) > _requests(on_card) else on_card

    # Private.

    def _told(self, day: str, reply: object) -> None:
        if isinstance(reply, int) and day == self._day:
            self._day_micros = reply
            level = self.day.reached(reply)
            if level is not None:
                self.log.warning("budget_of_day", level=level.name.lower(), spent_micros=reply, day=day)


def _requests(usages: Usages) -> int:
    return sum(each.requests for each in usages)
