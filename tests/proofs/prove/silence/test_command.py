"""The command line: what it lists, and what it refuses."""

from __future__ import annotations

import pytest

from proofs.prove.silence.command import main


def test_rows_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that were asked for."""
    assert main(["--list", "--only", "half_open_idle"]) == 0
    assert capsys.readouterr().out.split() == [
        "half_open_idle",
        "half-open",
        "model",
        "socket;",
        "idle,",
        "for",
        "good",
    ]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--only", "nothing like this"], "expected a part of the name of a row"),
        (["--write", "--only", "healthy"], "expected --write for all rows"),
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
