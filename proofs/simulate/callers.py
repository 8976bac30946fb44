"""What callers do: talk, interrupt, press keys, say nothing, hang up when they like, call again.

Why it exists: a fault shows only to somebody who is doing something. Owns: their habits, drawn from the seed.
Must not know: faults, what is promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from simulators import clips
from simulators.twilio import (
    CallPlan,
    Clip,
    DialOutcome,
    Dtmf,
    HangUp,
    InterruptAfter,
    Pause,
    Speak,
    Step,
    WaitForSilence,
    WaitForSpeech,
)

SAID = ("en_caller_ask", "en_caller_number")
KEYS = "0123456789*#"

NOT_TAKEN = (
    DialOutcome("no-answer", 1_500),
    DialOutcome("busy", 400),
    DialOutcome("failed", 50),
)
TAKEN = DialOutcome("completed", 3_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often a caller does what, of 1."""

    interrupts: float = 0.25
    """Speaks into the reply."""
    presses_keys: float = 0.1
    """Instead of speaking."""
    says_nothing: float = 0.07
    """For longer than it takes to be asked whether they are there."""
    leaves_early: float = 0.3
    """Hangs up at any moment; one who does calls again."""
    is_taken: float = 0.2
    """The number to which they are transferred answers."""


@dataclass(slots=True)
class Caller:
    """One, call after call."""

    chance: Random
    habits: Habits
    now_s: Callable[[], float]
    until_s: float
    """Nothing is begun after this."""
    status_url: str
    _clips: dict[str, Clip] = field(default_factory=dict)

    @property
    def left_s(self) -> float:
        """Until then."""
        return self.until_s - self.now_s()

    def plan(self) -> CallPlan:
        """The next call."""
        chance, habits = self.chance, self.habits
        stays_s = self.left_s + 5.0
        if chance.random() < habits.leaves_early:
            stays_s = chance.uniform(0.5, max(1.0, self.left_s))
        taken = chance.random() < habits.is_taken
        return CallPlan(
            self._steps(),
            status_callback=self.status_url,
            hang_up_after_ms=stays_s * 1000,
            stop_at_failure=False,
            dials=(TAKEN,) if taken else (chance.choice(NOT_TAKEN),),
        )

    # Private.

    def _steps(self) -> Iterator[Step]:
        chance, habits = self.chance, self.habits
        yield WaitForSpeech()
        yield WaitForSilence(400)
        while self.left_s > 0:
            what = chance.random()
            if what < habits.says_nothing:
                yield Pause(chance.uniform(6_000, 13_000))
                continue
            if what < habits.says_nothing + habits.presses_keys:
                yield Dtmf("".join(chance.choice(KEYS) for _ in range(chance.randint(1, 4))))
            else:
                yield Speak(self._clip(chance.choice(SAID)))
                if chance.random() < habits.interrupts:
                    yield InterruptAfter(chance.uniform(300, 2_500), self._clip("en_caller_interrupt"))
            yield WaitForSpeech()
            yield WaitForSilence(chance.uniform(500, 900))
            yield Pause(chance.uniform(100, 1_500))
        yield HangUp()

    def _clip(self, name: str) -> Clip:
        if name not in self._clips:
            self._clips[name] = Clip(clips.load(name), name)
        return self._clips[name]
