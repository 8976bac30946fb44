"""Rows of the pages: figures in words, what is bad, what is hidden."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from console.calls.live import AnyCall, AnyWorker, Look
from console.text import NONE
from console.web import rows
from console.web.hiding import DOTS, Shows
from console.web.reading import LastLine, Seen
from console.web.rows import LAST_CHARS, LIVE_MOST, LiveRow
from shared.contract.card import CallState, TalkPhase
from tests.console.archive.samples import row as kept
from tests.support.top_samples import (
    AT_MS,
    PROBLEM,
    call,
    crew,
    ended_call,
    figures,
    silent_worker,
    unreadable_call,
    unreadable_worker,
    worker,
    workers,
)

NEITHER, BOTH = Shows.of(""), Shows.of("text, numbers")


def seen(
    *calls: AnyCall, of: list[AnyWorker] | None = None, words: Mapping[str, LastLine] | None = None,
    trouble: str = "",
) -> Seen:  # fmt: skip
    look = Look(calls=list(calls), workers=list(workers()) if of is None else of)
    return Seen(look=look, last_lines=words or {}, trouble=trouble)


def only(one: AnyCall, shows: Shows = NEITHER, words: LastLine | None = None) -> LiveRow:
    """The row of a call."""
    found = rows.live_table(seen(one, words={one.call_sid: words} if words else {}), AT_MS, shows)
    (row,) = found.rows
    return row


def test_a_call_that_is_well() -> None:
    """What it is at, since when, how fast it was."""
    at_ms = AT_MS - 4_000
    row = only(call(5, phase=TalkPhase.SPEAKING, phase_at_ms=at_ms, response_ms=640, cost_micros=41_260))
    assert (row.short, row.age, row.phase, row.phase_age) == ("…000005", "5:00", "speaks", "4s")
    assert (row.response.words, row.response.is_bad, row.cost) == ("640ms", False, "0.0413 USD")
    assert (row.caller_backlog.words, row.reply_backlog.is_bad) == ("60ms", False)
    assert "oldest 1.5s" in row.reply_backlog.words
    assert row.owners == ("ingress-0", "brain-1", "egress-0")
    assert (row.owed.words, row.verdict, row.trouble, row.is_bad) == (NONE, "ok", "", False)


def test_a_call_that_has_said_nothing_yet() -> None:
    """Dashes, and no zero that nobody measured."""
    row = only(call(0, pipeline=None, verdict=None, caller_q=0))
    assert (row.phase, row.phase_age, row.response.words, row.cost) == (NONE, "", NONE, NONE)
    assert (row.caller_backlog.words, row.reply_backlog.words, row.verdict) == ("0 ms", NONE, NONE)


def test_what_is_bad_has_a_colour() -> None:
    """A slow answer, sound that is owed, an egress that is gone."""
    row = only(call(5, response_ms=2_500, owed_ms=4_100, owed_cause="turn", crew=crew(egress_0=30_000)))
    assert row.response.is_bad
    assert only(call(5, caller_q=60)).caller_backlog.is_bad
    assert (row.owed.words, row.owed.is_bad) == ("4.1 s turn", True)
    assert row.is_bad
    assert row.trouble == "egress-0 is gone: caller hears nothing"


def test_a_caller_who_is_away_is_away() -> None:
    """Whatever the brain said last."""
    row = only(call(5, state=CallState.DETACHED, phase=TalkPhase.LISTENING.value))
    assert row.phase == "away"


def test_a_phase_of_a_newer_version_is_told_as_it_stands() -> None:
    """But is no class of ours."""
    row = only(call(5, phase='dancing" class="x'))
    assert (row.phase, row.phase_class) == ('dancing" class="x', "")


def test_numbers_and_words_are_hidden() -> None:
    """Unless a setting shows them."""
    said = LastLine(by_caller=True, text="My card is lost")
    one = call(5, from_number="+15550006789")
    hidden, told = only(one, NEITHER, said), only(one, BOTH, said)
    assert (hidden.caller, hidden.last_words, hidden.last_by) == ("…89", DOTS, "caller")
    assert (told.caller, told.last_words) == ("+15550006789", "My card is lost")


def test_of_long_words_the_end_is_shown() -> None:
    """That is what is being said."""
    row = only(call(5), BOTH, LastLine(by_caller=False, text="x" * 500 + "end"))
    assert len(row.last_words) == LAST_CHARS
    assert (row.last_words[0], row.last_words[-3:], row.last_by) == ("…", "end", "agent")


def test_a_call_that_cannot_be_read_is_a_row() -> None:
    """It may be hung up all the same."""
    broken = unreadable_call(7)
    row = only(broken)
    assert (row.trouble, row.is_bad, row.call_sid) == (PROBLEM, True, broken.call_sid)


def test_a_table_is_bounded_and_can_be_searched() -> None:
    """By SID and by agent; those in trouble stand first anyway."""
    many = [call(number, agent="sales" if number % 2 else "desk") for number in range(LIVE_MOST + 20)]
    whole = rows.live_table(seen(*many, unreadable_call(999)), AT_MS, NEITHER)
    assert (len(whole.rows), whole.left_out) == (LIVE_MOST, 21)
    sales = rows.live_table(seen(*many), AT_MS, NEITHER, "sales")
    assert (len(sales.rows), sales.left_out, sales.wanted) == (40, 0, "sales")
    (one,) = rows.live_table(seen(*many), AT_MS, NEITHER, many[-1].call_sid[-8:]).rows
    assert one.call_sid == many[-1].call_sid


def test_workers_by_role() -> None:
    """In the order of a frame's way, with how full they are."""
    found = rows.fleet([worker("egress-0", calls=3, capacity=4), worker("ingress-0"), unreadable_worker("x")])
    assert [(group.role, group.calls, group.capacity) for group in found] == [
        ("ingress", 1, 100), ("egress", 3, 4), ("other", 0, 0),
    ]  # fmt: skip
    (egress,) = found[1].workers
    assert (egress.short, egress.share, egress.state, egress.calls) == ("egress-0", 75, "ready", "3 of 4")
    assert found[2].workers[0].problem


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (worker("brain-0"), "ready"),
        (worker("brain-0", draining=True), "draining"),
        (silent_worker("brain-0"), "gone"),
    ],
)
def test_the_state_of_a_worker(one: AnyWorker, state: str) -> None:
    """One that is gone may have been draining: it is gone."""
    (group,) = rows.fleet([one])
    assert group.workers[0].state == state


