"""What the brain says of a call every three seconds: how the model keeps up, for the verdict.

Why it exists: "the model is slow" is only known where the model is asked. Owns: the longest that the model
was quiet while it owed something, the audio it made, what of it was not admitted. Pure. Must not know: what
is owed (owing), how the window is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.call.owing import AnswerDue
from shared.contract.window import BrainWindow, ProcessWindow


@dataclass(slots=True)
class ModelWindow:
    """One call's window on its model. `now_ms` is monotonic."""

    due: AnswerDue
    began_ms: float
    _sign_at_ms: float = 0.0
    _quiet_ms: float = 0.0
    _audio_ms: float = 0.0
    _skipped: int = 0

    def sign(self, now_ms: float, audio_ms: float = 0.0) -> None:
        """The model said something; `audio_ms` of it is audio."""
        self.check(now_ms)
        self._sign_at_ms = now_ms
        self._audio_ms += audio_ms

    def skipped(self) -> None:
        """A piece of audio was not admitted."""
        self._skipped += 1

    def check(self, now_ms: float) -> None:
        """Twice a second: a silence that still goes on counts too."""
        owes_since_ms = self.due.model_owes_since_ms
        if owes_since_ms is not None:
            quiet_ms = now_ms - max(owes_since_ms, self._sign_at_ms)
            self._quiet_ms = max(self._quiet_ms, quiet_ms)

    def take(self, now_ms: float, process: ProcessWindow, queued_events: int) -> BrainWindow:
        """The window's figures, with those of the process and of the model's socket; the next one begins."""
        seconds = max(now_ms - self.began_ms, 1.0) / 1000
        window = BrainWindow(
            v=process.v,
            at_ms=process.at_ms,
            worker=process.worker,
            lag_ms=process.lag_ms,
            redis_ms=process.redis_ms,
            redis_refusal=process.redis_refusal,
            quiet_ms=round(self._quiet_ms),
            audio_ms_per_s=round(self._audio_ms / seconds, 1),
            skipped=self._skipped,
            queued_events=queued_events,
        )
        self.began_ms, self._quiet_ms, self._audio_ms, self._skipped = now_ms, 0.0, 0.0, 0
        return window
