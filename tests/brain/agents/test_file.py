"""agents.toml as text: tables, or sentences that say what is wrong in it."""

from __future__ import annotations

import pytest

from brain.agents.file import AgentsFile, parse
from brain.errors import AgentsFileError

BUILT_IN = ("end_call", "transfer_call")


def problems(text: str) -> list[str]:
    with pytest.raises(AgentsFileError) as caught:
        parse(text, BUILT_IN)
    return caught.value.problems


def test_an_empty_file_is_a_good_one() -> None:
    """Everything has a default."""
    assert parse("", BUILT_IN) == AgentsFile()


def test_what_is_left_out_is_not_said() -> None:
    """So that the default can say it."""
    sales = parse("[agents.sales]\nvoice = 'cedar'", BUILT_IN).agents["sales"]

    assert (sales.voice, sales.speed, sales.tools, sales.limits.hard_cap_s) == ("cedar", None, None, None)


def test_all_problems_are_told_at_once() -> None:
    """Nobody wants to run a check five times."""
    assert len(problems("[default]\nvoice = 7\nspeed = 9.0\nnothing = 1")) == 3


def test_a_broken_toml_says_where() -> None:
    """The parser's own line and column."""
    (problem,) = problems("[default\n")

    assert problem.startswith("expected TOML, but:")
    assert "line 1" in problem


def test_a_name_that_nobody_has_is_told_with_those_there_are() -> None:
    """A tool of the file is known; the nearest is offered."""
    (problem,) = problems(
        "[tools.stock]\nurl = 'https://x.example'\n[agents.a]\ntools = ['stok', 'end_call']"
    )

    assert problem == (
        "agents.a.tools: there is no 'stok'. Did you mean stock? Known are: end_call, stock, transfer_call."
    )


def test_what_may_be_a_secret_is_never_repeated() -> None:
    """A secret in the place of its variable's name."""
    (problem,) = problems("[tools.t]\nurl = 'https://x.example'\nsecret_env = 'whsec_hunter2'")

    assert "hunter2" not in problem
    assert "the environment" in problem
