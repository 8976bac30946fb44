"""The command line: what it refuses, and what it does without a stack."""

from __future__ import annotations

from collections import Counter

import pytest

from proofs.prove.hostile.attacks import ATTACKS
from proofs.prove.hostile.command import ACCEPTED, ACCEPTED_FROM, fuzz_broken, main, may_end
from proofs.prove.hostile.fuzz import Fuzzed


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--minutes", "0"], "at least a minute"),
        (["--minutes", "1"], "at least 2 minutes"),
        (["--calls", "0"], "a call"),
        (["--messages", "-1"], "no negative number"),
    ],
)
def test_wrong_usage_is_2_and_says_why(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert word in capsys.readouterr().err


def test_the_parsers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """No stack; 0 when nothing escaped."""
    assert main(["--fuzz-only", "--messages", "400"]) == 0
    said = capsys.readouterr().out
    assert "400 of 400 messages through the parsers" in said
    assert "all promises kept" in said


def test_what_escapes_is_a_broken_promise() -> None:
    """And so are messages that were not tried."""
    assert fuzz_broken(Fuzzed(messages=5), 5) == []
    found = fuzz_broken(Fuzzed(messages=4, escapes=1, escaped=["wire: KeyError from b''"]), 5)
    assert len(found) == 3


def test_a_parser_that_believes_nothing_shows_nothing() -> None:
    """Where there were enough messages to say so."""
    taken = Counter({f"{parser}: {answer}": 1 for parser, answer in ACCEPTED.items()})
    count = ACCEPTED_FROM
    assert fuzz_broken(Fuzzed(messages=count, answers=taken), count) == []
    del taken["webhook: ok"]
    assert fuzz_broken(Fuzzed(messages=count, answers=taken), count) == [
        "webhook: not one message was accepted"
    ]


def test_each_kind_says_how_it_may_end() -> None:
    """`let in` and `held` are no such ends."""
    assert set(may_end()) > {each.name for each in ATTACKS}
    assert not {"let in", "held"} & frozenset().union(*may_end().values())
