"""How much of what the model had made was not heard yet, over time: the backlog of a call as the caller
knows it. Pure.

Why it exists: the length of a queue is a figure of now; afterwards nobody has it. But when audio was made
and when it was heard stands in the journal, and between these moments both grow evenly. Owns: that
arithmetic. Must not know: how it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.story.bands import Made, Story

Point = tuple[int, int]
"""(ms since the call began, ms of audio that was made and not heard)."""


@dataclass(frozen=True, slots=True)
class Bump:
    """One response: from its first audio until it was heard, or cut. It begins and ends at 0."""

    points: tuple[Point, ...]

    @property
    def most_ms(self) -> int:
        """The most of it that waited."""
        return max(ms for _, ms in self.points)


def bumps(story: Story) -> list[Bump]:
    """One for each response that had sound."""
    found = (_bump(made, story.until_ms) for made in story.responses)
    return [bump for bump in found if bump is not None]


def most_ms(of: Iterable[Bump]) -> int:
    """The most that waited at any moment."""
    return max((bump.most_ms for bump in of), default=0)


# Private.


def _bump(made: Made, until_ms: int) -> Bump | None:
    first_ms = made.first_ms
    if first_ms is None:
        return None
    done_ms = max(first_ms, until_ms if made.done_ms is None else made.done_ms)
    end_ms = until_ms if made.silent_ms is None else made.silent_ms
    end_ms = max(end_ms, first_ms)
    length_ms = made.length_ms
    if length_ms is None:  # All that is known is how long it was heard.
        length_ms = 0 if made.audible_ms is None else max(0, end_ms - made.audible_ms)
    known = (first_ms, made.audible_ms, done_ms)
    moments = sorted({each for each in known if each is not None and each < end_ms})
    points = [(at_ms, _waiting(made, at_ms, first_ms, done_ms, length_ms)) for at_ms in moments]
    points.append((end_ms, _waiting(made, end_ms, first_ms, done_ms, length_ms)))
    return Bump(((first_ms, 0), *points, (end_ms, 0)))


def _waiting(made: Made, at_ms: int, first_ms: int, done_ms: int, length_ms: int) -> int:
    is_done = at_ms >= done_ms
    made_ms = length_ms if is_done else round(length_ms * (at_ms - first_ms) / (done_ms - first_ms))
    heard_ms = 0 if made.audible_ms is None else max(0, at_ms - made.audible_ms)
    return max(0, made_ms - heard_ms)
