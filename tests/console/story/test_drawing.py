"""The picture: well-formed, escaped, within its frame, small for a long call."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from console.calls.watching import Entry
from console.story.bands import Band, Lane, Mark, Story, Tone
from console.story.drawing import MOST_PX, SPARSE_MOST, lanes, picture, window
from console.story.telling import tell
from shared.contract.streams.journal import Kind
from tests.support.story_samples import BEGAN_MS, HOSTILE, line, reply, voice, whole_call


def story(*entries: Entry, now_ms: int = 30_000) -> Story:
    return tell(entries, BEGAN_MS, BEGAN_MS + now_ms)


def drawn(of: Story, span_ms: int | None = None, at_ms: int | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(picture(of, window(of, span_ms, at_ms)))


def test_every_band_and_mark_of_a_call_is_drawn_within_its_frame() -> None:
    """With its words for whoever points at it."""
    of = story(*whole_call())
    root = drawn(of)
    width = float(root.get("width", "0"))
    rects = root.findall("./g/rect")
    assert len(rects) == len(of.bands)
    assert all(0 <= float(each.get("x", "-1")) <= width for each in rects)
    titles = [each.text or "" for each in root.findall("./g/title")]
    assert any("check_order runs" in title for title in titles)
    assert any("heard 2.6 of 10.1 s" in title for title in titles)
    assert len(lanes()) == len(Lane) + 1


def test_hostile_words_are_words() -> None:
    """A tool's name is a model's: no element, no direction, nothing that acts."""
    root = drawn(story(line(0, Kind.TOOL_STARTED, call_id="c", tool=HOSTILE), now_ms=60_000))
    assert root.findall(".//script") == []
    text = "".join(root.itertext())
    assert "<script>alert(1)</script>" in text
    assert "\u202e" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("span_ms", "at_ms", "shown"),
    [(None, None, (0, 30_000)), (10_000, None, (20_000, 30_000)), (10_000, 5_000, (5_000, 15_000)),
     (10_000, 99_000, (20_000, 30_000)), (10_000, -5, (0, 10_000)), (60_000, 5_000, (0, 30_000))],
)  # fmt: skip
def test_a_part_of_a_call_can_be_shown(
    span_ms: int | None, at_ms: int | None, shown: tuple[int, int]
) -> None:
    """Never outside of it."""
    found = window(story(*whole_call()), span_ms, at_ms)
    assert (found.from_ms, found.to_ms) == shown


def long_call(turns: int) -> Story:
    entries: list[Entry] = []
    for number in range(turns):
        at_ms = number * 9_000
        entries += voice(at_ms, at_ms + 2_000, f"u{number}")
        entries += reply(number, at_ms + 2_600, at_ms + 3_600, at_ms + 3_000, at_ms + 7_500)
    return story(*entries, now_ms=turns * 9_000)


def test_an_hour_fits_into_a_page() -> None:
    """Four hundred turns: paths without words, below 60 KB."""
    of = long_call(400)
    assert len(of.bands) > SPARSE_MOST
    text = picture(of, window(of, None, None))
    assert len(text.encode()) < 60_000
    root = ElementTree.fromstring(text)
    assert root.get("width") == str(MOST_PX)
    assert root.findall("./g") == []
    assert {each.get("class") for each in root.findall("./path")} >= {"voice", "made", "heard", "level"}


def test_a_call_that_has_not_begun_has_a_picture_too() -> None:
    """An empty one."""
    assert drawn(story(now_ms=0)).findall("./g") == []


def test_labels_that_do_not_fit_are_left_out() -> None:
    """Their words stand in the title."""
    short = Band(lane=Lane.TOOLS, tone=Tone.TOOL, from_ms=0, to_ms=20, label="a_long_name_of_a_tool")
    marks = tuple(
        Mark(lane=Lane.OWNERS, tone=Tone.MADE, at_ms=at, label="egress-0 takes over") for at in (0, 50)
    )
    root = drawn(Story(until_ms=60_000, is_over=True, bands=(short,), marks=marks, responses=()))
    shown = [each.text for each in root.findall("./g/text")]
    assert shown == ["egress-0 takes over"]
