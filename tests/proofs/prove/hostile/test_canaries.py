"""What must stand nowhere is found where it stands, and is not repeated."""

from __future__ import annotations

import os
from pathlib import Path

from proofs.prove.hostile import canaries


def test_a_leak_says_what_stands_where_and_not_how_it_reads() -> None:
    """In a log, in metrics, on a command line."""
    looked_for = canaries.canaries("auth-secret", ["1.9.n.m", ""])
    assert len(looked_for) == 6
    texts = {"brain-0.log": f"a {canaries.API_KEY} b", "egress-0.log": "+15550001111", "clean.log": "c"}
    found = canaries.leaks(texts, looked_for)
    assert found == ["the API key stands in brain-0.log", "a caller's number stands in egress-0.log"]
    assert canaries.API_KEY not in "".join(found)
    assert canaries.leaks({"x": "1.9.n.m auth-secret"}, looked_for) == [
        "the auth token stands in x",
        "the stream token 0 stands in x",
    ]


def test_logs_and_command_lines_are_read(tmp_path: Path) -> None:
    """Older logs too; a process that has ended has none."""
    (tmp_path / "brain-0.log").write_text("a")
    (tmp_path / "brain-0.log.1").write_bytes(b"\xff")
    (tmp_path / "supervisord.conf").write_text("c")
    assert set(canaries._logs(tmp_path)) == {"brain-0.log", "brain-0.log.1"}
    found = canaries._command_lines({"own": os.getpid(), "gone": 2**22 + 1})
    assert list(found) == ["command line of own"]
    assert found["command line of own"]
