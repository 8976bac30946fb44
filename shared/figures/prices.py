"""What usage costs: a dated table of prices, and the sum, exact to a millionth.

Why it exists: a call's cost is asked for on the card, by the webhook, the console and the budget; it is
worked out in one place, from figures that anyone can add up by hand. Owns: the table's shape, what a user's
own table takes the place of, the sum. Pure but for reading the two files. Must not know: who used what
(shared/contract/bill/usage.py), what is done about it.

Cached tokens are a part of those that were put in, so they are taken off there before the price of what was
not cached is paid. All is worked out in decimals: a price of 0.40 for a million tokens has no exact float.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from pathlib import Path

from shared.contract.bill.usage import ModelUsage
from shared.forms import Problems

MILLION = Decimal(1_000_000)
MINUTE_MS = Decimal(60_000)
SNAPSHOT_DIGITS = "dddd-dd-dd"
"""How the date behind the name of a snapshot is written."""


class PricesError(Problems):
    """The table of prices is wrong; a line for each problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of one model: for a million tokens of a kind, and for a minute of sound. What is not named costs
    nothing."""

    text_in: Decimal = Decimal(0)
    text_cached: Decimal = Decimal(0)
    text_out: Decimal = Decimal(0)
    audio_in: Decimal = Decimal(0)
    audio_cached: Decimal = Decimal(0)
    audio_out: Decimal = Decimal(0)
    minute: Decimal = Decimal(0)

    def of(self, used: ModelUsage) -> Decimal:
        """What this much costs."""
        tokens = (
            (used.text_in - used.text_cached) * self.text_in
            + used.text_cached * self.text_cached
            + used.text_out * self.text_out
            + (used.audio_in - used.audio_cached) * self.audio_in
            + used.audio_cached * self.audio_cached
            + used.audio_out * self.audio_out
        )
        return tokens / MILLION + used.sound_ms * self.minute / MINUTE_MS


NAMES = frozenset(field.name for field in fields(Price))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The table."""

    as_of: str
    """The day that it is of, as 2026-11-28."""
    currency: str
    models: Mapping[str, Price]

    def of(self, model: str) -> Price | None:
        """A model's price; None: it is not in the table."""
        found = self.models.get(model)
        if found is None and _is_snapshot(model):
            found = self.models.get(model[: -len(SNAPSHOT_DIGITS) - 1])
        return found

    def cost(self, usages: Sequence[ModelUsage]) -> Decimal | None:
        """What all of it costs; None: one of the models is not in the table."""
        total = Decimal(0)
        for each in usages:
            price = self.of(each.model)
            if price is None:
                return None
            total += price.of(each)
        return total

    def micros(self, usages: Sequence[ModelUsage]) -> int | None:
        """The same in millionths, rounded once."""
        cost = self.cost(usages)
        return None if cost is None else to_micros(cost)


def to_micros(cost: Decimal) -> int:
    """In whole millionths; a half goes up."""
    return int((cost * MILLION).to_integral_value(ROUND_HALF_UP))


def shown(micros: int | None, currency: str = "USD") -> str:
    """For people: `0.0412 USD`; a dash where nobody can tell."""
    return "–" if micros is None else f"{Decimal(micros) / MILLION:.4f} {currency}"


def read(text: str, under: Prices | None = None) -> Prices:
    """A table from TOML. With `under`, models that it does not name, and what it leaves out at the top, are
    those of that table. Raises PricesError."""
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PricesError([f"expected TOML, but: {error}"]) from None
    problems: list[str] = []
    as_of = found.get("as_of", "" if under is None else under.as_of)
    currency = found.get("currency", "USD" if under is None else under.currency)
    tables = found.get("models", {})
    if not isinstance(as_of, str | datetime.date):
        problems.append(f"as_of: expected a day such as 2026-11-28, got {as_of!r}")
    if not isinstance(currency, str):
        problems.append(f"currency: expected a word such as USD, got {currency!r}")
    if under is not None and currency != under.currency and not problems:
        problems.append(f"currency: expected {under.currency}, which all other prices are in, got {currency}")
    models: dict[str, Price] = {} if under is None else dict(under.models)
    for model, table in tables.items() if isinstance(tables, dict) else ():
        models[model] = _price(model, table, problems)
    if not isinstance(tables, dict):
        problems.append(f'models: expected tables such as [models."gpt-realtime-2.1"], got {tables!r}')
    if problems:
        raise PricesError(problems)
    return Prices(as_of=str(as_of), currency=str(currency), models=models)


def load(file: str = "") -> Prices:
    """The table of this version, under that of `file` if there is one. Raises PricesError, which names the
    file."""
    own = read(resources.files("shared.figures").joinpath("prices.toml").read_text("utf-8"))
    if not file:
        return own
    try:
        return read(Path(file).read_text("utf-8"), own)
    except PricesError as error:
        raise PricesError([f"{file}: {problem}" for problem in error.problems]) from None
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{file}: expected a file with prices (TRUNKLINE_PRICES_FILE), got: {error}"
        raise PricesError([problem]) from None


# Private.


def _price(model: str, table: object, problems: list[str]) -> Price:
    if not isinstance(table, dict):
        problems.append(f"models.{model}: expected a table, got {table!r}")
        return Price()
    prices: dict[str, Decimal] = {}
    for name, value in table.items():
        if name not in NAMES:
            problems.append(f"models.{model}.{name}: expected one of {', '.join(sorted(NAMES))}")
        elif isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < MILLION:
            problems.append(f"models.{model}.{name}: expected a price of 0 or more, got {value!r}")
        else:
            prices[name] = Decimal(value)
    return Price(**prices)


def _is_snapshot(model: str) -> bool:
    end = model[-len(SNAPSHOT_DIGITS) - 1 :]
    return "".join("d" if each.isdecimal() else each for each in end) == f"-{SNAPSHOT_DIGITS}"
