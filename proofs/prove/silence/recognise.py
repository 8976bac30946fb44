"""What a stretch of played audio is made of: which clips, from where to where, and whether to their ends.

Why it exists: audio crosses the bridge to the byte, so each sound at the ear can be told by its bytes: the
model's words, our own hold clip, or neither. Owns: that search, and what is too soft to be heard. Pure. Must
not know: calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from console.demo.find_clip import common_length
from proofs.prove.listening.ear import QUIET_DBFS, Kind, Sound
from proofs.prove.listening.spans import Span
from simulators import mulaw

FRAME_BYTES: Final = 160
PROBE_BYTES: Final = 480
"""60 ms: as much as must be found of a clip."""

EDGE_BYTES: Final = 320
"""Less than this beside a known sound is its edge, and no sound of its own."""

MISSING_BYTES: Final = 480
"""A clip that lacks no more audible audio than this at its end was heard to its end."""

_SQUARES: Final = [sample * sample for sample in mulaw.decode(bytes(range(256)))]
_QUIET_POWER: Final = (32_768 * 10 ** (QUIET_DBFS / 20)) ** 2
_SILENCE: Final = bytes([mulaw.SILENCE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The clips that can be told."""

    answers: Mapping[str, bytes]
    """What the model says, by name."""
    clip: bytes = b""
    """Our own."""
    preambles: frozenset[str] = frozenset()
    """Answers that promise more: behind them sound is still owed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the stretch, in bytes; `offset` is where its clip stands at its start. No name: unknown."""

    name: str
    offset: int
    start: int
    end: int


OWN: Final = "(our own clip)"


def is_quiet(frame: bytes) -> bool:
    """Whether nobody would hear these bytes."""
    return sum(_SQUARES[code] for code in frame) < _QUIET_POWER * max(1, len(frame))


def sounds(at_ms: float, audio: bytes, known: Known) -> list[Sound]:
    """What could be heard of one unbroken stretch that began at `at_ms`."""
    clips = {**known.answers, OWN: known.clip} if known.clip else dict(known.answers)
    found = []
    for piece in pieces(audio, clips):
        bounds = _audible(audio, piece.start, piece.end)
        if bounds is None:
            continue
        span = Span(at_ms + bounds[0] / mulaw.BYTES_PER_MS, at_ms + bounds[1] / mulaw.BYTES_PER_MS)
        if piece.name == OWN:
            found.append(Sound(Kind.CLIP, span, piece.name))
            continue
        heard_to = piece.offset + piece.end - piece.start
        is_short = bool(piece.name) and _goes_on(clips[piece.name][heard_to:])
        found.append(Sound(Kind.ANSWER, span, piece.name, is_short or piece.name in known.preambles))
    return found


def pieces(audio: bytes, clips: Mapping[str, bytes]) -> Iterator[Piece]:
    """What one unbroken stretch is made of, in order; what is quiet between two pieces is in neither."""
    unknown: int | None = None
    at = 0
    while at < len(audio):
        frame = audio[at : at + FRAME_BYTES]
        if is_quiet(frame):
            if unknown is not None:
                yield Piece("", 0, unknown, at)
                unknown = None
            at += FRAME_BYTES
            continue
        # What pads a frame is no part of a clip.
        start = at + len(frame) - len(frame.lstrip(_SILENCE))
        found = _find(audio, start, at if unknown is None else unknown, clips)
        if found is None:
            unknown = at if unknown is None else unknown
            at += FRAME_BYTES
            continue
        if unknown is not None and found.start - unknown >= EDGE_BYTES:
            yield Piece("", 0, unknown, found.start)
        unknown = None
        yield found
        at = found.end
    if unknown is not None and len(audio) - unknown >= EDGE_BYTES:
        yield Piece("", 0, unknown, len(audio))


# Private.


def _find(audio: bytes, at: int, back_to: int, clips: Mapping[str, bytes]) -> Piece | None:
    """The clip that stands at `at` and goes on for longest; its beginning may lie before, not before
    `back_to`."""
    probe = audio[at : at + PROBE_BYTES]
    if len(probe) < FRAME_BYTES:
        return None
    best: Piece | None = None
    for name, clip in clips.items():
        offset = clip.find(probe)
        while offset >= 0:
            length = common_length(clip[offset:], audio[at : at + len(clip) - offset])
            if best is None or at + length > best.end:
                before = _common_before(audio[back_to:at], clip[:offset])
                best = Piece(name, offset - before, at - before, at + length)
            offset = clip.find(probe, offset + 1)
    return best


def _common_before(left: bytes, right: bytes) -> int:
    """Number of equal bytes at the end of both."""
    return common_length(left[::-1], right[::-1])


def _audible(audio: bytes, start: int, end: int) -> tuple[int, int] | None:
    """From the first to the last audible frame between two positions; looked for from both ends."""
    frames = range(start, end, FRAME_BYTES)

    def is_heard(at: int) -> bool:
        return not is_quiet(audio[at : min(end, at + FRAME_BYTES)])

    first = next((at for at in frames if is_heard(at)), None)
    if first is None:
        return None
    last = next(at for at in reversed(frames) if is_heard(at))
    return first, min(end, last + FRAME_BYTES)


def _goes_on(rest: bytes) -> bool:
    """Whether so much of what was not heard is audible that it is missed."""
    missed = 0
    for at in range(0, len(rest), FRAME_BYTES):
        missed += 0 if is_quiet(rest[at : at + FRAME_BYTES]) else FRAME_BYTES
        if missed > MISSING_BYTES:
            return True
    return False
