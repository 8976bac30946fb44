"""Who was to answer whom, on records written by hand, and what is promised of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brain.signing import signed_headers
from proofs.prove.openings.answerer import LINES, Asked, Manner
from proofs.prove.openings.context import (
    GREETED_MS,
    MANNERS,
    SECRET,
    Outcome,
    Seen,
    caller_of,
    expected,
    is_signed,
    look_through,
    manner_of,
    promises,
    shares,
    spoke_as,
    words_of,
)
from proofs.prove.promises import true_of
from simulators.realtime.knobs import Knobs
from simulators.realtime.record import SessionRecord, TimedEvent


def seen(number: int) -> Seen:
    """A call as it is to be."""
    caller = caller_of(number)
    manner = manner_of(caller)
    answered = expected(manner, caller)
    return Seen(
        manner=manner,
        caller=caller,
        waited_ms=900.0 if answered else None,
        spoke_as=(answered,) if answered else (),
        read_out=() if answered else ("No.",),
        dialled=False,
        asked=1,
        is_signed=True,
    )


ALL = [seen(number) for number in range(len(MANNERS))]
GOOD, REFUSED = MANNERS.index(Manner.GOOD), MANNERS.index(Manner.REFUSES)
LOGS = ["brain-0.log", "egress-0.log", "ingress-0.log"]


def test_a_number_says_in_which_manner_its_caller_is_asked_about() -> None:
    """As many of each."""
    assert [manner_of(caller_of(number)) for number in range(len(MANNERS))] == list(MANNERS)
    assert len({caller_of(number) for number in range(100)}) == 100


def test_all_is_well_where_everybody_hears_who_they_are_to_hear() -> None:
    """In time, and nothing of them is written anywhere."""
    assert true_of(promises(Outcome(ALL, LOGS), "No.")) == []


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        (GOOD, {"waited_ms": GREETED_MS + 1}),
        (GOOD, {"waited_ms": None}),
        (GOOD, {"spoke_as": ("You are the desk. The caller is .",)}),
        (GOOD, {"spoke_as": ("You are the desk. The caller is .", expected(Manner.GOOD, caller_of(GOOD)))}),
        (GOOD, {"read_out": ("Sorry.",)}),
        (GOOD, {"asked": 2}),
        (GOOD, {"is_signed": False}),
        (REFUSED, {"spoke_as": ("You are the desk. The caller is .",)}),
        (REFUSED, {"read_out": ()}),
        (REFUSED, {"dialled": True}),
    ],
)
def test_what_goes_wrong_breaks_a_promise(number: int, wrong: dict[str, object]) -> None:
    """Whatever it is."""
    calls = [*ALL]
    calls[number] = replace(calls[number], **wrong)  # type: ignore[arg-type]

    assert true_of(promises(Outcome(calls, LOGS), "No."))


def test_a_manner_that_nobody_met_and_a_leak_break_one() -> None:
    """Nothing was shown then; or too much."""
    assert true_of(promises(Outcome(ALL[1:], LOGS), "No.")) == [f"{MANNERS[0]}: nobody called"]
    leaking = Outcome(ALL, LOGS, ["brain-0.log"])
    assert true_of(promises(leaking, "No.")) == ["brain-0.log: callers can be read about"]


def test_without_a_log_of_each_role_nothing_was_shown() -> None:
    """Who looks in the wrong folder finds no leak."""
    broken = true_of(promises(Outcome(ALL, ["brain-0.log", "supervisord.log"]), "No."))

    assert broken == [f"{role}: it has no log that could be looked through" for role in ("ingress", "egress")]


def test_the_model_spoke_as_it_was_told_to_be_by_then() -> None:
    """Not as it was told later."""
    record = SessionRecord(1, "s", "m", Knobs(), 0.0, {})
    for kind, told in (("session.updated", "A"), ("response.created", ""), ("session.updated", "B")):
        record.sent.append(TimedEvent(0.0, {"type": kind, "session": {"instructions": told}}))

    assert spoke_as(record) == ["A"]


def test_a_request_is_believed_if_it_is_signed() -> None:
    """By our secret, over what it says."""
    headers = signed_headers(SECRET, "CA1-incoming", 7, b"{}")

    assert is_signed(Asked(0.0, headers, b"{}"))
    assert not is_signed(Asked(0.0, headers, b"{} "))
    assert not is_signed(Asked(0.0, {}, b"{}"))


def test_a_log_that_knows_a_caller_is_found(tmp_path: Path) -> None:
    """By what only their context had, by their number in full, by the words of a refusal; an empty log says
    nothing, and counts as none."""
    number = caller_of(17)
    texts = {
        "a.log": f"all well, {number[-4:]}", "b.log": "x Canary 00012 x", "c.log": LINES,
        "d.log": "Say 'No.'", "e.log": f"From=%2B{number[1:]}", "f.log": "\n",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")

    said, leaking = look_through(sorted(tmp_path.glob("*.log")), words_of([number], "No."))

    assert said == ["a.log", "b.log", "c.log", "d.log", "e.log"]
    assert leaking == ["b.log", "c.log", "d.log", "e.log"]


def test_how_many_of_each_manner_is_said() -> None:
    """As they are dealt out."""
    assert (shares(100), shares(16), shares(32)) == ("6 or 7", "1", "2")
