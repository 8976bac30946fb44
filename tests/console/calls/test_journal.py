"""A line of the journal for people."""

from __future__ import annotations

from console.calls.journal import agents_before, clock, details
from shared.contract.streams.journal import Kind, read_journal
from tests.support.top_samples import journal_entry

HEBREW = "שלום"


def test_who_and_what() -> None:
    """Without host, boot and what is empty; when it was stands elsewhere."""
    fields = {
        b"kind": b"say",
        b"from": b"brain-0@box#a1",
        b"t": b"1",
        b"text": HEBREW.encode(),
        b"token": b"",
    }
    assert details(read_journal(b"1700000000123-0", fields)) == f"brain-0  text={HEBREW}"


def test_a_line_that_says_nothing_more() -> None:
    """Nobody, nothing."""
    assert details(read_journal(b"1-0", {b"kind": b"leg"})) == ""


def test_the_time_of_day() -> None:
    """UTC, in milliseconds."""
    assert clock(1_700_000_000_123) == "22:13:20.123"


def test_who_had_the_call_before() -> None:
    """Each by the line that says that another agent goes on."""
    lines = [
        journal_entry(Kind.GREETING),
        journal_entry(Kind.AGENT_CHANGED, agent="sales", was="desk"),
        journal_entry(Kind.AGENT_CHANGED, agent="service", was="sales"),
    ]
    assert agents_before(lines) == ["desk", "sales"]
