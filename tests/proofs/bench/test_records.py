"""What the two processes write down."""

from __future__ import annotations

from proofs.bench.records import dump, load_calls, load_sessions
from tests.proofs.bench.samples import call, item, session


def test_what_is_written_is_what_is_read() -> None:
    """Through JSON, to the last field."""
    spoken = item(3, 2)
    calls = [call(spoken, holes_ms=[12.5], failures=["no reply"]), call()]
    sessions = [session(spoken, number=3, errors=["x"], violations=["y"])]
    assert load_calls(dump(calls)) == calls
    assert load_sessions(dump(sessions)) == sessions
    assert load_sessions(dump(sessions))[0].items[0].key == (3, 2, 0)
