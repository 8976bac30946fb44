"""Which line of a TOML file says what."""

from __future__ import annotations

import pytest

from console.trial.file.places import Path, line_of

FILE = '''\
# A comment.
agent = "sales"

[simulator]
greeting = """
steps = "in a text"
"""

[[steps]]
say = "a"
model = [
    "b",  # [[steps]]
    { call = "stock" },
]

[[steps]]  # The second one.
expect = { tool = "stock", arguments = { model = "Kestrel" } }
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("agent",), 2),
        (("simulator",), 4),
        (("simulator", "greeting"), 5),
        (("steps",), 9),
        (("steps", 0), 9),
        (("steps", 0, "say"), 10),
        (("steps", 0, "model"), 11),
        (("steps", 0, "model", 1, "call"), 11),
        (("steps", 1), 16),
        (("steps", 1, "expect", "arguments", "model"), 17),
    ],
    ids=str,
)
def test_a_statement_is_found_where_it_begins(path: Path, line: int) -> None:
    """Texts and lists of several lines, comments and blank lines among them."""
    assert line_of(FILE, path) == line


def test_what_is_not_there_is_looked_for_where_it_should_be() -> None:
    """The longest part of its way that there is."""
    assert line_of(FILE, ("steps", 1, "expect", "within_s")) == 17
    assert line_of(FILE, ("steps", 0, "now")) == 9
    assert line_of(FILE, ("steps", 7)) == 9
    assert line_of(FILE, ("nothing", "of", "it")) == 1
    assert line_of("", ("steps",)) == 1


def test_lines_that_end_as_on_windows() -> None:
    """They are lines too."""
    assert line_of(FILE.replace("\n", "\r\n"), ("steps", 1)) == 16
