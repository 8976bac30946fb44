"""The sound card as a telephone, through sounddevice, where that is installed.

Why it exists: nothing tells more of an agent than a minute of talk. Owns: opening and closing the devices,
and what is said where there are none. Must not know: what is kept between them and the call (handset).

sounddevice (an extra) is Python over PortAudio, which its wheels for Windows and macOS bring along; on Linux
it comes from the distribution (libportaudio2). It is imported when a call begins, not before.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Protocol

from simulators import mulaw
from simulators.telephone.handset import FRAME_SAMPLES, Handset

INSTALL: Final = "pip install -e '.[talk]' (Linux also: apt-get install libportaudio2)"


class NoSoundCard(Exception):
    """There is nothing to talk with; the text says what is missing and what to do."""


class Stream(Protocol):
    """An open device."""

    def start(self) -> None:
        """Begins to call us."""

    def close(self) -> None:
        """Ends that."""


Feed = Callable[[Any, Any, int, object, object], None]
"""What the sound card calls each 20 ms: samples of the microphone, room for the loudspeaker's (both as
buffers of 16 bits), how many, when, and what went wrong."""

Opener = Callable[[Feed], Stream]
"""Opens both devices. Raises NoSoundCard."""


@contextlib.contextmanager
def talking(handset: Handset, opener: Opener | None = None) -> Iterator[None]:
    """Within it the machine's microphone speaks into the handset, and its loudspeaker has what comes out.

    Raises NoSoundCard.
    """
    stream = (opener or open_devices)(feed_of(handset))
    try:
        stream.start()
        yield
    finally:
        stream.close()


def feed_of(handset: Handset) -> Feed:
    """What the sound card is to call."""

    def feed(said: Any, room: Any, count: int, _when: object, _wrong: object) -> None:
        for at in range(0, count, FRAME_SAMPLES):
            samples = array("h", bytes(memoryview(said)[2 * at : 2 * (at + FRAME_SAMPLES)]))
            handset.speak(samples)
            heard = array("h", handset.listen())[: len(samples)]
            memoryview(room)[2 * at : 2 * (at + len(samples))] = heard.tobytes()

    return feed


def open_devices(feed: Feed) -> Stream:
    """The machine's default devices. Raises NoSoundCard."""
    try:
        sounddevice = import_module("sounddevice")
    except ImportError as error:
        problem = f"--talk needs sounddevice, which is not installed here ({error}): {INSTALL}"
        raise NoSoundCard(problem) from None
    except OSError as error:
        problem = f"--talk needs PortAudio, which sounddevice does not find ({error}): {INSTALL}"
        raise NoSoundCard(problem) from None
    try:
        stream: Stream = sounddevice.RawStream(
            samplerate=mulaw.SAMPLE_RATE_HZ, blocksize=FRAME_SAMPLES, channels=1, dtype="int16", callback=feed
        )
    except sounddevice.PortAudioError as error:
        raise NoSoundCard(
            f"expected a microphone and a loudspeaker that take {mulaw.SAMPLE_RATE_HZ:,} Hz, got: {error}."
            " `python -m sounddevice` lists the devices of this machine"
        ) from None
    return _Devices(stream, sounddevice.PortAudioError)


# Private.


@dataclass(frozen=True, slots=True)
class _Devices:
    """Both of them, whose errors are told in words."""

    stream: Stream
    fault: type[Exception]

    def start(self) -> None:
        """Raises NoSoundCard: somebody else may have them by now."""
        try:
            self.stream.start()
        except self.fault as error:
            raise NoSoundCard(
                f"expected a microphone and a loudspeaker that begin, got: {error}."
                " Does another program use them?"
            ) from None

    def close(self) -> None:
        """What cannot be closed is closed with the process."""
        with contextlib.suppress(self.fault):
            self.stream.close()