def test_how_the_processes_fare_is_told_by_their_live_calls() -> None:
    """Late frames of an egress by the last windows of its calls; what a process has taken from another."""
    moved = call(1, fields={"brain_claims": "2", "egress_claims": "1"}, pipeline=figures(late=3, sent=150))
    calls = [moved, call(2, pipeline=figures(late=0, sent=150)), call(3, pipeline=None), unreadable_call(4)]
    own = [dataclasses.replace(worker("egress-0"), name="egress-0@box#c3"),
           dataclasses.replace(worker("brain-1"), name="brain-1@box#b2"), worker("brain-0")]  # fmt: skip
    brains, egresses = rows.fleet(own, calls)
    assert (egresses.workers[0].late.words, egresses.workers[0].late.is_bad) == ("3 of 300", False)
    assert [each.taken_over for each in (*brains.workers, *egresses.workers)] == [1, 0, 0]
    assert brains.workers[0].late == rows.NOTHING
    (egress,) = rows.fleet(own[:1], [call(1, pipeline=figures(late=4, sent=150))])
    assert egress.workers[0].late.is_bad


def test_calls_that_changed_hands() -> None:
    """Whose role was claimed more than once."""
    moved = call(1, fields={"brain_claims": "2", "egress_claims": "1"})
    assert rows.taken_over([call(2, fields={"brain_claims": "1"}), moved, unreadable_call(3)]) == 1


def test_a_call_that_is_over_is_one_row_wherever_it_is_kept() -> None:
    """Redis has it for an hour, the archive for days."""
    of_redis = rows.ended_row(ended_call(1, cost_micros=10_000), NEITHER)
    assert (of_redis.lasted, of_redis.outcome, of_redis.cause) == ("2:00", "apology", "no_session")
    assert (of_redis.owed.words, of_redis.owed.is_bad, of_redis.cost) == ("5.2 s turn", True, "0.0100 USD")
    of_shelf = rows.kept_row(kept(7, from_number="+15550006789"), NEITHER)
    assert (of_shelf.caller, of_shelf.outcome, of_shelf.lasted) == ("…89", "completed", "0s")
    assert of_shelf.owed.words == NONE
