"""The console that everything is printed on."""

from __future__ import annotations

import pytest

from console.style import make_console


def test_lines_of_a_pipe_are_as_long_as_a_table_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs like grep and people who redirect get whole rows."""
    make_console().print("x" * 150)
    assert capsys.readouterr().out == "x" * 150 + "\n"


def test_what_is_printed_stays_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys are no emoji, numbers get no colour."""
    make_console().print("tl:back:egress-0@h#1 42")
    assert capsys.readouterr().out == "tl:back:egress-0@h#1 42\n"
