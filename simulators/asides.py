"""Sounds of a caller who does not mean to interrupt: a cough, and "mm-hm".

Why it exists: both begin like a word, and what is made of them is decided by how long they were and by what a
transcriber writes. Caller and model must agree on that, though a script knows no more than whole turns. Owns:
the two sounds, the same bytes each time, and how the model's side knows them again. Must not know: who makes
one, and when.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from simulators import mulaw

COUGH_MS: Final = 180
"""A voice detector takes it for speech, and it is shorter than any word."""

HUM_MS, GAP_MS = 180, 60
"""Of "mm-hm": two hums, and the breath between them."""

_FRAME_BYTES: Final = 20 * mulaw.BYTES_PER_MS
_HEAD_BYTES: Final = 5 * _FRAME_BYTES
"""So much of a sound is enough to know it."""

_PEAK: Final = 9_000
_PITCH_HZ: Final = 140
_VOICED: Final = 0.006
"""Mean magnitude of a frame with a voice in it, as a voice detector goes on with it."""


@dataclass(frozen=True, slots=True)
class Aside:
    """One of them."""

    audio: bytes = field(repr=False)
    """µ-law, in whole frames of 20 ms, loud from its first to its last."""
    text: str
    """What is transcribed of it; empty: nothing."""


@cache
def cough() -> Aside:
    """A burst of noise, too short for a word."""
    noise = random.Random(7)
    return Aside(_sound(COUGH_MS, lambda _: noise.uniform(-1.0, 1.0)), "")


@cache
def murmur() -> Aside:
    """Two hums, as long as a short word: whoever says it listens."""
    hum = _sound(HUM_MS, _hum)
    return Aside(hum + bytes([mulaw.SILENCE]) * (GAP_MS * mulaw.BYTES_PER_MS) + hum, "Mm-hm.")


def begun(audio: bytes) -> Aside | None:
    """The one whose beginning is in this audio."""
    return next((each for each in (cough(), murmur()) if each.audio[:_HEAD_BYTES] in audio), None)


def recognise(audio: bytes) -> Aside | None:
    """The one that is all that was said in this audio; None: something else was."""
    for each in (cough(), murmur()):
        before, found, after = audio.partition(each.audio)
        if found and not _is_voiced(before) and not _is_voiced(after):
            return each
    return None


# Private.


def _sound(length_ms: int, wave: Callable[[int], float]) -> bytes:
    """A sound that swells fast and fades, and is a voice to a detector from its first frame on."""
    count = length_ms * mulaw.BYTES_PER_MS
    samples = array("h")
    for number in range(count):
        swell = 0.4 + 0.6 * math.sin(math.pi * number / count)
        samples.append(round(_PEAK * swell * wave(number)))
    return mulaw.encode(samples)


def _hum(number: int) -> float:
    return math.sin(2 * math.pi * _PITCH_HZ * number / mulaw.SAMPLE_RATE_HZ)


def _is_voiced(audio: bytes) -> bool:
    frames = (audio[at : at + _FRAME_BYTES] for at in range(0, len(audio), _FRAME_BYTES))
    return any(mulaw.energy(frame) > _VOICED for frame in frames)
