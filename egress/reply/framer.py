"""Cuts the audio of one item into 20 ms frames, whatever pieces it came in.

Why it exists: the model's audio comes in pieces of any length, the telephone takes 160 bytes every 20 ms.
Half a frame at a piece's end must wait for the next piece, and an item's last bytes must not be lost.

Owns: the held bytes of one unbroken stretch of one item, and the arithmetic of its frames. Pure. Must not
know: time, calls, responses, who plays what.

Frames lie on the item's own grid: frame k is bytes [160 k, 160 k + 160) of the item. So the same bytes
give the same frames however they were split, and two processes that read the same reply agree on what
frame k is, even if one of them starts in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.audio import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_BYTE

_SILENCE = bytes([SILENCE_BYTE])


def frame_at_ms(position_ms: float) -> int:
    """The first frame that begins at or after a position: what was partly heard is not said again."""
    return -int(-position_ms // FRAME_MS)


def frame_in_ms(position_ms: float) -> int:
    """The frame in which a position lies: nothing behind it is left out, and some of before is said again."""
    return int(position_ms // FRAME_MS)


@dataclass(slots=True)
class Framer:
    """One stretch of an item: bytes without a gap, from `start_bytes` on.

    A stretch that does not begin on the grid (a new owner may find a reply whose head is trimmed) is
    padded in front with silence, and a closed one behind, both with 0xFF.
    """

    start_bytes: int = 0
    """Offset in the item of the first byte."""
    received_bytes: int = field(init=False)
    """Offset behind the last byte: where the next piece is expected."""
    closed: bool = field(init=False, default=False)
    _held: bytearray = field(init=False)
    _held_from: int = field(init=False)
    """Frame index of the first byte of `_held`."""

    def __post_init__(self) -> None:
        if self.start_bytes < 0:
            raise ValueError(f"expected an offset of 0 or more as the start, got {self.start_bytes}")
        self.received_bytes = self.start_bytes
        self._held_from = self.start_bytes // FRAME_BYTES
        self._held = bytearray(_SILENCE * (self.start_bytes % FRAME_BYTES))

    def missing_before(self, offset_bytes: int) -> int:
        """Bytes that are missing between what is here and a piece at `offset_bytes`: 0 is no gap."""
        return max(0, offset_bytes - self.received_bytes)

    def feed(self, offset_bytes: int, audio: bytes) -> int:
        """Takes a piece that begins at `offset_bytes` of the item; returns the number of new bytes.

        Bytes that are here already are dropped. Raises ValueError on a gap or a closed stretch: the caller
        closes this stretch and begins another one.
        """
        if self.closed:
            raise ValueError(f"expected no audio behind the end at {self.received_bytes} bytes")
        if offset_bytes > self.received_bytes:
            raise ValueError(f"expected bytes from {self.received_bytes} on, got {offset_bytes}: a gap")
        repeated = min(self.received_bytes - offset_bytes, len(audio))
        if repeated:
            audio = audio[repeated:]
        self._held += audio
        self.received_bytes += len(audio)
        return len(audio)

    def close(self) -> None:
        """No more bytes will come: pads the last frame with silence. Doing it again changes nothing."""
        if not self.closed:
            self.closed = True
            self._held += _SILENCE * (-len(self._held) % FRAME_BYTES)

    @property
    def first_frame(self) -> int:
        """Index of the first frame of this stretch, held or already released."""
        return self.start_bytes // FRAME_BYTES

    @property
    def held_from(self) -> int:
        """Index of the first frame still held."""
        return self._held_from

    @property
    def end_frame(self) -> int:
        """Index behind the last whole frame."""
        return self._held_from + len(self._held) // FRAME_BYTES

    @property
    def end_ms(self) -> int:
        """Position of the last real byte in the item, in whole ms: padding is not counted."""
        return self.received_bytes // BYTES_PER_MS

    @property
    def held_bytes(self) -> int:
        """What is held, the padding included."""
        return len(self._held)

    def frames(self, index: int, count: int = 1) -> bytes:
        """The 160 bytes of frame `index`, and of those behind it up to `count`, which must all be whole and
        still held. Raises IndexError."""
        at = (index - self._held_from) * FRAME_BYTES
        end = at + count * FRAME_BYTES
        if at < 0 or end > len(self._held):
            raise IndexError(
                f"expected frames in [{self._held_from}, {self.end_frame}), got {count} from {index} on"
            )
        return bytes(self._held[at:end])

    def release(self, up_to_frame: int) -> None:
        """Forgets the bytes of frames below `up_to_frame`: they will never be asked for again."""
        count = min(up_to_frame, self.end_frame) - self._held_from
        if count > 0:
            del self._held[: count * FRAME_BYTES]
            self._held_from += count
