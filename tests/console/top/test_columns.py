"""Rows of calls and workers, cell by cell."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from console.style import BAD
from console.text import line
from console.top.columns import (
    call_line,
    columns_of_calls,
    columns_of_workers,
    owner_numbers,
    verdict_cell,
    worker_line,
)
from tests.support.top_samples import AT_MS, call, crew, figures, unreadable_call, unreadable_worker, worker


@pytest.mark.parametrize("width", [80, 117, 118, 200])
def test_a_row_fits_its_terminal(width: int) -> None:
    """Of calls and of workers, readable or not."""
    calls, workers = columns_of_calls(width, AT_MS), columns_of_workers(width)
    assert cell_len(call_line(call(1), calls, width, "", "").plain) <= width
    assert cell_len(call_line(unreadable_call(1), calls, width, "", "").plain) == width
    assert cell_len(worker_line(worker("brain-0"), workers, width, "", "").plain) <= width
    assert cell_len(worker_line(unreadable_worker("brain-0"), workers, width, "", "").plain) == width


def test_wide_terminals_get_the_called_number_and_the_agent() -> None:
    """Narrow ones do without."""
    assert [each.title for each in columns_of_calls(118, AT_MS)][3:5] == ["to", "agent"]
    assert "agent" not in [each.title for each in columns_of_calls(117, AT_MS)]


def test_the_selection_is_marked_without_colours() -> None:
    """Also where a row cannot be read."""
    chosen = unreadable_call(9)
    shown = call_line(chosen, columns_of_calls(80, AT_MS), 80, chosen.call_sid, "reverse")
    assert shown.plain.startswith("▸…000009")
    row = unreadable_worker("brain-0")
    assert worker_line(row, columns_of_workers(80), 80, row.name, "").plain.startswith("▸brain-0@box")


def test_owners_in_short() -> None:
    """Numbers only; a name that is none of ours is a question mark."""
    assert owner_numbers(call(1, brain="", egress="somebody")) == "0/–/?"


def test_before_the_first_window_there_is_a_dash() -> None:
    """For the verdict and its figures."""
    young = call(0, pipeline=None, verdict=None)
    assert verdict_cell(young, 4).plain == "–   "
    assert line(columns_of_calls(80, AT_MS), young).plain.split()[5] == "–"


@pytest.mark.parametrize("width", [80, 118])
def test_a_call_in_trouble_has_words_in_place_of_its_figures(width: int) -> None:
    """In red; who it is stands where it always does."""
    dead = call(1, crew=crew(egress_0=27_000))
    shown = call_line(dead, columns_of_calls(width, AT_MS), width, "", "")
    healthy = call_line(call(1), columns_of_calls(width, AT_MS), width, "", "")
    assert shown.plain.rstrip().endswith("0/1/0 egress-0 is gone: caller hears nothing")
    assert shown.cell_len == healthy.cell_len
    assert [span.style for span in shown.spans if "egress-0" in shown.plain[span.start : span.end]] == [BAD]


def test_a_slow_loop_is_red() -> None:
    """From one frame's length on."""
    lag = next(each for each in columns_of_workers(80) if each.title == "loop lag")
    assert str(lag.cell(worker("brain-0", loop_lag_ms=25.0)).style) == "bold red"
    assert str(lag.cell(worker("brain-0", loop_lag_ms=2.0)).style) == ""


def test_a_full_worker_is_red() -> None:
    """By its share of the calls that it may have."""
    load = next(each for each in columns_of_workers(80) if each.title == "calls")
    assert [load.cell(worker("brain-0", calls=calls)).spans[0].style for calls in (10, 80, 95)] == [
        "green",
        "yellow",
        "red",
    ]


def test_reply_is_in_milliseconds_of_audio() -> None:
    """As egress has counted it."""
    reply = next(each for each in columns_of_calls(80, AT_MS) if each.title == "reply")
    assert reply.cell(call(1, pipeline=figures(reply_q_ms=340.0))).plain.split()[-1] == "340ms"
