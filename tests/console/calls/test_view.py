"""What `calls`, `show` and `watch` print."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

from console.calls import view
from console.calls.ended import Found
from console.calls.watching import Entry
from shared.contract.bill import usage
from shared.contract.card import CallState
from shared.contract.streams.history import ItemEntry, ItemHeard, ToolEntry, ToolState
from shared.contract.streams.journal import JournalEntry, Kind
from shared.logs.text import FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE
from tests.support.top_samples import (
    AT_MS,
    PROBLEM,
    call,
    crew,
    ended_call,
    figures,
    journal_entry,
    unreadable_call,
    unreadable_worker,
    worker,
)

HEBREW = "שלום"
NASTY = "[/b] [red]x[/] \x1b[2J"


def printed(what: RenderableType) -> str:
    """On a terminal of 160 cells, without colours."""
    output = io.StringIO()
    Console(file=output, width=160, highlight=False, emoji=False).print(what)
    return output.getvalue()


def row_of(number: int, shown: str, first: str = "CA") -> list[str]:
    """The cells of a call's row, which begins with `first`."""
    row = next(line for line in shown.splitlines() if f"CA{number:032x}" in line and first in line[:8])
    return [cell.strip() for cell in row.strip("│").split("│")]


def test_a_call_is_a_row() -> None:
    """Whole SID, masked numbers, owners without their boot, figures with units."""
    assert row_of(5, printed(view.calls_table([call(5)], AT_MS))) == [
        f"CA{5:032x}", "5:00", "…11 → …22", "default", "attached", "ingress-0 brain-1 egress-0", "1.5s", "3",
        "50", "ok",
    ]  # fmt: skip


def test_before_the_first_window_there_are_dashes() -> None:
    """Never a 0 that nobody has said."""
    row = row_of(0, printed(view.calls_table([call(0, pipeline=None, verdict=None)], AT_MS)))
    assert (row[6], row[8], row[9]) == ("–", "–", "–")


def test_a_card_that_cannot_be_read_stands_below_the_table() -> None:
    """Its SID and the problem in words; the others are rows as ever."""
    lines = printed(view.calls_table([call(5), unreadable_call(9)], AT_MS)).splitlines()
    assert lines[-1].rstrip() == f"CA{9:032x}  {PROBLEM}"
    assert row_of(5, "\n".join(lines[:-1]))[0] == f"CA{5:032x}"


def test_a_call_in_trouble_is_said_in_words_above_the_table() -> None:
    """Its row has the verdict of now, not the last word of an egress that is dead."""
    lines = printed(view.calls_table([call(5, crew=crew(egress_0=27_000)), call(6)], AT_MS)).splitlines()
    assert lines[0].rstrip() == f"CA{5:032x}  egress-0 is gone: caller hears nothing"
    assert row_of(5, "\n".join(lines[1:]))[-4:] == ["–", "3", "–", "no egress"]


def test_figures_of_a_time_that_is_over_say_so() -> None:
    """In the details, with their age; nowhere else are they shown as if they were of now."""
    silent = call(5, pipeline=figures(at_ms=AT_MS - 27_000))
    assert "last window, 27s ago" in printed(view.call_details(silent, [], AT_MS))
    assert "last window, " not in printed(view.call_details(call(5), [], AT_MS))


def test_sound_that_is_owed() -> None:
    """In the list from two seconds on, in the details at once."""
    owed = call(5, owed_ms=5_200, owed_cause="turn")
    assert "owed sound for 5.2 s: turn" in printed(view.calls_table([owed], AT_MS))
    shown = printed(view.call_details(owed, [], AT_MS))
    words = [line.split() for line in shown.splitlines()]
    assert ["owed", "5.2", "s:", "turn"] in words
    assert ["trouble", "owed", "sound", "for", "5.2", "s:", "turn"] in words
    assert "owed sound" not in printed(view.calls_table([call(5, owed_ms=1_900, owed_cause="turn")], AT_MS))


def test_calls_that_are_over() -> None:
    """One row each: when, how long, who, how and why, what was owed at the end."""
    shown = printed(view.ended_table(Found(calls=[ended_call(5), unreadable_call(9)], has_more=True)))
    assert row_of(5, shown, first="2023") == [
        "2023-11-14 22:13:20", "2:00", f"CA{5:032x}", "…11 → …89", "default", "apology", "no_session",
        "5.2 s turn",
    ]  # fmt: skip
    assert f"CA{9:032x}  {PROBLEM}" in shown
    assert "there are more: --limit" in shown
    assert printed(view.ended_table(Found(calls=[], has_more=False))).strip() == "no ended call fits"


def test_who_had_the_call_before_stands_before_who_has_it() -> None:
    """In the details; a call that stays with one agent names that one."""
    shown = printed(view.call_details(call(5), [], AT_MS, agents=["desk", "sales"]))

    assert "desk → sales → default" in shown
    assert "→ default" not in printed(view.call_details(call(5), [], AT_MS))


def test_nobody_on_the_line() -> None:
    """Words, no empty table."""
    assert printed(view.calls_table([], AT_MS)).strip() == "no live calls"


def test_the_journal_has_the_time_of_day_and_says_what_each_kind_means() -> None:
    """UTC, as in `top` and in the logs; a kind of a newer version has no sentence."""
    lines = [
        journal_entry(Kind.GREETING, "brain-0@h#1", at_ms=1_700_000_000_123),
        journal_entry(Kind.LIMIT),
        journal_entry("whim"),
    ]
    shown = printed(view.call_details(call(5), lines, AT_MS))
    assert "22:13:20.123" in shown
    assert f"brain-0  {Kind.GREETING.sentence} " in shown
    assert f"│ {Kind.LIMIT.sentence} " in shown
    assert "│ whim " in shown


