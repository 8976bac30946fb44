"""Numbers of a caller's frames: counters that leap, times that tell of a loss."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.media.numbering import LEAP_FRAMES, LOST_MOST_FRAMES, REPEATS_MOST, Numbering, Place
from shared.audio import FRAME_BYTES

Frames = list[tuple[int | None, int | None]]
"""Counter and time of each, as the carrier says them."""


def numbers(frames: Frames, n_bytes: int = FRAME_BYTES) -> list[int | None]:
    """The number of each; None: it was taken for a repeat."""
    numbering, found = Numbering(), list[int | None]()
    for chunk, time_ms in frames:
        place = numbering.place(chunk, time_ms, n_bytes)
        found.append(None if place is Place.REPEATED else numbering.number)
    return found


def test_a_counter_is_the_number() -> None:
    """A first one above 1 is no gap; a jump is one; a repeat has none."""
    assert numbers([(4, None), (5, None), (5, None), (4, None), (8, None)]) == [4, 5, None, None, 8]


def test_a_carrier_that_counts_from_0_or_not_at_all() -> None:
    """Its frames are counted here."""
    assert numbers([(0, None), (1, None), (2, None)]) == [1, 2, 3]
    assert numbers([(None, None), (None, None)]) == [1, 2]


@pytest.mark.parametrize("chunk", [1_000_003, 3 + LEAP_FRAMES + 1])
def test_one_wild_counter_deafens_nobody(chunk: int) -> None:
    """The frame and all that follow are heard, without a pause."""
    assert numbers([(1, None), (2, None), (chunk, None), (4, None), (5, None)]) == [1, 2, 3, 4, 5]


def test_a_count_that_begins_again_is_followed() -> None:
    """From a leap on, from a step far back, and after some frames from a small step back."""
    assert numbers([(900, None), (901, None), (5_000, None), (5_001, None)]) == [900, 901, 902, 903]
    assert numbers([(900, None), (901, None), (1, None), (2, None)]) == [900, 901, 902, 903]
    back: Frames = [(20, None), *((chunk, None) for chunk in range(1, REPEATS_MOST + 4))]
    assert numbers(back) == [20, *[None] * REPEATS_MOST, 21, 22, 23]


def test_by_its_time_a_small_step_back_is_no_repeat() -> None:
    """It is followed at once; a frame that came twice has the time of the first."""
    assert numbers([(20, 100), (3, 120), (4, 140)]) == [20, 21, 22]
    assert numbers([(20, 100), (21, 120), (21, 120), (20, 100), (22, 140)]) == [20, 21, None, None, 22]


def test_what_is_lost_by_the_carriers_time_is_a_gap() -> None:
    """Its counter went on. What both tell of is counted once."""
    assert numbers([(1, 100), (2, 140), (3, 160)]) == [1, 3, 4]
    assert numbers([(1, 100), (3, 140), (4, 160)]) == [1, 3, 4]
    assert numbers([(1, 100), (3, 180), (4, 200)]) == [1, 5, 6]


def test_a_wobble_is_no_loss() -> None:
    """Neither one alone nor many of them."""
    wobble = [0, 2, -2, 2, 2, -2, 0, 2] * 100
    frames: Frames = [(n + 1, 57 + n * 20 + off) for n, off in enumerate(wobble)]
    assert numbers(frames) == list(range(1, len(frames) + 1))


def test_a_carriers_clock_may_be_slower_than_its_audio() -> None:
    """And a loss is found all the same."""
    frames: Frames = [(n + 1, 57 + n * 20 - n // 10) for n in range(3_000)]
    last = frames[-1][1]
    assert last is not None
    assert numbers([*frames, (3_001, last + 60)])[-2:] == [3_000, 3_003]


def test_a_long_pause_is_a_gap_of_bounded_length() -> None:
    """The caller was on hold; the times that follow are those of a new row."""
    held: Frames = [(1, 100), (2, 60_100), (3, 60_120), (4, 60_160)]
    assert numbers(held) == [1, 2 + LOST_MOST_FRAMES, 3 + LOST_MOST_FRAMES, 5 + LOST_MOST_FRAMES]


def test_one_wild_time_is_one_pause() -> None:
    """What follows is measured by the times that follow."""
    wild: Frames = [(1, 100), (2, 10**12), (3, 140), (4, 180)]
    assert numbers(wild) == [1, 2 + LOST_MOST_FRAMES, 3 + LOST_MOST_FRAMES, 5 + LOST_MOST_FRAMES]


def test_frames_of_another_length_are_measured_by_their_length() -> None:
    """30 ms of audio every 30 ms: nothing is lost."""
    assert numbers([(1, 0), (2, 30), (3, 60), (4, 90)], n_bytes=240) == [1, 2, 3, 4]


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 10**16), st.none() | st.integers(0, 10**16)), max_size=60)
)
def test_whatever_a_carrier_says_its_numbers_rise_and_few_frames_are_unheard(frames: Frames) -> None:
    """No more in a row than a repeat may be long; nor is any gap longer than its bound."""
    found = numbers(frames)
    heard = [number for number in found if number is not None]
    steps = [later - earlier for earlier, later in itertools.pairwise(heard)]
    assert all(1 <= step <= LEAP_FRAMES + LOST_MOST_FRAMES + 1 for step in steps)
    unheard = "".join("-" if number is None else "x" for number in found)
    assert "-" * (REPEATS_MOST + 1) not in unheard
