"""The table, on the screen and in the page."""

from __future__ import annotations

import pytest

from proofs.prove.listening.ear import Kind, Recording, Sound, listen
from proofs.prove.listening.spans import Span
from proofs.prove.silence.faults import ONCE, At, Killed, Row
from proofs.prove.silence.limits import Result
from proofs.prove.silence.table import HEAD, filled, row_of, shown

BEGIN, END = "<!-- silence:begin -->", "<!-- silence:end -->"
ROW = Row(name="brain_killed", text="a|b", fault=Killed("brain"), at=At.WAITING, lasts_s=ONCE)


def result(end_ms: float) -> Result:
    sounds = [Sound(Kind.ANSWER, Span(end_ms, end_ms + 1_000))]
    heard = Recording(answered_at_ms=0, ended_at_ms=end_ms + 2_000, sounds=sounds)
    return Result(row=ROW, hearing=listen(heard), ended="caller_hung_up")


def test_a_row_says_what_when_how_long_and_whether_it_was_kept() -> None:
    """In the order of the head."""
    assert row_of(result(1_000)) == ("brain_killed", "a|b", "waiting", "once", "1.0 s", "1.0 s", "–", "yes")
    assert row_of(result(5_000))[-1] == "no: silence of 5.00 s"
    assert len(HEAD) == len(shown([result(1_000)]).columns)


def test_the_page_gets_the_table_between_its_markers() -> None:
    """What stood there goes; the rest stays."""
    page = filled(f"before\n{BEGIN}\nold\n{END}\nafter\n", [result(1_000), result(5_000)])

    assert page.startswith("before\n")
    assert page.endswith(f"{END}\nafter\n")
    assert "old" not in page
    assert "| brain_killed | a\\|b | waiting |" in page
    assert "1 of 2 kept." in page


def test_a_page_without_markers_is_refused() -> None:
    """Nothing is lost by it."""
    with pytest.raises(ValueError, match="expected the markers"):
        filled("no markers", [result(1_000)])
