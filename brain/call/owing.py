"""What a caller is owed, as others must know it: ingress at each change and every second, the verdict twice
a second.

Why it exists: ingress holds the caller's ear and plays its clip when an answer takes long; a brain that says
nothing at all is a silence too. And a slow model must be named, and no other: it owes an answer only while it
was asked, nothing of the answer has come, and no tool runs. Owns: the words for ingress, when they have
changed; whether the model owes something, and since when. Pure. Must not know: how a debt comes about
(brain/sequencer/debts.py), what ingress does (ingress/calls/owed.py), what a verdict makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from brain.sequencer import SlotState
from brain.sequencer.debts import Debts, Owed
from shared.contract.streams.pairs import Owes

DEBTS_AN_EPOCH = 1_000
"""The debts of each owner have numbers of their own, above all of those before. Epochs grow by a thousand in
a millisecond, so that an owner would have to raise a million debts in each of them to reach the numbers of
the next; and where two epochs follow one another directly (a clock that was set back), a thousand in all.
They are above 2^53, and below 2^63 until the year 2255: nothing that takes them for a float may read them."""


@dataclass(slots=True)
class Owing:
    """The words of one call."""

    _told: Owes | None = None

    def words(
        self, debts: Debts, now_ms: float, *, is_caller_speaking: bool, is_deaf: bool, is_patient: bool
    ) -> Owes:
        """What is to be said now."""
        owed = debts.owed
        if owed is None:
            is_waived = 0 < debts.raised <= debts.waived
            said = Owes(number=debts.raised, is_paid=True, is_waived=is_waived)
        else:
            said = Owes(number=owed.number, age_ms=round(now_ms - owed.since_ms), cause=owed.cause)
        return replace(
            said,
            is_caller_speaking=is_caller_speaking,
            is_deaf=is_deaf,
            is_patient=is_patient,
        )

    def changed(self, words: Owes) -> bool:
        """Whether these words say something new; they count as told from now on. Age is no news."""
        news = replace(words, age_ms=0)
        if news == self._told:
            return False
        self._told = news
        return True


# The model's part.

AT_WORK = frozenset({SlotState.REQUESTED, SlotState.GENERATING, SlotState.GENERATING_AND_REQUESTED})
"""The model has been asked, or is generating: from here on it is its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a call stands at one moment."""

    slot: SlotState
    owed: Owed | None
    """The sound that the caller waits for."""
    is_busy: bool
    """Something is said, asked for, waited for or run."""
    tools_run: bool
    has_session: bool
    takes_audio: bool
    """The model's socket keeps up with the caller."""
    is_here: bool
    """The caller has a media stream."""
    is_audible: bool
    """The caller hears the model."""
    is_caller_speaking: bool
    is_ending: bool
    """The last word was said."""


@dataclass(slots=True)
class AnswerDue:
    """What the model of one call owes. `now_ms` is monotonic."""

    model_owes_since_ms: float | None = None
    """Since when the model owes something, be it an answer; None: it owes nothing."""
    _answered: int = 0
    """Audio came for all debts up to this one."""
    _model_free_at_ms: float = 0.0
    """When the model was last seen to owe nothing."""

    def audio_came(self, debt: int) -> None:
        """The first audio of a response that answers all debts up to `debt` was admitted."""
        self._answered = max(self._answered, debt)

    def check_model(self, now_ms: float, call: Standing) -> None:
        """Twice a second: whether the model owes something. Nobody waits for it while the caller is away, or
        after the last word."""
        owed = call.owed
        is_answer_due = owed is not None and owed.number > self._answered and not call.tools_run
        answer_since_ms = owed.since_ms if owed is not None and is_answer_due else None
        is_behind = not call.has_session or not call.takes_audio or call.slot in AT_WORK
        owes = is_behind or answer_since_ms is not None
        if not owes or not call.is_here or call.is_ending:
            self.model_owes_since_ms, self._model_free_at_ms = None, now_ms
        elif self.model_owes_since_ms is None:
            # The answer may be owed for long, but not by the model: a tool ran meanwhile, or the caller was
            # away.
            since_ms = now_ms if answer_since_ms is None else answer_since_ms
            self.model_owes_since_ms = max(since_ms, self._model_free_at_ms)
