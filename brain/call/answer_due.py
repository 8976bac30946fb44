"""An answer is due: whether the caller waits for one, when ingress is told so, since when the model owes it.

Why it exists: a caller who hears nothing hangs up, and a slow model must be named; both are one fact, asked
from several sides. Owns: that fact. Pure. Must not know: how ingress is told and what it plays then, what a
verdict makes of a model that owes something.

The caller waits from the end of their words to the first audio after it. While tools run the caller waits
all the same, but not for the model.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from brain.sequencer import SlotState

TELL_AGAIN_MS = 8_000.0
"""While a tool runs, ingress is told again at this interval that an answer is due: its apology comes at 12 s
of silence, and nothing is wrong."""

AT_WORK = frozenset({SlotState.REQUESTED, SlotState.GENERATING, SlotState.GENERATING_AND_REQUESTED})
"""The model has been asked, or is generating: from here on it is its turn."""


class DueStep(enum.Enum):
    """What ingress is to be told."""

    NOTHING = enum.auto()
    TELL = enum.auto()
    """An answer is due, from now on."""
    TELL_AGAIN = enum.auto()
    """It still is: the silence counts from now on."""
    TAKE_BACK = enum.auto()
    """No answer is due any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a call stands at one moment."""

    slot: SlotState
    is_busy: bool
    """Something is said, asked for, waited for or run: an answer may still come."""
    tools_run: bool
    has_session: bool
    takes_audio: bool
    """The model's socket keeps up with the caller."""
    is_here: bool
    """The caller has a media stream."""
    is_ending: bool
    """The last word was said."""


@dataclass(slots=True)
class AnswerDue:
    """The answer that one caller waits for. `now_ms` is monotonic."""

    owed_since_ms: float | None = None
    """Since when the caller waits for an answer; None: they do not."""
    model_owes_since_ms: float | None = None
    """Since when the model owes something, be it this answer; None: it owes nothing."""
    _told_at_ms: float = 0.0
    _model_free_at_ms: float = 0.0
    """When the model was last seen to owe nothing."""

    # The caller.

    def caller_stopped(self, now_ms: float) -> DueStep:
        """The caller has said something; what they said before is not waited for any more."""
        self.owed_since_ms = self._told_at_ms = now_ms
        return DueStep.TELL

    def audio_came(self) -> DueStep:
        """Audio for the caller was admitted: that is the answer."""
        return self._settle()

    def check(self, now_ms: float, *, busy: bool, tools_run: bool) -> DueStep:
        """Twice a second. Where nothing is `busy`, no answer will come of what was said."""
        if self.owed_since_ms is None:
            return DueStep.NOTHING
        if not busy:
            return self._settle()
        if tools_run and now_ms - self._told_at_ms >= TELL_AGAIN_MS:
            self._told_at_ms = now_ms
            return DueStep.TELL_AGAIN
        return DueStep.NOTHING

    # The model.

    def check_model(self, now_ms: float, call: Standing) -> None:
        """Twice a second: whether the model owes something. Nobody waits for it while the caller is away, or
        after the last word."""
        answer_since_ms = None if call.tools_run else self.owed_since_ms
        is_behind = not call.has_session or not call.takes_audio or call.slot in AT_WORK
        owes = is_behind or answer_since_ms is not None
        if not owes or not call.is_here or call.is_ending:
            self.model_owes_since_ms, self._model_free_at_ms = None, now_ms
        elif self.model_owes_since_ms is None:
            # The answer may be owed for long, but not by the model: a tool ran meanwhile, or the caller was
            # away.
            since_ms = now_ms if answer_since_ms is None else answer_since_ms
            self.model_owes_since_ms = max(since_ms, self._model_free_at_ms)

    # Private.

    def _settle(self) -> DueStep:
        if self.owed_since_ms is None:
            return DueStep.NOTHING
        self.owed_since_ms = None
        return DueStep.TAKE_BACK