def test_everything_about_a_call() -> None:
    """Its figures by the names that docs/operating.md explains, its counters, a dash for what nobody said."""
    fields = {"n_frames": "77", "leg": "1"}
    pipeline = figures(write_p99_ms=None, why="a mark is 600 ms overdue")
    shown = printed(view.call_details(call(5, pipeline=pipeline, fields=fields, outcome="busy"), [], AT_MS))
    words = [line.split() for line in shown.splitlines()]
    assert ["tx_q", "75"] in words
    assert ["write_p99_ms", "–"] in words
    assert ["n_frames", "77"] in words
    assert ["outcome", "busy"] in words
    assert ["verdict", "ok", "a", "mark", "is", "600", "ms", "overdue"] in words
    assert ["reply", "audio", "waiting", "1.5s", "in", "2", "pieces"] in words


def test_a_window_that_cannot_be_read_says_why() -> None:
    """In place of the verdict, whose age nobody can tell."""
    shown = printed(view.call_details(call(5, pipeline=None, pipeline_problem="expected JSON"), [], AT_MS))
    words = [line.split() for line in shown.splitlines()]
    assert ["verdict", "–", "expected", "JSON"] in words
    assert ["reply", "audio", "waiting", "–", "in", "2", "pieces"] in words


def test_a_call_that_cannot_be_read_shows_what_is_left() -> None:
    """The problem and the journal."""
    shown = printed(view.call_details(unreadable_call(9), [journal_entry(Kind.FLUSH)], AT_MS))
    assert PROBLEM in shown
    assert "flush" in shown


def test_a_call_that_is_over_gets_no_older() -> None:
    """Its age is what it lasted."""
    ended = call(5, state=CallState.ENDED, ended_at_ms=AT_MS - 4 * 60_000, outcome="hangup")
    assert "ended, 1:00" in printed(view.call_details(ended, [], AT_MS))


def test_words_of_others_are_only_words() -> None:
    """Square brackets are no markup, Escape does nothing, right-to-left text keeps to itself."""
    journal = [journal_entry(NASTY, text=f"{NASTY} {HEBREW}")]
    shown = printed(
        view.call_details(call(5, agent=NASTY, pipeline=figures(ai_speaking=NASTY)), journal, AT_MS)
    )
    assert shown.count("[/b] [red]x[/]") == 4
    assert "\x1b" not in shown
    assert f"{HEBREW}{POP_DIRECTIONAL_ISOLATE}" in shown
    assert FIRST_STRONG_ISOLATE in shown


def watched(record: JournalEntry | ItemEntry | ItemHeard | ToolEntry | None) -> str:
    """A line of `watch`, five minutes into the call."""
    entry = Entry(stream="history", at_ms=AT_MS, record=record, fields={})
    return printed(view.watched_line(entry, AT_MS - 300_000)).rstrip("\n")


def test_watched_words_of_others_are_only_words() -> None:
    """The same of a line of `watch`."""
    shown = watched(ItemEntry(item_id="i", role="user", text=f"{NASTY} {HEBREW}", final=True))
    assert "  300.00 s  caller" in shown
    assert "[/b] [red]x[/]" in shown
    assert "\x1b" not in shown


def test_what_is_watched() -> None:
    """Whole texts, what was cut short, lines of the journal without their sentence; nothing else."""
    assert (
        watched(journal_entry(Kind.FLUSH, "brain-0@h#1", cause="x")) == "  300.00 s  flush  brain-0  cause=x"
    )
    assert watched(ItemEntry(item_id="i", role="assistant", text="Hello.", final=True)).endswith(
        "agent  Hello."
    )
    named = ItemEntry(item_id="i", role="assistant", text="Hello.", final=True, agent="sales")
    assert watched(named).endswith("agent sales  Hello.")
    heard = ItemHeard(item_id="i", ms=400, of_ms=900, complete=False)
    assert watched(heard) == "  300.00 s  agent  heard 400 of 900 ms"
    assert watched(ItemEntry(item_id="i", role="assistant", text="Hel", final=False)) == ""
    assert watched(ToolEntry(call_id="c", name="n", state=ToolState.STARTED, value="")) == ""
    assert watched(None) == ""


def test_how_far_a_worker_has_drained() -> None:
    """Its live calls; one that has ended has none, and of one that cannot be read nobody knows."""
    assert (
        view.drained_line("brain-0@h#1", worker("brain-0", calls=2)) == "brain-0@h#1: draining, 2 live calls"
    )
    assert view.drained_line("brain-0@h#1", worker("brain-0")) == "brain-0@h#1: draining, 1 live call"
    assert view.drained_line("brain-0@h#1", None) == "brain-0@h#1: draining, 0 live calls"
    assert "in contract of Beat" in view.drained_line("brain-0@h#1", unreadable_worker("brain-0"))


def test_what_a_call_used_and_what_that_costs() -> None:
    """By model, cached tokens as a part; one whose models have said nothing has no table."""
    spoken = usage.used("m", audio_in=1_500, audio_cached=1_200, audio_out=90)
    used = [spoken, usage.used("w", sound_ms=62_000)]
    text = printed(view.call_details(call(5, usage=usage.dump(used), cost_micros=41_260), [], AT_MS))
    assert "1,500 (1,200 cached)" in text
    assert "1:02" in text
    assert "0.0413 USD" in text
    assert "no usage yet" in printed(view.call_details(call(5), [], AT_MS))
    assert "expected a list of objects" in printed(view.call_details(call(5, usage="{"), [], AT_MS))
