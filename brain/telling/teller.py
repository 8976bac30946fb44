"""One call's teller: what becomes of its phase, its voice, its first sound and its bill, in journal and card.

Why it exists: the parts of a call hear these things as they come, and none of them writes for people. Owns:
which line and which record each becomes, the response time. Must not know: what the parts make of it.
Nothing here waits, and nothing of it is on the audio path: some lines a turn, a record where the phase has
changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from brain.telling.budget import Level
from brain.telling.meter import Meter
from brain.telling.phase import Moment, PhaseWords, phase_of
from brain.telling.voice import VoiceBand
from shared.clock import wall_ms
from shared.contract.bill.usage import ModelUsage
from shared.contract.streams.journal import Kind


class Pen(Protocol):
    """Who writes the lines of the call's journal."""

    def note(self, kind: Kind, *, response: str | None = None, **fields: str) -> None:
        """A line."""


@dataclass(slots=True)
class CallTeller:
    """Of one call. `write` puts a record on its card."""

    pen: Pen
    meter: Meter
    voice: VoiceBand
    write: Callable[[object], None]
    clock: Callable[[], int] = wall_ms
    phase: PhaseWords = field(default_factory=PhaseWords)
    response_ms: int | None = None
    """What the last answer took, a former brain's too: from the end of the caller's voice to its sound."""
    _silent_at_ms: int | None = None
    """When the caller's voice ended, while they wait for an answer."""

    def voice_began(self, item_id: str, ago_ms: float) -> None:
        """The caller's voice began."""
        self.voice.began(item_id, self.clock(), ago_ms)
        self._silent_at_ms = None

    def voice_ended(self, item_id: str, ago_ms: float) -> None:
        """It ended: one line for the whole of it."""
        spoken = self.voice.ended(item_id, self.clock(), ago_ms)
        if spoken is None:
            return
        self._silent_at_ms = spoken.to_ms
        self.pen.note(Kind.VOICE, item=spoken.item_id, from_ms=str(spoken.from_ms), to_ms=str(spoken.to_ms))

    def first_audio(self, response_id: str) -> None:
        """The first audio of a response was admitted."""
        if self._silent_at_ms is not None:
            self.response_ms = max(0, self.clock() - self._silent_at_ms)
            self._silent_at_ms = None
        self.pen.note(Kind.FIRST_AUDIO, response=response_id)

    def used(self, used: ModelUsage) -> None:
        """A response, or a transcript, has said what it used."""
        self.meter.used(used)

    def look(self, moment: Moment) -> None:
        """Twice a second: the card says the phase where it has changed."""
        words = self.phase.changed(phase_of(moment), self.response_ms, self.clock())
        if words is not None:
            self.write(words)

    def budgets_spent(self) -> list[str]:
        """Twice a second: budgets that are spent since, by their names; what is nearly spent has a line
        too."""
        spent = []
        for each in self.meter.reached():
            self.pen.note(
                Kind.BUDGET, what=each.what, level=each.level.name.lower(), spent=str(each.spent_micros),
                of=str(each.of_micros),
            )  # fmt: skip
            if each.level is Level.SPENT:
                spent.append(each.what)
        return spent
