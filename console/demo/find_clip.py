"""Finds a clip in what the caller heard. Pure.

Why it exists: the bridge carries µ-law bytes without touching them, so that a reply that was heard stands
byte for byte in the caller's recording, and the smallest loss, repetition or stale remainder shows.
"""

from __future__ import annotations

from dataclasses import dataclass

BYTES_PER_MS = 8
SILENCE = 0xFF

PROBE_MS = 200
"""Length of the pieces that are looked for: longer than any sound that clips have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a clip stands in the heard audio. `heard_ms` 0: nowhere."""

    at_ms: float
    heard_ms: float
    """Length of the unbroken part, from the clip's beginning."""

    @property
    def end_ms(self) -> float:
        return self.at_ms + self.heard_ms


def find(clip: bytes, heard: bytes, from_ms: float = 0.0) -> Found:
    """The beginning of `clip` in `heard`, and how far it goes on unbroken."""
    lead = len(clip) - len(clip.lstrip(bytes([SILENCE])))
    probe = clip[lead : lead + PROBE_MS * BYTES_PER_MS]
    at = heard.find(probe, round(from_ms * BYTES_PER_MS))
    if at < 0:
        return Found(at_ms=0.0, heard_ms=0.0)
    voice = clip[lead:]
    length = common_length(voice, heard[at : at + len(voice)])
    # The silence before the voice cannot be told from any other silence; it counts as heard.
    return Found(at_ms=(at - lead) / BYTES_PER_MS, heard_ms=(lead + length) / BYTES_PER_MS)


def pieces_of(clip: bytes, heard: bytes, from_ms: float) -> float:
    """How much of `clip` (any part of it, in pieces of PROBE_MS) stands in `heard` after `from_ms`, in ms."""
    size = PROBE_MS * BYTES_PER_MS
    rest = heard[round(from_ms * BYTES_PER_MS) :]
    pieces = [clip[at : at + size] for at in range(0, len(clip) - size + 1, size)]
    return PROBE_MS * sum(1 for piece in pieces if not _is_silent(piece) and piece in rest)


def common_length(left: bytes, right: bytes) -> int:
    """Number of equal bytes at the beginning of both."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


# Private.


def _is_silent(piece: bytes) -> bool:
    return piece.count(SILENCE) * 2 > len(piece)
