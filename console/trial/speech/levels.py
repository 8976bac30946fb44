"""Loudness and pauses of something that is said, as a voice detector needs them.

Why it exists: a detector takes half a second of silence for the end of a turn, and a soft voice for none;
what is meant to be one turn should be one. Owns: the peak that is wanted, the longest pause. Pure. Must not
know: where the samples come from.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

from simulators import mulaw

PEAK: Final = 0.5
"""Of full scale, -6 dB: well above a detector's threshold, far from clipping."""

LONGEST_PAUSE_MS: Final = 220
"""Inside a turn; a good deal shorter than any window of silence in use."""

FRAME_BYTES: Final = 20 * mulaw.BYTES_PER_MS
QUIET: Final = 0.004
"""Mean magnitude of a frame, of full scale, that counts as silence."""


def at_peak(samples: Sequence[int]) -> array[int]:
    """The same, as loud as PEAK at its loudest. Silence stays silence."""
    loudest = max((abs(each) for each in samples), default=0)
    if not loudest:
        return array("h", samples)
    factor = PEAK * 32767 / loudest
    return array("h", [round(each * factor) for each in samples])


def without_long_pauses(audio: bytes) -> bytes:
    """µ-law in whole 20 ms frames without silence at either end, and with no pause above LONGEST_PAUSE_MS.

    Empty if there is no voice in it.
    """
    padded = audio + bytes([mulaw.SILENCE]) * (-len(audio) % FRAME_BYTES)
    frames = [padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES)]
    most = LONGEST_PAUSE_MS * mulaw.BYTES_PER_MS // FRAME_BYTES
    kept: list[bytes] = []
    pause: list[bytes] = []
    for frame in frames:
        if mulaw.energy(frame) <= QUIET:
            pause.append(frame)
            continue
        if kept:
            kept += pause[:most]
        pause = []
        kept.append(frame)
    return b"".join(kept)
