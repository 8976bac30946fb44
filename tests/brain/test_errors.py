"""Errors carry what their catchers ask for."""

from __future__ import annotations

from brain.errors import AgentsFileError, BadArguments, EngineError, ToolFailed
from brain.tools import ToolFailed as ForAuthors


def test_an_engines_error_says_its_cause_and_whether_waiting_helps() -> None:
    """A short word for the journal, the rest for the log."""
    lost, refused = EngineError("closed_1006"), EngineError("connect_refused", "HTTP 401", fatal=True)

    assert (str(lost), lost.detail, lost.fatal) == ("closed_1006", "", False)
    assert (str(refused), refused.cause, refused.fatal) == (
        "connect_refused: HTTP 401",
        "connect_refused",
        True,
    )


def test_a_file_has_a_line_for_each_problem() -> None:
    """All of them at once."""
    assert str(AgentsFileError(["one", "two"])) == "one\ntwo"


def test_authors_of_tools_raise_what_the_toolbox_catches() -> None:
    """By the public name; arguments that do not fit are a failure too."""
    assert ForAuthors is ToolFailed
    assert issubclass(BadArguments, ToolFailed)
