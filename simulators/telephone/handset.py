"""A telephone's two small stores of sound: said and not sent yet, come and not heard yet. Pure.

Why it exists: a sound card and a call have clocks of their own, and neither waits for the other. Owns: how
much is kept in between, what is dropped, and when the microphone is closed. Must not know: devices, threads,
the call.

A sound card calls from a thread of its own. Each method puts to one end of a store, or takes from the other,
which two sides may do at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators import mulaw

FRAME_SAMPLES: Final = 20 * mulaw.BYTES_PER_MS
"""One µ-law byte is one sample."""

SILENT_FRAME: Final = bytes([mulaw.SILENCE]) * FRAME_SAMPLES
SILENT_SAMPLES: Final = (0,) * FRAME_SAMPLES

MOST_SAID_FRAMES: Final = 10
"""200 ms: what is older than that is not worth saying any more."""

MOST_HEARD_FRAMES: Final = 50
"""A second: a loudspeaker that is so far behind has stood still."""

START_FRAMES: Final = 3
"""60 ms in hand before the loudspeaker begins, so that a late frame is no hole."""

AFTER_FRAMES: Final = 12
"""240 ms for which the microphone stays closed after the last sound of the loudspeaker: a room's echo."""


@dataclass(slots=True)
class Handset:
    """One telephone. `half_duplex`: the microphone is closed while the loudspeaker speaks, for who has no
    headset."""

    half_duplex: bool = False
    said_dropped: int = 0
    """Frames that were said and not sent in time."""
    heard_dropped: int = 0
    """Frames that came and could not be heard in time."""
    _said: deque[bytes] = field(default_factory=deque)
    _heard: deque[bytes] = field(default_factory=deque)
    _rest: bytes = b""
    """Of what came: less than a frame."""
    _plays: bool = False
    _waited: int = 0
    """Frames for which the loudspeaker has waited to begin."""
    _closed_for: int = 0
    """Frames for which the microphone stays closed."""

    # The call's side (simulators.twilio.caller.plan.Handset).

    def take(self) -> bytes:
        """20 ms that were said; silence where nothing was."""
        return self._said.popleft() if self._said else SILENT_FRAME

    def give(self, audio: bytes) -> None:
        """What the caller has heard since the last time, µ-law of any length."""
        self._rest += audio
        while len(self._rest) >= FRAME_SAMPLES:
            self._heard.append(self._rest[:FRAME_SAMPLES])
            self._rest = self._rest[FRAME_SAMPLES:]
        while len(self._heard) > MOST_HEARD_FRAMES:
            self._heard.popleft()
            self.heard_dropped += 1

    # The sound card's side: 160 samples of 16 bits, 8 kHz.

    def speak(self, samples: Sequence[int]) -> None:
        """20 ms from the microphone."""
        if self.half_duplex and self._closed_for:
            self._closed_for -= 1
            return
        self._said.append(mulaw.encode(samples))
        while len(self._said) > MOST_SAID_FRAMES:
            self._said.popleft()
            self.said_dropped += 1

    def listen(self) -> Sequence[int]:
        """20 ms for the loudspeaker."""
        if not self._heard:
            self._plays, self._waited = False, 0
            return SILENT_SAMPLES
        if not self._plays:
            self._waited += 1
            # What is left of a reply may be shorter than what a beginning waits for.
            if len(self._heard) < START_FRAMES and self._waited < START_FRAMES:
                return SILENT_SAMPLES
            self._plays = True
        self._closed_for = AFTER_FRAMES
        return mulaw.decode(self._heard.popleft())
