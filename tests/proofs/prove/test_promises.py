"""What a command says at its end."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from proofs.prove.promises import conclude, true_of


@pytest.mark.parametrize(
    ("broken", "said", "code"),
    [
        ([], "all promises kept\n", 0),
        (["2 turns were lost", "a caller waits"],
         "broken: 2 turns were lost\nbroken: a caller waits\n2 promises broken\n", 1),
    ],
)  # fmt: skip
def test_a_broken_promise_is_told_and_is_an_exit_code(broken: list[str], said: str, code: int) -> None:
    """A line each, so that nobody has to read the figures."""
    console = Console(file=io.StringIO())

    assert conclude(console, broken) == code
    assert console.file.getvalue() == said  # type: ignore[attr-defined]


def test_only_true_sentences_are_told() -> None:
    """In the order of the promises."""
    assert true_of({"lost": True, "late": False, "twice": True}) == ["lost", "twice"]
