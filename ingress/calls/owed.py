"""The sound that one caller is owed: kept where the caller's ear is, until an answer was heard.

Why it exists: each fault behind ingress (no brain, no egress, no Redis, a model that fails) ends in the same
silence, and a silent caller hangs up. The brain says what is owed and egress what a frame answers, but both
may be gone; ingress has the socket, and counts. Owns: the account of owed silence, when the hold clip is
played, when the call is given to the carrier's voice. Pure; `now_ms` is monotonic and never falls. Must not
know: the clip, the socket, how an answer is asked for again (brain/sequencer/debts.py).

- A debt stands from pick-up until a brain speaks, from the moment that the brain states, and from its last
  word on once that is 2 s old.
- Frames given to the socket suspend it if they are no silence; the first mark behind them that comes back
  pays it, and with it all up to the number of the last `sound`. Where none comes back in time, a clock pays;
  and where the caller cuts an answer off, what they had heard of it by then.
- Frames that cease before `sound_end` bring it back, from the last one on.
- The caller's own voice stops the clock and takes nothing away. Our clip pays nothing.
- Who is said to speak and makes pauses, tells a story or waits in vain: what they speak is taken off what
  they were silent, so that pauses alone never add up.
- What the brain says of the caller's voice it has from the model, late, and it may be gone: a caller who is
  said to speak, and of whom no voice came for a while, waits since their last sound.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from ingress.sound.ours import OurSound
from shared.audio import FRAME_BYTES, FRAME_MS, is_silent, is_voice
from shared.contract.owed import DebtCause, NoWord
from shared.contract.streams.pairs import Owes

CLIP_AFTER_MS = 4_000.0
"""Of unbroken quiet while a debt stands."""

CLIP_AGAIN_MS = 2_000.0
"""Between the end of one clip and the next."""

APOLOGISE_MS = 12_000.0
"""Of owed silence in all: then the call goes to the carrier's voice."""

RESUME_WITHOUT_STORE_MS = 700.0
"""Without Redis the webhook that says the apology answers so much later: that is part of the wait."""

WORD_WITHIN_MS = 2_000.0
"""A brain says every second that it is alive; longer without a word is a debt."""

BREATH_MS = 300.0
"""Between two sentences; after the last one it is quiet."""

PAUSE_MS = 1_000.0
"""Within an answer: speech has pauses, and a model takes a breath."""

MARK_WITHIN_MS = 3_000.0
"""So long after its time to play an answer counts as heard, though no mark behind it came back: carriers lose
echoes, and some send none."""

HUSH_MS = 700.0
"""Between two words. A caller who is quiet for longer is not speaking, whoever says so."""

HEARD_LEAST_MS = 250.0
"""Of an answer that the caller cut off before its first mark: who has heard a word of it was answered."""

DEAF_BEFORE_MS = 2_000.0
"""What was said so shortly before its session was lost, the model may not have heard."""


class Step(enum.Enum):
    """What is to be done about the silence."""

    NOTHING = enum.auto()
    PLAY = enum.auto()
    """Play the clip once."""
    APOLOGISE = enum.auto()


TELL_AT_MS = 2_000.0
"""From then on people are told that a caller waits."""


@dataclass(frozen=True, slots=True)
class PayingMark:
    """A mark behind sound of an answer: its echo pays."""

    number: int
    """Debts up to this one."""
    by_ms: float
    """Then it is paid without an echo."""
    counted_ms: float
    """Of silence, before it: what was silent behind it is not paid."""


