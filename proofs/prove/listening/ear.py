"""What a caller heard, and for how long there was no sound while some was owed.

Why it exists: only what comes out of the telephone counts, so silence is judged there, from its recording,
by rules that share nothing with the product. Owns: telling an answer from our own clip, the clock of what is
owed, and where it stands still. Pure: a recording in, figures out. Must not know: which fault there was, or
what is allowed.

Sound is owed from pick-up, from the last voiced frame of the caller, from a key, and again from where an
answer ceased before its end; until the first frame of an answer that can be heard, or until Twilio's voice.
While the caller speaks the clock stands still; it does not go back. Our own clip is sound, and no answer.
Times are milliseconds since the call began.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proofs.prove.listening.spans import Span, covered_ms, joined

QUIET_DBFS = -60.0
"""Below this nobody hears anything on a telephone."""

EARLY_MS = 300.0
"""An answer that began this shortly before the caller's last sound is an answer to it."""

CUT_BY_CALLER_MS = 1_000.0
"""An answer that ceased while the caller spoke, or this soon after a word or a key of theirs, was cut by
them: what is owed then is the answer to that."""


class Kind(enum.StrEnum):
    """What a sound is."""

    ANSWER = "answer"
    CLIP = "clip"
    """Our own, which says only that somebody is there."""
    APOLOGY = "apology"
    """Twilio's voice, which says what we had it say."""


class Cause(enum.StrEnum):
    """Why sound is owed."""

    PICK_UP = "pick-up"
    TURN = "turn"
    KEY = "key"
    BREAK = "break"
    """An answer ceased before its end."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that could be heard, from its first to its last audible frame."""

    kind: Kind
    span: Span
    name: str = ""
    """Which clip it was; empty: none that is known."""
    owes_more: bool = False
    """It ceased before its end, or is a preamble that promises more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One call as its telephone has recorded it."""

    answered_at_ms: float
    ended_at_ms: float
    """Or now, of a call that goes on."""
    sounds: Sequence[Sound]
    speech: Sequence[Span] = ()
    """The caller's voice."""
    keys: Sequence[float] = ()
    down: Sequence[Span] = ()
    """When nobody could have played anything: there was no socket, or the process that holds it stood
    still."""


@dataclass(slots=True, kw_only=True)
class Debt:
    """Sound that was owed."""

    cause: Cause
    span: Span
    """From when to when; of an unpaid one, to the end of the recording."""
    paid_by: Kind | None = None
    age_ms: float = 0.0
    """Without the caller's speech, and without what was `down`."""
    quiet_ms: float = 0.0
    """The longest silence in it, counted in the same way."""
    silence_ms: float = 0.0
    """The same silence with what was `down` in it."""


@dataclass(slots=True)
class Hearing:
    """A call, judged by ear."""

    recording: Recording
    debts: list[Debt] = field(default_factory=list)

    @property
    def open_debt(self) -> Debt | None:
        """What is owed at the end of the recording."""
        return self.debts[-1] if self.debts and self.debts[-1].paid_by is None else None

    @property
    def quiet_ms(self) -> float:
        """The longest silence for which we are to blame."""
        return max((debt.quiet_ms for debt in self.debts), default=0.0)

    @property
    def silence_ms(self) -> float:
        """The longest silence that the caller lived through."""
        return max((debt.silence_ms for debt in self.debts), default=0.0)

    @property
    def age_ms(self) -> float:
        """The longest wait for an answer or the apology."""
        return max((debt.age_ms for debt in self.debts), default=0.0)

    def count(self, kind: Kind) -> int:
        """How often a sound of this kind was heard."""
        return sum(sound.kind is kind for sound in self.recording.sounds)

    def wait_ms(self, since_ms: float) -> float | None:
        """From a moment to the next answer; None: none came."""
        starts = [s.span.start_ms for s in self.recording.sounds if s.kind is Kind.ANSWER]
        return min((start - since_ms for start in starts if start >= since_ms), default=None)


def listen(recording: Recording) -> Hearing:
    """Judges a recording."""
    hearing = Hearing(recording)
    raised: tuple[Cause, float] | None = None
    for at_ms, event in _events(recording):
        if isinstance(event, Cause):
            raised = raised or (event, at_ms)
        elif raised is not None:
            hearing.debts.append(_debt(recording, raised, at_ms, event))
            raised = None
    if raised is not None:
        hearing.debts.append(_debt(recording, raised, recording.ended_at_ms, None))
    return hearing


# Private.


def _events(recording: Recording) -> list[tuple[float, Cause | Kind]]:
    """What raises and what pays, by time. At the same time what raises comes first."""
    events: list[tuple[float, Cause | Kind]] = [(recording.answered_at_ms, Cause.PICK_UP)]
    answers = [sound.span.start_ms for sound in recording.sounds if sound.kind is Kind.ANSWER]
    for span in recording.speech:
        if not any(span.end_ms - EARLY_MS <= start_ms < span.end_ms for start_ms in answers):
            events.append((span.end_ms, Cause.TURN))
    events += [(at_ms, Cause.KEY) for at_ms in recording.keys]
    for sound in recording.sounds:
        if sound.kind is not Kind.CLIP:
            events.append((sound.span.start_ms, sound.kind))
        if sound.owes_more and not _was_cut(recording, sound.span.end_ms):
            events.append((sound.span.end_ms, Cause.BREAK))
    over_ms = recording.ended_at_ms
    within = [event for event in events if recording.answered_at_ms <= event[0] < over_ms]
    return sorted(within, key=lambda event: (event[0], isinstance(event[1], Kind)))


def _was_cut(recording: Recording, at_ms: float) -> bool:
    by_voice = any(span.start_ms <= at_ms <= span.end_ms + CUT_BY_CALLER_MS for span in recording.speech)
    return by_voice or any(key_ms <= at_ms <= key_ms + CUT_BY_CALLER_MS for key_ms in recording.keys)


def _debt(recording: Recording, raised: tuple[Cause, float], end_ms: float, paid_by: Kind | None) -> Debt:
    cause, start_ms = raised
    debt = Debt(cause=cause, span=Span(start_ms, end_ms), paid_by=paid_by)
    waits = [*recording.speech, *recording.down]
    debt.age_ms = debt.span.ms - covered_ms(debt.span, waits)
    for gap in _gaps(debt.span, (sound.span for sound in recording.sounds)):
        debt.quiet_ms = max(debt.quiet_ms, gap.ms - covered_ms(gap, waits))
        debt.silence_ms = max(debt.silence_ms, gap.ms - covered_ms(gap, recording.speech))
    return debt


def _gaps(within: Span, sounds: Iterable[Span]) -> list[Span]:
    """The stretches of a span in which there is no sound."""
    gaps: list[Span] = []
    at_ms = within.start_ms
    for sound in joined(sounds):
        if sound.start_ms > at_ms:
            gaps.append(Span(at_ms, min(sound.start_ms, within.end_ms)))
        at_ms = max(at_ms, sound.end_ms)
        if at_ms >= within.end_ms:
            return [gap for gap in gaps if gap.ms > 0]
    gaps.append(Span(at_ms, within.end_ms))
    return [gap for gap in gaps if gap.ms > 0]
