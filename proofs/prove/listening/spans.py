"""Stretches of time: how long, how much of one lies in others.

Why it exists: the ear adds and subtracts them all the time. Owns: that arithmetic. Pure. Must not know: what
happens in a stretch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From one moment to a later one, ms."""

    start_ms: float
    end_ms: float

    @property
    def ms(self) -> float:
        """How long it is."""
        return self.end_ms - self.start_ms


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that do not touch, in order; empty and reversed ones are left out."""
    found: list[Span] = []
    for span in sorted(each for each in spans if each.ms > 0):
        if found and span.start_ms <= found[-1].end_ms:
            found[-1] = Span(found[-1].start_ms, max(found[-1].end_ms, span.end_ms))
        else:
            found.append(span)
    return found


def covered_ms(span: Span, others: Iterable[Span]) -> float:
    """How much of a span lies in others; where these overlap, it counts once."""
    return sum(
        max(0.0, min(span.end_ms, other.end_ms) - max(span.start_ms, other.start_ms))
        for other in joined(others)
    )
