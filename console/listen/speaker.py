"""A loudspeaker of this machine for a call that is listened to, through sounddevice, where that is installed.

Owns: opening it, what is said where there is none. Must not know: the call. It blocks while it plays: it is
asked in a thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module

from shared.sound.wav import RATE_HZ

INSTALL = "pip install -e '.[talk]' (Linux also: apt-get install libportaudio2)"


class NoSpeaker(Exception):
    """There is nothing to play on; the text says what is missing and what to do."""


@contextlib.contextmanager
def playing() -> Iterator[Callable[[bytes], object]]:
    """Within it 16-bit samples of two channels are played. Raises NoSpeaker."""
    try:
        sounddevice = import_module("sounddevice")
    except (ImportError, OSError) as error:
        words = f"listening needs sounddevice and PortAudio ({error}): {INSTALL}; or --out FILE, or a pipe"
        raise NoSpeaker(words) from None
    try:
        stream = sounddevice.RawOutputStream(samplerate=RATE_HZ, channels=2, dtype="int16", latency="high")
    except sounddevice.PortAudioError as error:
        raise NoSpeaker(f"expected a loudspeaker that takes {RATE_HZ:,} Hz, got: {error}") from None
    with stream:
        yield stream.write
