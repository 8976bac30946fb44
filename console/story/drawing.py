"""The picture of a call: its bands as SVG, which the page's own style sheet colours. Pure.

Why it exists: it must be there without a script, live and afterwards, in light and dark, and small enough
for a page of a long call. Owns: places and sizes, which words fit, what is left out where there is no room.
Must not know: what a band means (bands), colours (static/style.css).

Every word is escaped here: names of tools are a model's and a server's, and whoever writes them is not
trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from console.story import unheard
from console.story.bands import Band, Lane, Mark, Story, Tone
from console.text import duration, tame

ROW_PX, BAND_PX, TOP_PX = 34, 22, 22
"""Height of a lane, of a band in it, and of the axis above them."""

LEVEL_PX = 54
"""Height of the last lane: what was made and not heard."""

LETTER_PX = 6.6
"""About as wide as a letter is at the size of the labels."""

LEAST_PX, MOST_PX = 1_260, 4_000
PX_A_SECOND = 21.0
"""A minute fills the page of a wide screen."""

SPARSE_MOST = 160
"""Bands and marks that are drawn one by one, with their words; beyond it a lane's are one path without
any."""

TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
TICK_PX = 70
"""Ticks stand no nearer to one another."""

UNHEARD = "not heard yet"


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a call that is shown, and how wide."""

    from_ms: int
    to_ms: int
    width_px: int

    def x(self, at_ms: int) -> float:
        """Where a moment is."""
        span_ms = max(1, self.to_ms - self.from_ms)
        return round((min(max(at_ms, self.from_ms), self.to_ms) - self.from_ms) / span_ms * self.width_px, 1)

    def shows(self, from_ms: int, to_ms: int) -> bool:
        """Whether anything between these is in it."""
        return from_ms <= self.to_ms and to_ms >= self.from_ms


def window(story: Story, span_ms: int | None, at_ms: int | None) -> Window:
    """The part of so many ms that begins at `at_ms`, or the last one. No span: all of it."""
    whole_ms = max(1_000, story.until_ms)
    if span_ms is None or span_ms >= whole_ms:
        from_ms, to_ms = 0, whole_ms
    else:
        latest_ms = whole_ms - span_ms
        from_ms = latest_ms if at_ms is None else min(max(0, at_ms), latest_ms)
        to_ms = from_ms + span_ms
    width_px = min(MOST_PX, max(LEAST_PX, round((to_ms - from_ms) / 1000 * PX_A_SECOND)))
    return Window(from_ms, to_ms, width_px)


def lanes() -> list[tuple[str, int]]:
    """Names of the lanes and their heights, for the column beside the picture."""
    return [*((str(lane.value), ROW_PX) for lane in Lane), (UNHEARD, LEVEL_PX)]


def picture(story: Story, shown: Window) -> str:
    """The SVG. It is a picture to a reader of screens: what it shows stands in the tables below it as
    well."""
    height = TOP_PX + ROW_PX * len(Lane) + LEVEL_PX
    bands = [band for band in story.bands if shown.shows(band.from_ms, band.to_ms)]
    marks = [mark for mark in story.marks if shown.shows(mark.at_ms, mark.at_ms)]
    is_sparse = len(bands) + len(marks) <= SPARSE_MOST
    drawn = (_one_by_one if is_sparse else _in_paths)(bands, marks, shown)
    words = f"The call from {duration(shown.from_ms)} to {duration(shown.to_ms)} as bands over time"
    return "".join(
        [
            f'<svg class="story" role="img" aria-label="{escape(words)}" width="{shown.width_px}"'
            f' height="{height}" viewBox="0 0 {shown.width_px} {height}">',
            *_axis(shown, height),
            *_rules(shown),
            *drawn,
            *_level(story, shown),
            "</svg>",
        ]
    )


# Private.

_ROWS = {lane: TOP_PX + ROW_PX * number for number, lane in enumerate(Lane)}


