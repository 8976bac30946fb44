"""For how long the caller's voice was heard, by the offsets that the server gives.

Why it exists: of a voice that may be noise its length counts, and the server tells where it began and where
it ended in two events, each with something added: the padding before the first sound, the silence that it
waited for after the last. Owns: that arithmetic. Pure. Must not know: what a short voice means.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.agents.agent import TurnDetection
from brain.json_fields import Json, number, text

STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"


@dataclass(slots=True)
class VoiceLength:
    """Of the voices of one session, one after the other."""

    _item_id: str = ""
    _from_ms: float | None = None
    """Where the present one began, padding included; None: nobody has said it."""

    def read(self, event: Json, detection: TurnDetection) -> float | None:
        """Takes an event. Of one that ends a voice: how long it was; None for all others, and where the
        server gives no offsets, or finds the end of a turn by its meaning. `detection`: as it was told."""
        match text(event, "type"):
            case kind if kind == STARTED:
                self._item_id, self._from_ms = text(event, "item_id"), number(event, "audio_start_ms")
            case kind if kind == STOPPED:
                began_ms, self._from_ms = self._from_ms, None
                ended_ms = number(event, "audio_end_ms")
                is_known = detection.kind == "server_vad" and text(event, "item_id") == self._item_id
                if is_known and began_ms is not None and ended_ms is not None:
                    return max(0.0, ended_ms - began_ms - _added_ms(began_ms, detection))
            case _:
                pass
        return None


# Private.


def _added_ms(began_ms: float, detection: TurnDetection) -> float:
    """What is no voice. Where the session's audio begins less was there than the padding: then it is not
    taken off, since a voice must not look shorter than it was."""
    return detection.silence_ms + (detection.prefix_ms if began_ms > 0 else 0.0)
