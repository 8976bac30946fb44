"""`journal`: lines for people, each kind with its sentence."""

from __future__ import annotations

import re

import pytest

from shared.contract.entry import to_dict
from shared.contract.keys import Keys
from shared.contract.lua import scripts
from shared.contract.streams.journal import JournalEntry, Kind, journal_command, read_journal

CALL = "CA" + "0" * 31 + "1"


def test_a_line_survives_the_way() -> None:
    """Who, what, with which figures; the time is the server's."""
    command = journal_command(Keys(1), CALL, b"brain-0@h#1", 5, Kind.FLUSH, {"cut": 2, "cause": "דיבור"})
    assert read_journal("77-0", to_dict(command.args[7:])) == JournalEntry(
        at_ms=77, kind="flush", writer="brain-0@h#1", fields={"cut": "2", "cause": "דיבור"}
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_says_what_it_means(kind: Kind) -> None:
    """In a sentence that an operator can read; a kind that is not known has none."""
    assert len(kind.sentence) > 10
    assert JournalEntry(at_ms=1, kind=kind.value, writer="", fields={}).sentence == kind.sentence


def test_a_kind_of_a_newer_version_is_shown_as_it_is() -> None:
    """Without a sentence."""
    assert read_journal("1-0", {b"kind": b"whim"}).sentence == ""


def test_the_kinds_of_the_scripts_are_known() -> None:
    """What Lua writes into a journal has its sentence too."""
    written = set()
    for script in scripts.ALL:
        for line in re.findall(r"':journal'(.*?)\)\n", script.text, re.DOTALL):
            written |= set(re.findall(r"'([a-z]+)'", line.partition("'kind',")[2].partition("'from'")[0]))
    assert written
    assert written <= {kind.value for kind in Kind}


def test_what_programs_read_of_a_line() -> None:
    """By name; a line that does not say it says nothing."""
    line = read_journal("1-0", {b"kind": b"ended", b"outcome": b"completed", b"item": b"i1"})
    assert (line.outcome, line.item_id) == ("completed", "i1")
    bare = read_journal("1-0", {b"kind": b"ended"})
    assert (bare.outcome, bare.item_id) == ("", "")
