"""20 ms of audio that say whose they are: call, session, response, item and frame, to the byte.

Why it exists: loss, repetition, order and lateness can only be proven at the caller's ear if each frame there
can be told from every other. Owns: the form of such a frame, and how frames are found in audio. Pure. Must
not know: how the audio travelled.

A frame is 160 bytes: a mark that no tone has, the numbers, their checksum, and a tone, which is loud enough
to be speech to a detector. The bridge carries bytes unchanged and cuts an item on its own grid
(docs/design.md, Words), so a frame of an item arrives as that frame. What does not survive: a frame
whose head was never there (an owner that begins off the grid pads it in front with silence): it is found as a
sound that nobody knows. Of a frame that Twilio cut in its first bytes the numbers are missing: it is found as
a beginning of ours, nobody knows of which. A frame that was cut later is known, with its shorter length.
"""

from __future__ import annotations

import binascii
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from simulators import mulaw

FRAME_BYTES: Final = 160
FRAME_MS: Final = 20

MODEL: Final = 1
CALLER: Final = 2

_MARK: Final = b"\x00\x80\x80\x00\x80\x00"
"""The loudest samples there are, of both signs: our tone has a tenth of that."""

_NUMBERS: Final = struct.Struct(">BHHHBHB")
_HEAD_BYTES: Final = len(_MARK) + _NUMBERS.size + 2
_TONE: Final = mulaw.encode(
    round(6_000 * math.sin(2 * math.pi * 400 * at / mulaw.SAMPLE_RATE_HZ)) for at in range(FRAME_BYTES)
)
_SILENCE: Final = bytes([mulaw.SILENCE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Whose frames these are. Of a caller, `response` is the number of what was said, and there is no
    session."""

    speaker: int
    call: int
    """The number of the call in its row."""
    session: int = 0
    response: int = 0
    item: int = 0
    clip: int = 0
    """Which words they stand for: the same words in another response have the same number."""

    def frame(self, number: int) -> bytes:
        """The frame with this number, counted from 0."""
        numbers = _NUMBERS.pack(
            self.speaker, self.call, self.session, self.response, self.item, number, self.clip
        )
        checked = _MARK + numbers + binascii.crc_hqx(numbers, 0).to_bytes(2)
        return checked + _TONE[len(checked) :]

    def audio(self, at_least_bytes: int) -> bytes:
        """So many whole frames that they are as long as this."""
        return b"".join(self.frame(number) for number in range(-(-at_least_bytes // FRAME_BYTES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a frame says of itself."""

    voice: Voice
    frame: int

    @classmethod
    def read(cls, audio: bytes, at: int) -> Self | None:
        """The code that begins at this byte; None: there is none, or it is not whole."""
        numbers = audio[at + len(_MARK) : at + len(_MARK) + _NUMBERS.size]
        checksum = audio[at + _HEAD_BYTES - 2 : at + _HEAD_BYTES]
        if len(checksum) < 2 or binascii.crc_hqx(numbers, 0).to_bytes(2) != checksum:
            return None
        speaker, call, session, response, item, frame, clip = _NUMBERS.unpack(numbers)
        voice = Voice(speaker=speaker, call=call, session=session, response=response, item=item, clip=clip)
        return cls(voice=voice, frame=frame)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of audio: one frame, or a sound that has no code."""

    start: int
    """In bytes."""
    length: int
    code: Code | None


def is_beginning(sound: bytes) -> bool:
    """Whether a sound without a code is the cut beginning of a frame of ours, too short for its numbers."""
    return len(sound) < _HEAD_BYTES and sound[: len(_MARK)] == _MARK[: len(sound)]


def pieces(audio: bytes) -> Iterator[Piece]:
    """Frames and other sounds in the order in which they stand; silence is passed over."""
    at = 0
    while at < len(audio):
        code = Code.read(audio, at) if audio.startswith(_MARK, at) else None
        if code is not None:
            following = audio.find(_MARK, at + len(_MARK), at + FRAME_BYTES)
            end = min(len(audio), at + FRAME_BYTES) if following < 0 else following
            yield Piece(at, end - at, code)
        else:
            following = audio.find(_MARK, at + 1)
            end = len(audio) if following < 0 else following
            if audio[at:end].strip(_SILENCE):
                yield Piece(at, end - at, None)
        at = end


# Private.
