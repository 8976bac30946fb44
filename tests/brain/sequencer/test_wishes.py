"""Wishes coalesce without losing what either asked for."""

from __future__ import annotations

import dataclasses

import pytest

from brain.sequencer.wishes import EXPIRY_MS, MAX_TEXT_CHARS, Reason, Wish


def wish(text: str = "", *, calls: tuple[str, ...] = (), expires: float = 10.0) -> Wish:
    return Wish(
        number=1,
        reason=Reason.OPERATOR,
        text=text,
        force=False,
        expires_at_ms=expires,
        backoff_ms=250,
        answered_ids=calls,
    )


def test_two_texts_are_said_in_order() -> None:
    """An operator who speaks twice is heard twice."""
    assert wish("first").merged_with(wish("second")).text == "first\nsecond"


def test_the_same_text_is_said_once() -> None:
    """A repeated wish is the same wish."""
    assert wish("again").merged_with(wish("again")).text == "again"


def test_texts_are_bounded() -> None:
    """Coalescing has a bound; the first words stay."""
    merged = wish("a" * MAX_TEXT_CHARS).merged_with(wish("b"))

    assert merged.text == "a" * MAX_TEXT_CHARS


def test_calls_join_without_repetition() -> None:
    """One create answers all calls of both wishes."""
    merged = wish(calls=("a", "b")).merged_with(wish(calls=("b", "c"), expires=20.0))

    assert merged.answered_ids == ("a", "b", "c")
    assert merged.expires_at_ms == 20.0


def test_every_reason_expires() -> None:
    """No wish waits for ever."""
    assert set(EXPIRY_MS) == set(Reason)


@pytest.mark.parametrize("how", ["audio_only", "goes_on", "without_tools"])
def test_how_a_wish_is_asked_for_outlives_joining(how: str) -> None:
    """Whichever of the two was answered in writing, stopped in the middle, or ran too many rounds of
    tools."""
    asks = dataclasses.replace(wish("a"), **{how: True})

    assert getattr(wish("b").merged_with(asks), how)
    assert getattr(asks.merged_with(wish("b")), how)
    assert not getattr(wish("a").merged_with(wish("b")), how)
