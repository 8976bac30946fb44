"""The count of all calls: arguments and answers, as shapes. On real servers: tests/shared/ownership."""

from __future__ import annotations

import pytest

from shared.contract.admission import count
from shared.contract.admission.count import NOBODY, CallerBounds, OnTheLine, PlaceAnswer
from shared.contract.keys import ADMITTED, caller_day

CALL = "CA" + "0" * 31 + "1"


def test_a_place_is_given_or_refused() -> None:
    """With the number of those that have one, or of what is bounded."""
    assert count.read_admit([b"OK", b"7", b"0"]) == PlaceAnswer(7)
    assert count.read_admit([b"OK", b"7", b"1"]) == PlaceAnswer(7, had_it=True)
    assert count.read_admit([b"FULL", b"200"]) == PlaceAnswer(200, "full")
    assert count.read_admit([b"CALLER_MINUTES", b"60000"]) == PlaceAnswer(60_000, "caller_minutes")


@pytest.mark.parametrize("read", [count.read_admit, count.read_hold, count.read_vacate, count.read_dials])
@pytest.mark.parametrize("reply", [[], [b"WHAT"], [b"OK"], [b"OK", b"1", b"2", b"3"]])
def test_what_is_no_answer_is_refused(read: object, reply: list[bytes]) -> None:
    """ValueError, not a shape with empty fields."""
    assert callable(read)
    with pytest.raises(ValueError, match="expected"):
        read(reply)


def test_who_is_on_the_line_is_bounded_by_nothing() -> None:
    """Neither by the number of calls nor by what its caller has had."""
    assert count.admit(CALL, most=200).args[1] == "200"
    assert count.admit_again(CALL).args[1] == ""


@pytest.mark.parametrize(
    ("caller", "bounds", "kept"),
    [
        (NOBODY, CallerBounds(calls=1), "0"),
        ("c", CallerBounds(), "0"),
        ("c", CallerBounds(transfers=1), "1"),
    ],
)
def test_a_day_is_kept_only_where_something_of_it_is_bounded(
    caller: str, bounds: CallerBounds, kept: str
) -> None:
    """And only of who shows a number."""
    call = count.admit(CALL, most=1, caller=caller, bounds=bounds)
    assert call.args[8] == kept
    assert call.keys == (ADMITTED, caller_day(caller))


def test_many_calls_are_held_in_one_step() -> None:
    """Each with the name under which its caller's day is kept."""
    call = count.hold([OnTheLine(CALL, "c"), OnTheLine("CA2")])
    assert call.args[2:] == (CALL, "c", "CA2", "")


def test_a_lease_is_told_as_it_was_seen() -> None:
    """In whole milliseconds, as Redis has it."""
    assert count.vacate([(CALL, 1_800_000_000_000.0)]).args == (CALL, "1800000000000")
