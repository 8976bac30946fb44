"""A file as it is to be played, or a sentence that says what is wrong with it.

Why it exists: a recording is checked before a call meets it: its form, its length, its loudness. Owns: these
checks, what is read twice. Must not know: which agent has it, when it is played. It blocks, and is asked at a
start or beside the calls.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from brain.sound.levels import VOICE_DB, at_level, loudness_db, share_cut_off
from shared import mulaw
from shared.audio import BYTES_PER_MS
from shared.sound.wav import CONVERT, read_wav

BARE = (".ulaw", ".ul", ".mulaw")
"""How a file is called that is µ-law of 8 kHz and nothing else."""

FILE_MOST_BYTES = 32 * 1024 * 1024

NOTICE_MS = (200, 60_000)
LOOP_MS = (500, 60_000)
"""The least and the most."""

SOFTEST_DB = -45.0
"""Below that nobody hears a word on a telephone."""

CUT_OFF_MOST = 0.01
"""More of a sound at full scale is distorted."""


@dataclass(slots=True)
class SoundFiles:
    """Files of one folder. What was read is read no more, unless the file has changed."""

    folder: Path
    _known: dict[tuple[Path, int, int], array[int]] = field(default_factory=dict, repr=False)

    def notice(self, name: str) -> bytes:
        """What is said word for word, as µ-law at its own loudness. Raises ValueError with a sentence."""
        samples = self._samples(name, NOTICE_MS)
        found_db = loudness_db(samples)
        if found_db < SOFTEST_DB:
            raise ValueError(
                f"{name}: expected words that can be heard, {SOFTEST_DB:g} dB of full scale or more, got"
                f" {found_db:.0f} dB: make it louder"
            )
        return mulaw.encode(samples)

    def loop(self, name: str, level_db: float) -> bytes:
        """What is played again and again, as µ-law at this level beside a voice. Raises ValueError with a
        sentence."""
        samples = self._samples(name, LOOP_MS)
        if loudness_db(samples) == float("-inf"):
            raise ValueError(f"{name}: expected a sound, got silence")
        return mulaw.encode(at_level(samples, VOICE_DB + level_db))

    # Private.

    def _samples(self, name: str, bounds_ms: tuple[int, int]) -> array[int]:
        """16-bit samples at 8 kHz. Raises ValueError."""
        path = self.folder / name
        try:
            found = path.stat()
            key = (path, found.st_mtime_ns, found.st_size)
            if found.st_size > FILE_MOST_BYTES:
                raise ValueError(f"{name}: expected {FILE_MOST_BYTES >> 20} MiB at most: {CONVERT}")
            samples = self._known.get(key)
            if samples is None:
                samples = self._known[key] = _read(name, path.read_bytes())
        except OSError as error:
            why = f"cannot be read ({error.strerror}): it is looked for beside the agents file"
            raise ValueError(f"{name}: {why}") from None
        _check(name, samples, bounds_ms)
        return samples


# Private.


def _read(name: str, data: bytes) -> array[int]:
    if name.lower().endswith(BARE):
        return mulaw.decode(data)
    try:
        return read_wav(data).at_telephone_rate()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _check(name: str, samples: Sequence[int], bounds_ms: tuple[int, int]) -> None:
    least_ms, most_ms = bounds_ms
    length_ms = len(samples) // BYTES_PER_MS
    if not least_ms <= length_ms <= most_ms:
        raise ValueError(
            f"{name}: expected {least_ms / 1000:g} to {most_ms / 1000:g} s, got {length_ms / 1000:.1f} s"
        )
    cut_off = share_cut_off(samples)
    if cut_off > CUT_OFF_MOST:
        raise ValueError(
            f"{name}: is distorted: {cut_off:.0%} of it is as loud as can be; record it again, or take the"
            " file from before it was made louder"
        )