@dataclass(slots=True)
class OwedSound:
    """One caller's account, for one media stream. `owed_ms`, `cause` and `settled` go on from an earlier
    one."""

    began_at_ms: float
    """When the stream was attached, or when the call was picked up."""
    clip_ms: float
    owed_ms: float = 0.0
    """Of silence, since an answer was last heard; the caller's own voice and a tool at work are not
    counted."""
    cause: str = ""
    """What stands, or stood last."""
    settled: int = 0
    """Debts up to this number are paid."""
    stands: bool = True
    """Whether sound is owed and not coming."""
    _counted_ms: float = 0.0
    """Of all that was ever owed."""
    silence_ms: dict[str, float] = field(default_factory=dict)
    """Owed silence by cause since it was last taken: for the metrics."""
    _known: int = 0
    """The last debt that stands, or stood, by the brain's word."""
    _word: Owes | None = None
    _word_at_ms: float = field(init=False)
    _at_ms: float = field(init=False)
    """Up to then it is accounted for."""
    _quiet_ms: float = field(init=False)
    """Since the last sound, be it ours; the caller's own voice is not counted."""
    _clip_at_quiet_ms: float = CLIP_AFTER_MS
    ours: OurSound = field(default_factory=OurSound)
    """What the carrier has of the clip, or of what fills the silence."""
    _voice_ms: float = float("-inf")
    """When the caller's voice was last heard."""
    _deaf_since_ms: float | None = None
    _is_told: bool = False
    _store_away: bool = False
    _store_refuses: bool = False
    _answers: int = 0
    """The number of the last `sound`: what the frames that come now answer."""
    _is_open: bool = False
    """Its `sound_end` is still to come."""
    _plays_until_ms: float = 0.0
    """When the caller has heard what was given to the socket."""
    _heard_until_ms: float = field(init=False)
    """When the caller has heard the last of it that was no silence; before there is any, `began_at_ms`."""
    _is_voiced: bool = False
    """Sound of this answer was given to the socket since it was last paid for."""
    _sounds_from_ms: float | None = None
    """When the first sound of this answer began to play; None: there is none yet, or it was cleared."""
    _paying: dict[str, PayingMark] = field(default_factory=dict)
    """By name, in the order in which the carrier comes to them. Bounded by the clock that pays them."""

    def __post_init__(self) -> None:
        self._word_at_ms = self._at_ms = self._heard_until_ms = self.began_at_ms
        self._quiet_ms = min(self.owed_ms, CLIP_AFTER_MS)
        self.cause = self.cause or NoWord.PICK_UP

    # What others say.

    def word(self, said: Owes, now_ms: float) -> None:
        """The brain: it is alive, and what it owes."""
        self._account(now_ms)
        if said.is_waived or (said.is_paid and said.number > self._known):
            # What was paid before we heard of it was paid on an earlier stream.
            self.settled = max(self.settled, said.number)
        if not said.is_deaf:
            self._deaf_since_ms = None
        elif self._deaf_since_ms is None:
            self._deaf_since_ms = now_ms
        is_new = said.number > max(self._known, self.settled)
        self._known = said.number  # Lower than before where the last ones were taken back.
        self._word, self._word_at_ms = said, now_ms
        self._judge(now_ms, since_ms=now_ms - said.age_ms if is_new else None)

    def sound(self, number: int, now_ms: float) -> None:
        """Egress: the frames that follow answer all debts up to `number`."""
        self._account(now_ms)
        if number != self._answers:
            self._is_voiced, self._sounds_from_ms = False, None
        # The same number again: egress repeats what it cannot know to have been given to the socket.
        self._answers, self._is_open = number, True

    def end(self, number: int, now_ms: float) -> None:
        """Egress: the last frame of that answer was sent."""
        if number >= self._answers:
            self._account(now_ms)
            self._is_open = False
            self._judge(now_ms)

    def cleared(self, now_ms: float, *, goes_on: bool = False) -> None:
        """What the carrier had not played is void, or, `goes_on`, comes again: its marks come back now, and
        prove nothing. What had played until then was heard."""
        self._account(now_ms)
        until_ms = min(now_ms, self._heard_until_ms)
        if self._sounds_from_ms is not None and until_ms - self._sounds_from_ms >= HEARD_LEAST_MS:
            self._settle(self._answers, owed_ms=0.0)
        self._is_open, self._is_voiced, self._sounds_from_ms = self._is_open and goes_on, False, None
        self._paying.clear()
        self._plays_until_ms = min(self._plays_until_ms, now_ms)
        self._heard_until_ms = min(self._heard_until_ms, now_ms)
        self._judge(now_ms)

    # The frames, the marks.

    def filled(self, until_ms: float, now_ms: float) -> None:
        """The user's own sound was given to the socket. It pays nothing; but who hears it needs no clip."""
        self._account(now_ms)
        self.ours.given(until_ms, is_clip=False)
        self._quiet_ms, self._clip_at_quiet_ms = 0.0, CLIP_AFTER_MS

    def frames(self, audio: bytes, now_ms: float) -> None:
        """Frames were given to the socket, one behind the other. Twenty times a second a call: nothing is
        accounted for here."""
        for at in range(0, len(audio), FRAME_BYTES):
            plays_from_ms = max(self._plays_until_ms, now_ms)
            self._plays_until_ms = plays_from_ms + FRAME_MS
            if not is_silent(audio[at : at + FRAME_BYTES]):
                self._heard_until_ms = self._plays_until_ms
                self._is_voiced = True
                if self._sounds_from_ms is None:
                    self._sounds_from_ms = plays_from_ms

    def playing_ms(self, now_ms: float) -> float:
        """How long what was given to the socket will still play."""
        return max(0.0, self._plays_until_ms - now_ms)

    def caller(self, audio: bytes, now_ms: float) -> None:
        """A frame of the caller's, fifty times a second."""
        if is_voice(audio):
            self._voice_ms = now_ms

    def mark(self, name: str, now_ms: float) -> None:
        """A mark was given to the socket."""
        if self._is_voiced and name:
            by_ms = max(self._plays_until_ms, now_ms) + MARK_WITHIN_MS
            self._paying[name] = PayingMark(self._answers, by_ms, self._counted_ms)
            self._is_voiced = False

    def echo(self, name: str, now_ms: float) -> None:
        """The carrier has played what stands before this mark, and so before those that it did not echo."""
        if name in self._paying:
            self._pay(name, now_ms)

    # Asked a few times a second.

    def check(self, now_ms: float, *, store_away: bool, store_refuses: bool = False) -> Step:
        """What is to be done now. `store_refuses`: it is away for us because it takes no writes."""
        self._store_away, self._store_refuses = store_away, store_refuses
        self._account(now_ms)
        for name, mark in list(self._paying.items()):
            if now_ms >= mark.by_ms:
                self._pay(name, now_ms)
        self._judge(now_ms)
        if not self.stands:
            return Step.NOTHING
        if self.owed_ms >= APOLOGISE_MS - (RESUME_WITHOUT_STORE_MS if store_away else 0.0):
            return Step.APOLOGISE
        # Silence of an answer that the carrier has still to play is before the clip.
        before_ms = self.playing_ms(now_ms)
        if self._quiet_ms + before_ms < self._clip_at_quiet_ms or self._is_caller_speaking(now_ms):
            return Step.NOTHING
        self._quiet_ms = 0.0
        self._clip_at_quiet_ms = before_ms + self.clip_ms + CLIP_AGAIN_MS
        self.ours.given(now_ms + before_ms + self.clip_ms, is_clip=True)
        return Step.PLAY

    @property
    def standing(self) -> tuple[int, str]:
        """For the card: the owed silence in ms, and what for; (0, "") where nothing is owed."""
        return (int(self.owed_ms), self.cause) if self.stands else (0, "")

    def is_quiet(self, now_ms: float) -> bool:
        """Whether nobody speaks: neither the caller, nor what plays at the carrier."""
        plays_until_ms = max(self._heard_until_ms, self.ours.clip_until_ms)
        return now_ms >= plays_until_ms + BREATH_MS and self._is_hushed(now_ms)

    def is_free(self, now_ms: float) -> bool:
        """Whether nothing of an answer is heard or still to come, and no clip."""
        quiet_from_ms = max(self._plays_until_ms, self._heard_until_ms + BREATH_MS, self.ours.clip_until_ms)
        return not self._is_open and now_ms >= quiet_from_ms

    def take_turn(self) -> bool:
        """Whether the card should be told now: a debt has grown old, or an old one is gone."""
        is_old = self.stands and self.owed_ms >= TELL_AT_MS
        was_told, self._is_told = self._is_told, is_old
        return was_told != is_old

    def take_silence(self) -> dict[str, float]:
        """Owed silence by cause, in ms, since this was last asked."""
        taken, self.silence_ms = self.silence_ms, {}
        return taken

    # Private.

    def _has_word(self, now_ms: float) -> bool:
        return now_ms - self._word_at_ms <= WORD_WITHIN_MS

    def _is_said_to_speak(self, now_ms: float) -> bool:
        return self._word is not None and self._word.is_caller_speaking and self._has_word(now_ms)

    def _is_hushed(self, now_ms: float) -> bool:
        return now_ms - self._voice_ms > HUSH_MS

    @property
    def _is_known(self) -> bool:
        """Whether the brain has stated a debt that stands."""
        return self._known > self.settled

    def _is_turn_open(self, now_ms: float) -> bool:
        """Whether what the caller says now is a turn that nobody has closed: the model says so, or there is
        none that could."""
        return self._is_said_to_speak(now_ms) or (self._deaf_since_ms is not None and not self._is_known)

    def _is_caller_speaking(self, now_ms: float) -> bool:
        return self._is_turn_open(now_ms) and not self._is_hushed(now_ms)

    def _is_sounding(self, now_ms: float) -> bool:
        return self._heard_until_ms > self.began_at_ms and now_ms < self._heard_until_ms + PAUSE_MS

    def _why(self, now_ms: float) -> tuple[str, float]:
        """What sound is owed for, and from when on it is counted; an empty text: for nothing."""
        word = self._word
        if word is None or not self._has_word(now_ms):
            since_ms = self._heard_until_ms if self._is_known or self._is_open else self._word_at_ms
            if self._store_away:
                return NoWord.REDIS_REFUSES if self._store_refuses else NoWord.NO_REDIS, since_ms
            return (NoWord.PICK_UP if word is None else NoWord.NO_BRAIN), since_ms
        if self._is_known:
            return word.cause or NoWord.PICK_UP, self._heard_until_ms
        # What they waited for before they spoke again they still wait for.
        is_waiting = self._is_hushed(now_ms) or self.stands
        if self._is_said_to_speak(now_ms):
            return (DebtCause.TURN, self._voice_ms) if is_waiting else ("", 0.0)
        deaf_since_ms = self._deaf_since_ms
        if deaf_since_ms is not None and is_waiting and self._voice_ms > deaf_since_ms - DEAF_BEFORE_MS:
            return NoWord.NO_SESSION, self._voice_ms
        return (NoWord.BROKEN_OFF, self._heard_until_ms) if self._is_open else ("", 0.0)

    def _judge(self, now_ms: float, since_ms: float | None = None) -> None:
        """Whether a debt stands now. One that begins to is counted from where the silence began: from the
        last sound, the brain's last word, the caller's last voice, or `since_ms`."""
        why, began_ms = self._why(now_ms)
        if not why:
            self.stands = False
            self.owed_ms = self._quiet_ms = 0.0
            self._clip_at_quiet_ms = CLIP_AFTER_MS
            return
        self.cause = why
        if self.stands or self._is_sounding(now_ms):
            return
        self.stands = True
        since_ms = began_ms if since_ms is None else since_ms
        self._at_ms = min(max(since_ms, self._heard_until_ms), now_ms)
        self._account(now_ms)

    def _account(self, now_ms: float) -> None:
        """Counts the silence up to now, if it is owed."""
        since_ms, self._at_ms = self._at_ms, max(now_ms, self._at_ms)
        if not self.stands:
            return
        if self._heard_until_ms > since_ms:
            # Sound suspends the debt. It stands again from the end of that sound, if it is not paid by then.
            self.stands = False
            self._quiet_ms, self._clip_at_quiet_ms = 0.0, CLIP_AFTER_MS
            return
        if self._is_turn_open(now_ms):
            # Their pauses are theirs, up to a moment; what is longer counts from their last sound.
            spoke_ms, since_ms = self._voice_ms - since_ms, max(since_ms, self._voice_ms)
            if spoke_ms > 0 and self._is_said_to_speak(now_ms) and not self._is_known:
                self._forgive(spoke_ms)
            if not self._is_hushed(now_ms) or not self.stands:
                self._at_ms = min(since_ms, now_ms)
                return
        silent_ms = max(0.0, now_ms - since_ms)
        self._quiet_ms += silent_ms
        self.silence_ms[self.cause] = self.silence_ms.get(self.cause, 0.0) + silent_ms
        word = self._word
        if word is None or not word.is_patient or not self._has_word(since_ms):
            self.owed_ms += silent_ms
            self._counted_ms += silent_ms

    def _forgive(self, spoke_ms: float) -> None:
        """Who is said to speak and does, does not wait: as long as they spoke they were not silent."""
        self._quiet_ms = max(0.0, self._quiet_ms - spoke_ms)
        self.owed_ms = max(0.0, self.owed_ms - spoke_ms)
        self.stands = self.owed_ms > 0

    def _pay(self, name: str, now_ms: float) -> None:
        """What was owed is heard: up to this mark, and to those before it. A younger debt keeps the silence
        that it has had since: a mark that is paid by the clock is paid late."""
        self._account(now_ms)
        mark = self._paying[name]
        for each in list(self._paying):
            del self._paying[each]
            if each == name:
                break
        self._settle(mark.number, owed_ms=min(self.owed_ms, self._counted_ms - mark.counted_ms))
        self._judge(now_ms)

    def _settle(self, number: int, *, owed_ms: float) -> None:
        """Debts up to this one are paid; `owed_ms` is left of the silence."""
        self.owed_ms = owed_ms
        if self._word is not None and self._word.is_paid:
            # The brain knows which answer it was, should egress's word for it be lost.
            number = max(number, self._known)
        self.settled = max(self.settled, number)
