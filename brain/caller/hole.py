"""A hole in what was heard of the caller: what they said into it reached nobody, and nobody knows of a turn.

Why it exists: an ingress that stood still and was given up, a line that was cut, a Redis that came back empty
have one thing in common: the caller may have asked something, waits, and no event tells of it. Owns: when a
silence after a hole is taken to be such a wait, and what the model is told then. Pure. Must not know: how a
hole is found (audio), whose fault it was.
"""

from __future__ import annotations

from dataclasses import dataclass

HOLE_MS = 500.0
"""Less than this holds no turn: "yes" lasts about as long."""

ASK_AFTER_MS = 2_500.0
"""So long after the hole a caller who waits says nothing: one who was only thinking goes on, or says
"hello?", and is answered for that."""

STILL_BUSY_MS = 1_000.0
"""Who is busy no longer than this after a hole was so before it: that an answer's last word has been heard is
told a moment after the stream has come back."""

LINE_WAS_CUT = (
    "The line was interrupted for a moment, and what the caller may have said meanwhile was not heard. Tell"
    " them so in one short sentence, in the language of the conversation, and ask them to say it again."
)


@dataclass(slots=True)
class Hole:
    """The last hole of one call, as long as it is not known whether words were lost in it."""

    length_ms: float = 0.0
    _seen_at_ms: float | None = None

    def seen(self, length_ms: float, now_ms: float) -> None:
        """Nothing was heard of the caller for so long, and they are heard again now."""
        if length_ms >= HOLE_MS:
            self.length_ms, self._seen_at_ms = length_ms, now_ms

    def forget(self) -> None:
        """The caller speaks, or is spoken to: nobody waits for an answer to what was lost."""
        self._seen_at_ms = None

    def due(self, now_ms: float, *, busy: bool) -> bool:
        """Twice a second: whether the caller is to be asked now; once for each hole. `busy`: something is
        said, asked for or owed, or the caller speaks."""
        if self._seen_at_ms is None:
            return False
        if busy and now_ms - self._seen_at_ms > STILL_BUSY_MS:
            self.forget()
            return False
        if busy or now_ms - self._seen_at_ms < ASK_AFTER_MS:
            return False
        self.forget()
        return True
