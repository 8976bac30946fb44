"""What a process begins with to tell of its calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain.agents.agent import default_agent
from brain.telling.start import begin_series, in_micros, make_spending, tag_of
from shared.caller_tag import keys_of, tag
from shared.process.life import make_process
from shared.settings import SettingsError, load


async def test_budgets_and_prices_are_those_of_the_settings(tmp_path: Path) -> None:
    """The user's own prices among them."""
    file = tmp_path / "prices.toml"
    file.write_text("as_of = 2027-01-01\n[models.mine]\naudio_out = 1\n", "utf-8")
    settings = load(env_file=None, budget_call=0.5, budget_day=20, prices_file=str(file))
    process = make_process("brain", 0, settings)
    made = make_spending(process)
    await process.store.aclose()

    assert (made.call_micros, made.day.of_micros) == (500_000, 20_000_000)
    assert made.prices.as_of == "2027-01-01"
    begin_series(made, [default_agent(settings)])
    assert made.count_for("default", settings.model).requests == 0


async def test_a_wrong_table_is_a_wrong_setting(tmp_path: Path) -> None:
    """Named at the start."""
    process = make_process("brain", 0, load(env_file=None, prices_file=str(tmp_path / "none.toml")))
    with pytest.raises(SettingsError, match="TRUNKLINE_PRICES_FILE"):
        make_spending(process)
    await process.store.aclose()


def test_a_caller_is_tagged_where_there_is_a_key() -> None:
    """By the first of them."""
    keys = keys_of(load(env_file=None, caller_key="new, old"))
    assert tag_of(keys, "+15550006789") == tag("+15550006789", keys[0]) != ""
    assert tag_of((), "+15550006789") == ""
    assert in_micros(0.1) == 100_000
