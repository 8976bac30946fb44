"""How fast a model speaks: the time that it takes for a letter.

Why it exists: of a text that has run ahead of its audio only as much was heard as the model says in so much
time, and models and voices differ. Owns: the measure of one call. Pure. Must not know: whose text it is,
what a letter weighs (words).
"""

from __future__ import annotations

from dataclasses import dataclass

LETTER_MS = 70.0
"""How long a letter takes to be spoken, until this call has shown it."""

MEASURED_LETTERS = 60.0
"""A text shorter than this shows nothing."""

SLOWEST_MS, FASTEST_MS = 150.0, 35.0
"""What no voice exceeds: a text that is odd (figures, a spelt name) must not shift the measure further."""


@dataclass(slots=True)
class Pace:
    """What was spoken to its end on a call: letters, and the time that they took."""

    _letters: float = 0.0
    _ms: float = 0.0

    def measure(self, letters: float, total_ms: int) -> None:
        """A text of so much weight has so much audio, both whole."""
        self._letters += letters
        self._ms += total_ms

    @property
    def letter_ms(self) -> float:
        """How long the model takes for a letter, by what it has said to its end."""
        if self._letters < MEASURED_LETTERS:
            return LETTER_MS
        return min(SLOWEST_MS, max(FASTEST_MS, self._ms / self._letters))
