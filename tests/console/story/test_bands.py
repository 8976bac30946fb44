"""The sheet: bands that go on, bands that end as another, lengths of responses."""

from __future__ import annotations

from dataclasses import replace

from console.story.bands import Lane, Sheet, Tone


def test_a_band_that_begins_again_ends_where_it_does() -> None:
    """Nothing of one thing lies over itself."""
    sheet = Sheet(0)
    sheet.begin(Lane.MADE, "r", Tone.WAIT, 100)
    sheet.begin(Lane.MADE, "r", Tone.MADE, 300)
    sheet.end(Lane.MADE, "r", 900, tone=Tone.CUT, label="cancelled")
    assert [(band.tone, band.from_ms, band.to_ms, band.label) for band in sheet.story(1_000).bands] == [
        (Tone.WAIT, 100, 300, ""), (Tone.CUT, 300, 900, "cancelled"),
    ]  # fmt: skip


def test_what_never_began_does_not_end() -> None:
    """And an end before the beginning is the beginning."""
    sheet = Sheet(0)
    sheet.end(Lane.TOOLS, "c", 100)
    sheet.begin(Lane.TOOLS, "c", Tone.TOOL, 500)
    sheet.end(Lane.TOOLS, "c", 100)
    assert [(band.from_ms, band.to_ms) for band in sheet.story(1_000).bands] == [(500, 500)]


def test_a_response_is_as_long_as_its_items() -> None:
    """Those that were told of; of none, nobody knows."""
    sheet = Sheet(0)
    sheet.keep(replace(sheet.response("r", 10), first_ms=20))
    sheet.response("s", 50)
    for item, ms in (("i1", 1_000), ("i2", 500)):
        sheet.item(item, "r")
        sheet.length(item, ms)
    assert [(made.response_id, made.length_ms) for made in sheet.story(100).responses] == [
        ("r", 1_500), ("s", None),
    ]  # fmt: skip
