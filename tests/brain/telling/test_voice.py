"""When the caller's voice was, by the audio."""

from __future__ import annotations

from brain.telling.voice import Spoken, VoiceBand

NOW = 1_700_000_000_000


def test_what_the_detector_adds_is_taken_off() -> None:
    """It puts 300 ms before a voice and waits 500 ms behind it; the news comes 40 ms later."""
    band = VoiceBand(before_ms=300.0, behind_ms=500.0)
    band.began("u", NOW, ago_ms=400.0)
    assert band.ended("u", NOW + 2_540, ago_ms=40.0) == Spoken(
        item_id="u", from_ms=NOW - 100, to_ms=NOW + 2_000
    )


def test_of_a_server_that_gives_no_places_the_news_is_the_place() -> None:
    """A voice does not begin in what is to come."""
    band = VoiceBand(before_ms=300.0, behind_ms=500.0)
    band.began("u", NOW, ago_ms=0.0)
    assert band.ended("", NOW + 1_500, ago_ms=0.0) == Spoken(item_id="u", from_ms=NOW, to_ms=NOW + 1_000)


def test_a_click_is_not_shorter_than_nothing() -> None:
    """An end before the beginning is the beginning."""
    band = VoiceBand(behind_ms=500.0)
    band.began("u", NOW, ago_ms=0.0)
    found = band.ended("u", NOW + 100, ago_ms=0.0)
    assert found is not None
    assert found.to_ms == found.from_ms == NOW


def test_an_end_without_a_beginning_is_no_voice() -> None:
    """Its beginning was told to another session."""
    assert VoiceBand().ended("u", NOW, ago_ms=0.0) is None
    band = VoiceBand()
    band.began("u", NOW, ago_ms=0.0)
    assert band.ended("u", NOW + 5, ago_ms=0.0) is not None
    assert band.ended("u", NOW + 9, ago_ms=0.0) is None
