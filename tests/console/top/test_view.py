"""What `trunkline top` draws, line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from console.top.state import Snapshot, TopState, press, settle
from console.top.view import draw, most_scroll
from shared.contract.streams.journal import JournalEntry
from tests.support.top_samples import (
    AT_MS,
    PROBLEM,
    call,
    crew,
    figures,
    journal_entry,
    silent_worker,
    snapshot,
    unreadable_call,
    unreadable_worker,
    worker,
    workers,
)

HEBREW = "שלום, במה אפשר לעזור"


def screen(
    data: Snapshot, *keys: str, width: int = 80, height: int = 24, journal: tuple[JournalEntry, ...] = ()
) -> list[str]:
    """The lines after some keys."""
    state = settle(TopState(), data)
    for key in keys:
        state, _ = press(state, key, data, most_scroll(state, data, width, height, journal))
    return [line.plain for line in draw(state, data, width, height, journal)]


def test_eighty_by_twenty_four_shows_everything() -> None:
    """All columns with their values, all six workers, the keys."""
    lines = screen(snapshot(call(7, caller_q=25, pipeline=figures(tx_fps=49.6, reply_q_ms=7500.0))))
    assert lines[0].startswith("trunkline top  1 call  0 not ok  50 frames/s  6 of 6 workers alive")
    assert lines[2].split() == ["call", "age", "from", "state", "own", "reply", "caller", "fps", "verdict"]
    assert lines[3].split() == ["▸…000007", "7:00", "…11", "attached", "0/1/0", "███", "7.5s", "██", "500ms",
                                "50", "ok"]  # fmt: skip
    assert sum("@box" in line and "ready" in line for line in lines) == 6
    assert lines[-1].startswith("↑↓ select")


@pytest.mark.parametrize("view", [[], ["enter"], ["?"], ["h"], ["tab"], ["/", "x"]])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 10), (117, 30), (118, 30), (200, 60), (20, 5)])
def test_every_screen_is_exactly_as_large_as_the_terminal(view: list[str], width: int, height: int) -> None:
    """No line wraps, none is missing: a screen drawn over another leaves nothing of it."""
    data = snapshot(*(call(number, agent=HEBREW, verdict="cpu(ingress)") for number in range(1, 60)))
    journal = tuple(journal_entry("say", text=f"{HEBREW} " * 9) for _ in range(99))
    lines = screen(data, *view, width=width, height=height, journal=journal)
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width


def test_the_selected_call_is_on_the_screen_among_many() -> None:
    """The window moves with it; how many are hidden is said."""
    data = snapshot(*(call(number) for number in range(1, 60)))
    lines = screen(data, *["j"] * 40)
    assert any(line.startswith("▸…000013") for line in lines)
    assert any("more calls" in line for line in lines)


def test_a_verdict_counts_in_the_first_line() -> None:
    """Whoever looks at nothing else sees that something is wrong."""
    lines = screen(snapshot(call(1), call(2, verdict="twilio_slow")))
    assert "1 not ok" in lines[0]
    assert any("twilio_slow" in line for line in lines)


def test_a_call_that_nobody_serves_is_the_first_line() -> None:
    """Before all others, in every order, and it counts in the first line: egress's last word was `ok`."""
    dead = call(1, crew=crew(egress_0=27_000))
    for keys in ([], ["s"], ["s", "s"], ["s", "s", "s"]):
        lines = screen(snapshot(call(3), dead, call(2, verdict="model_slow")), *keys)
        assert "2 not ok" in lines[0]
        assert "100 frames/s" in lines[0]  # Two calls': the third one's figures are of a time that is over.
        assert lines[3][1:8] == "…000001"
        assert "egress-0 is gone: caller hears nothing" in lines[3]


def test_a_narrow_screen_cuts_nothing_of_its_first_line() -> None:
    """Many calls, trouble, a dead worker: fewer letters, all of it."""
    rows = (*workers()[1:], silent_worker("egress-1"))
    data = Snapshot(
        at_ms=AT_MS,
        calls=(*(call(number, verdict="twilio_slow") for number in range(1, 120)), unreadable_call(9)),
        workers=rows,
    )
    (first, *_) = screen(data)
    assert " ".join(first.split()) == (
        "top 119 calls 119 not ok 1 unreadable 5/6 alive 5950 frames/s 22:13:20"
    )
    assert screen(data, width=118)[0].startswith(
        "trunkline top  119 calls  119 not ok  5950 frames/s  5 of 6"
    )


def test_before_the_first_window_figures_are_missing_not_zero() -> None:
    """A dash."""
    lines = screen(snapshot(call(0, pipeline=None, verdict=None, egress="")))
    row = lines[3].split()
    assert row[-2:] == ["–", "–"]
    assert "0/1/–" in row


def test_a_figure_that_nobody_said_is_a_dash_too() -> None:
    """Not a 0, among those of an open call."""
    quiet = figures(lag_brain_ms=None, write_p99_ms=None, lag_egress_ms=0.0)
    lines = screen(snapshot(call(1, pipeline=quiet)), "enter")
    (lags,) = [line for line in lines if "loop lag brain" in line]
    assert lags.split()[-1] == "–"
    (writes,) = [line for line in lines if "socket write p99" in line]
    assert writes.split()[3] == "–"
    (egress,) = [line for line in lines if "loop lag egress" in line]
    assert egress.split()[3:5] == ["0", "ms"]


