"""Sound of the user's own: was a notice heard whole and first, and nothing beside the model's voice.

Why it exists: what is played by us is in no record of the model's; it is found by its bytes in what the
caller heard. Owns: that judgement and its figures. Pure. Must not know: how anything is played.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.comparison import FRAME_BYTES, frames, item_audio
from simulators.mulaw import BYTES_PER_MS, energy
from simulators.realtime.record import SessionRecord
from simulators.twilio import CallRecord

EDGE_BYTES = 100 * BYTES_PER_MS
"""So much of an item is looked for, at its beginning and at its end."""

LEAST_ENERGY = 0.0005
"""Softer frames of a sound may be anybody's."""


@dataclass(slots=True)
class OwnSound:
    """The figures of one scenario, and what is looked for. Empty sounds: nothing is."""

    notice: bytes = field(default=b"", repr=False)
    loop: bytes = field(default=b"", repr=False)
    whole: int = 0
    """Calls that began with the whole notice."""
    not_whole: list[str] = field(default_factory=list)
    filled: int = 0
    """Calls in which the loop was heard."""
    over_voice: list[str] = field(default_factory=list)


def judge(figures: OwnSound, call: CallRecord, session: SessionRecord) -> None:
    """Adds one call to the figures; `session`: all of its sessions as one."""
    heard = call.heard_bytes
    if figures.notice:
        is_whole = heard.startswith(b"".join(frames(figures.notice)))
        figures.whole += is_whole
        if not is_whole:
            figures.not_whole.append(f"{call.call_sid}: did not begin with the whole notice")
    if figures.loop:
        said = item_audio(session)
        own = {frame for frame in frames(figures.loop) if energy(frame) >= LEAST_ENERGY}
        own -= {frame for audio in said.values() for frame in frames(audio)}
        figures.filled += _has(heard, own)
        for item_id, audio in said.items():
            if _has(_between(heard, audio), own):
                figures.over_voice.append(f"{call.call_sid}: our sound was heard within {item_id}")


# Private.


def _between(heard: bytes, audio: bytes) -> bytes:
    """What was heard from an item's beginning to its end; empty if one of them was not heard."""
    if len(audio) < 2 * EDGE_BYTES:
        return b""
    begin = heard.find(audio[:EDGE_BYTES])
    last = len(audio) - len(audio) % FRAME_BYTES
    end = heard.find(audio[last - EDGE_BYTES : last], begin)
    return heard[begin:end] if 0 <= begin < end else b""


def _has(heard: bytes, own: set[bytes]) -> bool:
    """Whether one of these frames is in it, wherever it begins: a clear may have cut a frame."""
    return any(frame in heard for frame in own)
