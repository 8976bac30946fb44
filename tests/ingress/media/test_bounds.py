"""The two rules for strangers: an allowance refills, a crowd lets in whoever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.media import bounds
from ingress.media.bounds import Allowance, Crowd, Rate, Room, room_for
from simulators.twilio.media.messages import MessageWriter

RATE = Rate(a_second=10, at_once=5)


def test_an_allowance_begins_full_and_refills() -> None:
    """Five at once; then one each tenth of a second."""
    allowance = Allowance(RATE, 0.0)
    assert [allowance.take(1, 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert [allowance.take(1, at) for at in (99.0, 101.0, 190.0, 210.0)] == [False, True, False, True]


def test_a_pause_gives_no_more_than_fits() -> None:
    """An hour is worth what half a second is."""
    allowance = Allowance(RATE, 0.0)
    assert allowance.take(5, 0.0)
    assert [allowance.take(1, 3_600_000.0) for _ in range(6)] == [True] * 5 + [False]


def test_what_is_too_much_is_not_taken() -> None:
    """It leaves what there is to others."""
    allowance = Allowance(RATE, 0.0)
    assert [allowance.take(6, 0.0), allowance.take(5, 0.0)] == [False, True]


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(1, 5)), max_size=60))
def test_never_more_than_the_rate_and_what_was_there(steps: list[tuple[float, int]]) -> None:
    """Whatever is asked, and when."""
    allowance, now_ms, taken = Allowance(RATE, 0.0), 0.0, 0.0
    for after_ms, amount in steps:
        now_ms += after_ms
        taken += amount if allowance.take(amount, now_ms) else 0
        assert taken <= RATE.at_once + RATE.a_second * now_ms / 1000 + 1e-6


def test_a_call_is_far_below_the_bound_of_bytes() -> None:
    """Each minute of it, and all that has waited while a process stood still for twenty seconds."""
    writer = MessageWriter("AC" + "a" * 32, "CA" + "b" * 32, "MZ" + "c" * 32, chunk=999_999, sequence=999_999)
    frame = 8 + len(writer.media(b"A" * 216, 3_600_000))
    assert 50 * frame <= bounds.NOMINAL_BYTES_A_SECOND
    allowance = Allowance(bounds.INCOMING_BYTES, 0.0)
    assert all(allowance.take(50 * frame, second * 1000.0) for second in range(600))
    assert allowance.take(20 * 50 * frame, 620_000.0)
    assert all(allowance.take(50 * frame, second * 1000.0) for second in range(621, 700))


def test_four_times_a_call_is_above_it() -> None:
    """Not at once, but soon."""
    allowance = Allowance(bounds.INCOMING_BYTES, 0.0)
    found = [allowance.take(4 * bounds.NOMINAL_BYTES_A_SECOND, second * 1000.0) for second in range(60)]
    assert found[0]
    assert False in found


def test_a_crowd_sends_away_who_has_stood_in_it_for_longest() -> None:
    """Whoever comes is let in."""
    crowd: Crowd[str] = Crowd(2)
    assert [crowd.enter(who) for who in "abcd"] == [None, None, "a", "b"]
    assert len(crowd) == 2


def test_who_has_left_holds_no_place() -> None:
    """Twice is as good as once, and who was sent away may say so too."""
    crowd: Crowd[str] = Crowd(2)
    for who in "ab":
        crowd.enter(who)
    for who in "aax":
        crowd.leave(who)
    assert [crowd.enter(who) for who in "cd"] == [None, "b"]


@pytest.mark.parametrize(
    ("descriptors", "room"),
    [
        (-1, Room(1_000, 2_000)),
        (1_048_576, Room(1_000, 2_000)),
        (4_096, Room(1_000, 1_638)),
        (1_024, Room(307, 409)),
        (1, Room(1, 1)),
    ],
)
def test_there_is_room_by_descriptors(descriptors: int, room: Room) -> None:
    """What is left is for requests that are being answered, and the process's own."""
    assert room_for(descriptors) == room