def test_a_call_that_cannot_be_read_is_a_line_of_words() -> None:
    """It counts in no sum, and the first line says that there is one."""
    lines = screen(snapshot(unreadable_call(9), call(1)), width=118)
    assert lines[0].startswith(
        "trunkline top  1 call  0 not ok  50 frames/s  6 of 6 workers alive  1 unreadable"
    )
    assert lines[4].rstrip() == f" …000009 {PROBLEM}"
    opened = screen(snapshot(unreadable_call(9)), "enter", journal=(journal_entry("attached"),))
    assert opened[2].rstrip() == f"CA{9:032x}"
    assert opened[3].rstrip() == PROBLEM
    assert "attached" in opened[5]


def test_a_worker_that_cannot_be_read_is_a_line_of_words() -> None:
    """Among the others, and no number of it is made up."""
    data = Snapshot(at_ms=AT_MS, workers=(unreadable_worker("brain-0"), worker("egress-0")))
    lines = screen(data, width=118)
    assert "1 of 1 workers alive  1 unreadable" in lines[0]
    assert any(
        "brain-0@box expected a whole number in contract of Beat, got nothing" in line for line in lines
    )


def test_a_window_that_cannot_be_read_says_why_in_place_of_the_verdicts_reason() -> None:
    """In the open call; how old the verdict beside it is, nobody can tell: there is none."""
    lines = screen(snapshot(call(1, pipeline=None, pipeline_problem="expected an object")), "enter")
    assert any(line.startswith("verdict –") and "expected an object" in line for line in lines)


def test_an_old_picture_says_so() -> None:
    """Redis is away: what was read last stays, under a warning."""
    data = replace(snapshot(call(1)), trouble="Redis does not answer (TimeoutError)")
    lines = screen(data)
    assert lines[1].startswith("what you see is old: Redis does not answer")
    assert "…000001" in lines[3]


def test_workers_that_drain_or_are_silent_are_told_apart() -> None:
    """By words, not only by colour."""
    data = Snapshot(at_ms=AT_MS, workers=(worker("brain-0", draining=True), silent_worker("egress-0")))
    lines = screen(data)
    assert any("brain-0@box" in line and "draining" in line for line in lines)
    assert any("egress-0@box" in line and "silent" in line for line in lines)
    assert "1 of 2 workers alive" in lines[0]


def test_a_question_names_its_call_in_full() -> None:
    """In the last line."""
    lines = screen(snapshot(call(5)), "h")
    assert lines[-1].startswith(f"Hang up CA{5:032x}? y or n")


def test_an_open_call_shows_figures_and_the_newest_journal_at_the_end() -> None:
    """Full names of its workers, and why the verdict is what it is."""
    pipeline = figures(tx_fps=12.5, why="it said nothing for 2100 ms", drops={"flushed": 3})
    journal = tuple(journal_entry(f"kind{number}", "brain-1@box#a1") for number in range(50))
    lines = screen(snapshot(call(5, pipeline=pipeline, verdict="model_slow")), "enter", journal=journal)
    text = "\n".join(lines)
    assert f"CA{5:032x}" in text
    assert "ingress-0@box#a1" in text
    assert "it said nothing for 2100 ms" in text
    assert "flushed 3" in text
    assert "12.5" in text
    assert "kind49" in lines[-2]


def test_scrolling_reads_back_and_stops_at_the_oldest() -> None:
    """However long the key is held down."""
    journal = tuple(journal_entry(f"kind{number}") for number in range(30))
    data = snapshot(call(5))
    assert "kind27" in screen(data, "enter", "up", "up", journal=journal)[-2]
    held = screen(data, "enter", *["pageup"] * 20, journal=journal)
    assert any("kind0 " in line for line in held)
    assert held == screen(data, "enter", "home", journal=journal)
    assert any("journal (UTC), 21 newer below" in line for line in held)
    # One step down moves one line, however far up one wanted to go.
    assert "20 newer below" in "".join(screen(data, "enter", *["pageup"] * 20, "down", journal=journal))
    assert "newer below" not in "".join(screen(data, "enter", "home", "end", journal=journal))


def test_a_larger_screen_that_holds_all_has_nothing_below() -> None:
    """What was scrolled to before it grew is forgotten with the first key."""
    journal = tuple(journal_entry(f"kind{number}") for number in range(12))
    data = snapshot(call(5))
    state, _ = press(settle(TopState(), data), "enter", data)
    state, _ = press(state, "home", data, most_scroll(state, data, 80, 24, journal))
    assert state.scroll == 3
    large = [line.plain for line in draw(state, data, 80, 60, journal)]
    assert not any("newer below" in line for line in large)
    assert all(any(f"kind{number} " in line for line in large) for number in range(12))


def test_the_journal_of_a_call_that_is_over_stays() -> None:
    """Said in place of its card."""
    data = snapshot(call(5))
    state, _ = press(settle(TopState(), data), "enter", data)
    journal = [journal_entry("ended")]
    lines = [line.plain for line in draw(state, snapshot(), 80, 24, journal)]
    assert any("is over" in line for line in lines)
    assert any("ended" in line for line in lines)


@settings(max_examples=30)
@given(st.integers(1, 200), st.integers(1, 70), st.text(max_size=40))
def test_any_size_and_any_text(width: int, height: int, text: str) -> None:
    """The size holds."""
    data = snapshot(call(1, agent=text, from_number=text, verdict=text))
    lines = screen(data, width=width, height=height)
    assert len(lines) == height
    assert max(cell_len(line) for line in lines) <= width
