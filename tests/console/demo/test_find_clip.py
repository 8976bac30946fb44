"""Finding clips in what was heard."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from console.demo.find_clip import common_length, find, pieces_of

CHANCE = random.Random(1)
CLIP = bytes(CHANCE.randrange(0, 200) for _ in range(8000))
SILENCE = b"\xff"


def test_a_whole_clip_is_found_where_it_stands() -> None:
    """Time and length in ms."""
    found = find(CLIP, SILENCE * 4000 + CLIP + SILENCE * 800)
    assert (found.at_ms, found.heard_ms, found.end_ms) == (500, 1000, 1500)


def test_a_clip_that_was_cut_is_found_up_to_the_cut() -> None:
    """Only the unbroken part counts."""
    assert find(CLIP, SILENCE * 80 + CLIP[:4000] + SILENCE * 8000).heard_ms == 500


def test_silence_at_the_beginning_of_a_clip_counts_as_heard() -> None:
    """It cannot be told from any other silence."""
    found = find(SILENCE * 800 + CLIP, SILENCE * 1600 + CLIP)
    assert (found.at_ms, found.heard_ms) == (100, 1100)


def test_a_clip_that_is_not_there() -> None:
    """Nothing heard; also not before `from_ms`."""
    assert find(CLIP, SILENCE * 8000).heard_ms == 0
    assert find(CLIP, CLIP + SILENCE * 8000, from_ms=100).heard_ms == 0


def test_pieces_after_a_moment() -> None:
    """What comes back of a clip later is seen, wherever in the clip it stands; silence is not."""
    clip = CLIP[:3200] + SILENCE * 3200
    assert pieces_of(clip, CLIP + SILENCE * 800 + CLIP[1600:3200], from_ms=1000) == 200
    assert pieces_of(clip, CLIP + SILENCE * 8000, from_ms=1000) == 0


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_common_length_is_the_length_of_the_longest_common_beginning(left: bytes, right: bytes) -> None:
    """Equal up to there, not further."""
    length = common_length(left, right)
    assert left[:length] == right[:length]
    assert left[length : length + 1] != right[length : length + 1] or length == min(len(left), len(right))
