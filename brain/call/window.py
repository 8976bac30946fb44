"""What the brain says of a call every three seconds: how the model keeps up, for the verdict.

Why it exists: "the model is slow" is only known where the model is asked. Owns: since when the model owes
something, the longest it was quiet meanwhile, the audio it made, what of it was not admitted. Pure. Must
not know: Redis, what is owed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ModelWindow:
    """One call's window on its model. `now_ms` is monotonic."""

    began_ms: float
    _owes_since_ms: float | None = None
    _sign_at_ms: float = 0.0
    _free_at_ms: float = 0.0
    """When it was last seen to owe nothing."""
    _quiet_ms: float = 0.0
    _audio_ms: float = 0.0
    _skipped: int = 0

    def sign(self, now_ms: float, audio_ms: float = 0.0) -> None:
        """The model said something; `audio_ms` of it is audio."""
        self._note_quiet(now_ms)
        self._sign_at_ms = now_ms
        self._audio_ms += audio_ms

    def skipped(self) -> None:
        """A piece of audio was not admitted."""
        self._skipped += 1

    def look(self, now_ms: float, *, owes: bool, since_ms: float | None = None) -> None:
        """Twice a second: whether the model owes something, and since when, if that is known."""
        if not owes:
            self._owes_since_ms, self._free_at_ms = None, now_ms
            return
        if self._owes_since_ms is None:
            # It may be owed for long, but not by the model: meanwhile a tool ran, or the caller was away.
            self._owes_since_ms = now_ms if since_ms is None else max(since_ms, self._free_at_ms)
        self._note_quiet(now_ms)

    def take(self, now_ms: float) -> dict[str, float]:
        """The window's figures; the next window begins."""
        seconds = max(now_ms - self.began_ms, 1.0) / 1000
        rate = round(self._audio_ms / seconds, 1)
        figures = {"quiet": round(self._quiet_ms), "rate": rate, "skipped": self._skipped}
        self.began_ms, self._quiet_ms, self._audio_ms, self._skipped = now_ms, 0.0, 0.0, 0
        return figures

    def _note_quiet(self, now_ms: float) -> None:
        if self._owes_since_ms is not None:
            quiet_ms = now_ms - max(self._owes_since_ms, self._sign_at_ms)
            self._quiet_ms = max(self._quiet_ms, quiet_ms)