def _axis(shown: Window, height: int) -> Iterator[str]:
    px_a_second = shown.width_px / max(0.001, (shown.to_ms - shown.from_ms) / 1000)
    step_s = next((each for each in TICKS_S if each * px_a_second >= TICK_PX), TICKS_S[-1])
    at_ms = -(-shown.from_ms // (step_s * 1000)) * step_s * 1000
    while at_ms <= shown.to_ms:
        x = shown.x(at_ms)
        yield f'<line class="tick" x1="{x}" x2="{x}" y1="{TOP_PX - 6}" y2="{height}"/>'
        yield f'<text class="tick" x="{x + 3}" y="{TOP_PX - 9}">{duration(at_ms)}</text>'
        at_ms += step_s * 1000


def _rules(shown: Window) -> Iterator[str]:
    for y in _ROWS.values():
        yield f'<line class="rule" x1="0" x2="{shown.width_px}" y1="{y + ROW_PX}" y2="{y + ROW_PX}"/>'


def _one_by_one(bands: list[Band], marks: list[Mark], shown: Window) -> Iterator[str]:
    for band in bands:
        x, y = shown.x(band.from_ms), _ROWS[band.lane] + (ROW_PX - BAND_PX) // 2
        width = round(max(1.5, shown.x(band.to_ms) - x), 1)
        note = _words(band.note or band.label or band.lane)
        seconds = f"{(band.to_ms - band.from_ms) / 1000:.1f} s"
        opened = " open" if band.is_open else ""
        yield f'<g class="{band.tone}{opened}"><title>{note}, {seconds}</title>'
        yield f'<rect x="{x}" y="{y}" width="{width}" height="{BAND_PX}" rx="3"/>'
        yield f"{_label(band.label, x + 4, y + 15, width - 6)}</g>"
    for lane, row in _ROWS.items():
        free_from = 0.0
        for mark in (each for each in marks if each.lane is lane):
            x = shown.x(mark.at_ms)
            note = _words(mark.note or mark.label)
            yield f'<g class="mark {mark.tone}"><title>{note}</title>'
            yield f'<line x1="{x}" x2="{x}" y1="{row + 2}" y2="{row + ROW_PX - 2}"/>'
            room = shown.width_px - x - 4 if x >= free_from else 0.0
            text = _label(mark.label, x + 4, row + 12, room)
            if text:
                free_from = x + 10 + len(mark.label) * LETTER_PX
            yield f"{text}</g>"


def _in_paths(bands: list[Band], marks: list[Mark], shown: Window) -> Iterator[str]:
    """Too many for words: each tone of a lane is one path."""
    for lane, row in _ROWS.items():
        y = row + (ROW_PX - BAND_PX) // 2
        for tone in Tone:
            steps: list[str] = []
            end = -1
            for band in (each for each in bands if each.lane is lane and each.tone is tone):
                x, to_x = round(shown.x(band.from_ms)), round(shown.x(band.to_ms))
                if to_x <= end:
                    continue  # It would lie in a pixel that is taken.
                width = max(1, to_x - x)
                steps.append(f"M{x} {y}h{width}v{BAND_PX}h-{width}z")
                end = x + width
            end = -2
            for mark in (each for each in marks if each.lane is lane and each.tone is tone):
                x = round(shown.x(mark.at_ms))
                if x - end >= 2:
                    steps.append(f"M{x} {row + 2}h1v{ROW_PX - 4}h-1z")
                    end = x
            if steps:
                yield f'<path class="{tone}" d="{"".join(steps)}"/>'


def _level(story: Story, shown: Window) -> Iterator[str]:
    found = [each for each in unheard.bumps(story) if shown.shows(each.points[0][0], each.points[-1][0])]
    bottom, most_ms = TOP_PX + ROW_PX * len(Lane) + LEVEL_PX - 4, unheard.most_ms(found)
    if not most_ms:
        return
    room = LEVEL_PX - 18
    steps = []
    for bump in found:
        places = ((round(shown.x(at_ms)), bottom - round(ms / most_ms * room)) for at_ms, ms in bump.points)
        steps.append(f"M{' '.join(f'{x} {y}' for x, y in dict.fromkeys(places))}z")
    yield f'<path class="level" d="{"".join(steps)}"><title>{UNHEARD}</title></path>'
    yield f'<text class="tick" x="3" y="{bottom - room + 2}">{most_ms / 1000:.1f} s</text>'


def _label(text: str, x: float, y: float, room_px: float) -> str:
    text = tame(text)
    if not text or len(text) * LETTER_PX > room_px:
        return ""
    return f'<text x="{round(x, 1)}" y="{y}">{escape(text)}</text>'


def _words(text: str) -> str:
    return escape(tame(text))
