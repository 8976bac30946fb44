"""Whether what was said was heard in its order: nothing twice, nothing left out, no pause that it has not.

Why it exists: a few frames that are heard again, a piece that is missing or late in the middle of a word, are
no silence and no second answer; only the bytes tell. Owns: that comparison. Pure: a recording in, figures
out. Must not know: calls, faults.

A clip that begins again from its start is said again: whether it was asked for is another question (see
`promises.broken_by_call`). One that goes on elsewhere than where it ceased was cut wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proofs.prove.silence.recognise import FRAME_BYTES, Piece, is_quiet, pieces
from simulators.mulaw import BYTES_PER_MS
from simulators.twilio.media.playout import Playback


@dataclass(frozen=True, slots=True)
class Jump:
    """A clip went on elsewhere than where it had ceased."""

    name: str
    at_ms: float
    ms: float
    """By how much; negative: heard again."""

    paused_ms: float = 0.0
    """How long nothing of it was heard before that, beside the pauses that it has."""


def jumps(playbacks: Iterable[Playback], clips: Mapping[str, bytes]) -> list[Jump]:
    """All of one call, in order: also where nothing but time was lost (`ms` 0). What is quiet is not
    counted."""
    heads = {name: _quiet_head(clip) for name, clip in clips.items()}
    heard_to: dict[str, tuple[int, float]] = {}
    found = []
    for playback in playbacks:
        audio = bytes(playback.audio)
        for piece in pieces(audio, clips):
            if piece.name:
                clip = clips[piece.name]
                at_ms = playback.started_at_ms + piece.start / BYTES_PER_MS
                before, ended_ms = heard_to.get(piece.name, (0, at_ms))
                offset = _offset(clip, before, piece, audio[piece.start : piece.end])
                jump = _jump(clip, before, offset)
                own_ms = max(0, offset - before) / BYTES_PER_MS
                paused_ms = max(0.0, at_ms - ended_ms - own_ms)
                if offset > heads[piece.name] and (jump or paused_ms):
                    found.append(Jump(piece.name, at_ms, jump / BYTES_PER_MS, paused_ms))
                size = piece.end - piece.start
                heard_to[piece.name] = offset + size, at_ms + size / BYTES_PER_MS
    return found


# Private.


def _quiet_head(clip: bytes) -> int:
    """How far into a clip its first sound may lie; a frame more, since one may be heard in part."""
    at = 0
    while at < len(clip) and is_quiet(clip[at : at + FRAME_BYTES]):
        at += FRAME_BYTES
    return at + FRAME_BYTES


def _offset(clip: bytes, heard_to: int, piece: Piece, audio: bytes) -> int:
    """Where in its clip a piece stands: where that goes on, if it may. A short one may stand elsewhere
    too."""
    at = clip.find(audio, heard_to)
    return at if at >= 0 and not _jump(clip, heard_to, at) else piece.offset


def _jump(clip: bytes, heard_to: int, offset: int) -> int:
    """Bytes of sound between the two; negative if they were heard before."""
    between = clip[min(heard_to, offset) : max(heard_to, offset)]
    sound = sum(
        len(frame)
        for at in range(0, len(between), FRAME_BYTES)
        if not is_quiet(frame := between[at : at + FRAME_BYTES])
    )
    return sound if offset > heard_to else -sound
