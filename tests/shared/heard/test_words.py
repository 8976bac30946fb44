"""Where a text can be cut, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.heard.words import beginning, pieces, weight


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one two  three", ["one ", "two  ", "three"]),
        ("שלום וברכה", ["שלום ", "וברכה"]),
        ("你好，请问", ["你", "好，", "请", "问"]),
        ("ちょっと待って。", ["ちょっ", "と", "待っ", "て。"]),
        ("เก้าโมง", ["เก้า", "โม", "ง"]),
        ("我用iPhone15打", ["我", "用", "iPhone15", "打"]),
        ("「はい」です", ["「は", "い」", "で", "す"]),
        ("안녕 하세요", ["안녕 ", "하세요"]),
        ("", []),
    ],
)
def test_a_text_has_places_where_it_can_be_cut(text: str, found: list[str]) -> None:
    """Words at spaces; without them what a reader takes for a character, with its marks."""
    assert list(pieces(text)) == found


def test_a_syllable_weighs_more_than_a_letter() -> None:
    """A reply in two scripts is cut in time, not in characters."""
    assert weight("你好") == 6
    assert weight("hi") == 3
    assert weight("ก้") == weight("ก")


def test_a_beginning_takes_no_more_than_there_is_room_for() -> None:
    """And no half words."""
    assert beginning("one two three", 8) == "one two"
    assert beginning("one two three", 7.9) == "one"
    assert beginning("你好吗", 5.9) == "你"


@given(st.text(max_size=80))
def test_the_pieces_are_the_text(text: str) -> None:
    """Nothing is lost between them."""
    assert "".join(pieces(text)) == text


@given(st.text(max_size=80), st.floats(0, 1))
def test_a_beginning_is_one_and_fits(text: str, share: float) -> None:
    """Whatever the text; all of it has room in its own weight."""
    found = beginning(text, weight(text) * share)

    assert text.strip().startswith(found)
    assert weight(found) <= weight(text) * share + 1
    assert beginning(text, weight(text)) == text.strip()
