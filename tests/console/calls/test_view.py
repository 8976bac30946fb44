"""What `calls`, `show` and `watch` print."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from console.calls import commands as calls_app
from console.calls import view as calls_view
from console.calls.journal import JournalLine
from console.calls.watching import Entry
from shared.logs.text import FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE
from tests.support.top_samples import AT_MS, call

HEBREW = "שלום"
NASTY = "[/b] [red]x[/] \x1b[2J"


def printed(what: RenderableType) -> str:
    """On a terminal of 160 cells, without colours."""
    output = io.StringIO()
    Console(file=output, width=160, highlight=False, emoji=False).print(what)
    return output.getvalue()


def test_a_call_is_a_row() -> None:
    """Whole SID, masked numbers, owners without their boot, figures with units."""
    shown = printed(calls_view.calls_table([call(5)], AT_MS))
    row = next(line for line in shown.splitlines() if f"CA{5:032x}" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        f"CA{5:032x}", "5:00", "…11 → …22", "default", "live", "ingress-0 brain-1 egress-0", "1.5s", "3",
        "50", "ok",
    ]  # fmt: skip


def test_nobody_on_the_line() -> None:
    """Words, no empty table."""
    assert printed(calls_view.calls_table([], AT_MS)).strip() == "no live calls"


def test_the_journal_has_the_time_of_day() -> None:
    """UTC, as in `top` and in the logs."""
    shown = printed(calls_view.call_details(call(5), [JournalLine(1_700_000_000_123, "attached", "")], AT_MS))
    assert "22:13:20.123" in shown


def test_a_call_that_is_over_gets_no_older() -> None:
    """Its age is what it lasted."""
    ended = call(5, state="ended", card={"ended_at_ms": str(AT_MS - 4 * 60_000), "outcome": "hangup"})
    assert "ended, 1:00" in printed(calls_view.call_details(ended, [], AT_MS))
    assert calls_view.as_data(ended, AT_MS)["age_ms"] == 60_000


def test_words_of_others_are_only_words() -> None:
    """Square brackets are no markup, Escape does nothing, right-to-left text keeps to itself."""
    journal = [JournalLine(AT_MS, NASTY, f"text={NASTY} {HEBREW}")]
    shown = printed(
        calls_view.call_details(call(5, agent=NASTY, pipeline={"ai_speaking": NASTY}), journal, AT_MS)
    )
    assert shown.count("[/b] [red]x[/]") == 4
    assert "\x1b" not in shown
    assert f"{HEBREW}{POP_DIRECTIONAL_ISOLATE}" in shown
    assert FIRST_STRONG_ISOLATE in shown


def test_watched_words_of_others_are_only_words() -> None:
    """The same of a line of `watch`."""
    said = {"kind": "item", "final": "1", "role": "user", "text": f"{NASTY} {HEBREW}"}
    line = calls_app._line(Entry("history", f"{AT_MS}-0", said), call(5))
    shown = printed(line)
    assert "  300.00 s  caller" in shown
    assert "[/b] [red]x[/]" in shown
    assert "\x1b" not in shown
