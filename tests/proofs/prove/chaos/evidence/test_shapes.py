"""The record of a row."""

from __future__ import annotations

import pytest

from proofs.prove.chaos.evidence.shapes import (
    Census,
    Evidence,
    Frame,
    Item,
    Length,
    OtherSound,
    Response,
    ToolRun,
    dumped,
    loaded,
)
from proofs.prove.listening.spans import Span
from tests.proofs.prove.chaos.evidence import made


def test_a_record_comes_back_from_its_file() -> None:
    """Every field."""
    evidence = Evidence(
        row="row",
        seed=3,
        faults_ms=[5.0],
        calls=[made.call(heard=made.heard(1, 1, 0, range(3)), other=[OtherSound("clip", Span(1, 2))])],
        tool_runs=[ToolRun(at_ms=1, call_sid="CA", call_id="call", arguments="{}")],
        lengths=[Length(1.0, "CA", 2, 3)],
        before=Census(keys={"caller": 1}, fds={"brain-0": 9}, sessions=1),
    )

    assert loaded(dumped(evidence)) == evidence


def test_what_is_no_record_is_refused() -> None:
    """As a ValueError, which names what is missing."""
    with pytest.raises(ValueError, match="row"):
        loaded(b"{}")


def test_a_response_is_cut_by_a_cancel_or_by_the_first_truncation() -> None:
    """Whichever came first; else it was not."""

    def cut(status: str, *items_ms: float | None) -> float | None:
        items = [Item(index=at, frames=9, cut_ms=cut_ms) for at, cut_ms in enumerate(items_ms)]
        return Response(
            number=1, response_id="r", reason="turn", created_ms=0, done_ms=50.0, status=status, items=items
        ).cut_ms

    assert cut("completed", None) is None
    assert cut("cancelled", None) == 50.0
    assert cut("cancelled", 40.0, 45.0) == 40.0
    assert cut("completed", 90.0) == 90.0


def test_a_frame_knows_its_response() -> None:
    """By session and number."""
    assert Frame(0.0, 4, 2, 0, 1, 1).response_key == (4, 2)
