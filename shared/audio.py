"""The figures of G.711 µ-law at 8 kHz, in one place.

Why it exists: a figure that is written out twice is rounded twice. Owns: the format. Pure. Must not know:
whose audio it is.

Source: RFC 3551 section 4.5.14; Twilio Media Streams, "WebSocket messages".
"""

from __future__ import annotations

BYTES_PER_MS = 8
FRAME_MS = 20
FRAME_BYTES = FRAME_MS * BYTES_PER_MS
FRAMES_PER_S = 1000 // FRAME_MS

SILENCE_BYTE = 0xFF
"""Positive zero. Never pad with 0x00: that is near full scale in µ-law, and clicks."""

SILENCE_FRAME = bytes([SILENCE_BYTE]) * FRAME_BYTES

SILENT_CODES = bytes(code for low in range(5) for code in (0xFF - low, 0x7F - low))
"""µ-law codes of at most 32 in 16-bit samples: -60 dBFS. Audio of nothing else is no sound."""


def is_silent(audio: bytes) -> bool:
    """Whether µ-law is no sound: asked for each frame, so one call into C."""
    return not audio.translate(None, SILENT_CODES)


QUIET_CODES = bytes(code for low in range(14) for code in (0xFF - low, 0x7F - low))
"""Of at most 104: -50 dBFS. A telephone line hums below it; a voice does not."""

VOICED_SAMPLES = 8
"""Of 160: a click is no voice."""


def is_voice(audio: bytes) -> bool:
    """Whether a frame may be a voice. As often asked as `is_silent`."""
    return len(audio.translate(None, QUIET_CODES)) >= VOICED_SAMPLES
