"""The caller: carries out a plan, 20 ms at a time.

Why it exists: steps that are plain data, judged at each tick, need no task for each call and behave the same
at any load. Owns: which step is running, the frame being said and the limits. Pure: `tick` is told the time
and what is heard; the driver sends the frame and carries out the actions. Must not know: sockets, media
streams or Twilio's messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from simulators.twilio.caller import plan as steps
from simulators.twilio.caller.clip import Clip


class Hearing(Protocol):
    """What the caller hears; the playout buffer is one."""

    @property
    def playing(self) -> bool:
        """The bridge is audible."""

    @property
    def reply_number(self) -> int:
        """Replies begun so far."""

    @property
    def quiet_since_ms(self) -> float:
        """When the bridge was last heard."""

    def reply_played_ms(self, now_ms: float) -> float:
        """How much of the current or last reply was heard."""


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of the caller's voice: frame `index` of `clip`."""

    clip: Clip
    index: int
    barge_in: bool
    """The bridge was audible when this clip began."""

    @property
    def first(self) -> bool:
        """This frame begins an utterance."""
        return self.index == 0

    @property
    def last(self) -> bool:
        """This frame ends an utterance."""
        return self.index == len(self.clip.frames) - 1


@dataclass(frozen=True, slots=True)
class PressKey:
    """One digit is to be sent."""

    digit: str


@dataclass(frozen=True, slots=True)
class EndCall:
    """The caller hangs up."""


Action = PressKey | EndCall


@dataclass(slots=True)
class Caller:
    """One caller on one call, from the answer on."""

    plan: steps.CallPlan
    answered_at_ms: float
    failures: list[str] = field(default_factory=list)
    done: bool = False
    """Nothing more will be done: the plan is over or was abandoned."""
    _steps: Iterator[steps.Step] = field(init=False)
    _step: steps.Step | None = None
    _step_number: int = 0
    _since_ms: float = 0.0
    _replies_met: int = 0
    _clip: Clip | None = None
    _index: int = 0
    _barge_in: bool = False
    _spoken: bool = False
    _digits: str = ""
    _next_digit_at_ms: float = 0.0

    def __post_init__(self) -> None:
        self._steps = iter(self.plan.steps)
        self._advance(self.answered_at_ms)

    def tick(self, now_ms: float, hearing: Hearing) -> list[Action]:
        """Goes on with the plan; `take_frame` then returns this tick's voice."""
        if self.done:
            return []
        over_ms = self.plan.hang_up_after_ms
        if over_ms is not None and now_ms - self.answered_at_ms >= over_ms:
            return self._give_up()
        actions: list[Action] = []
        while not self.done and self._step is not None:
            if self._pursue(self._step, now_ms, hearing, actions):
                self._advance(now_ms)
                continue
            limit_ms = _limit_ms(self._step)
            if limit_ms is None or now_ms - self._since_ms < limit_ms:
                break
            self.failures.append(self._describe_failure(self._step, limit_ms, now_ms, hearing))
            if self.plan.stop_at_failure:
                return [*actions, *self._give_up()]
            self._advance(now_ms)
            break  # a plan of failing steps must still let time pass
        if self._step is None and not self.done and self._clip is None:
            return [*actions, *self._give_up()]
        return actions

    def take_frame(self) -> Frame | None:
        """The voice of this tick, or None when the caller is silent."""
        if self._clip is None:
            return None
        frame = Frame(self._clip, self._index, self._barge_in)
        self._index += 1
        if self._index == len(self._clip.frames):
            self._clip = None
        return frame

    def call_ended(self, reason: str, now_ms: float) -> None:
        """The call is over, not by the caller: judges the steps that are left."""
        if self.done:
            return
        self.done = True
        if isinstance(self._step, steps.WaitForEnd | steps.HangUp) or self._step is None:
            return
        self.failures.append(
            f"step {self._step_number} {_name(self._step)}: expected the call to go on, got its end "
            f"({reason}) {now_ms - self._since_ms:.0f} ms into the step"
        )

    # Private.

    def _advance(self, now_ms: float) -> None:
        self._step = next(self._steps, None)
        self._step_number += 1
        self._since_ms = now_ms
        self._spoken = False
        if isinstance(self._step, steps.Dtmf):
            self._digits = self._step.digits
            self._next_digit_at_ms = now_ms

    def _give_up(self) -> list[Action]:
        self.done = True
        self._clip = None
        return [EndCall()]

    def _pursue(self, step: steps.Step, now_ms: float, hearing: Hearing, actions: list[Action]) -> bool:
        """Starts the step where it needs a start, and returns whether it is done."""
        match step:
            case steps.WaitForSpeech():
                if hearing.reply_number == self._replies_met:
                    return False
                self._replies_met = hearing.reply_number
                return True
            case steps.WaitForSilence():
                return not hearing.playing and now_ms - hearing.quiet_since_ms >= step.quiet_ms
            case steps.Speak():
                return self._say(step.clip, hearing) and (not step.wait or self._clip is None)
            case steps.InterruptAfter():
                return self._interrupt(step, now_ms, hearing)
            case steps.Dtmf():
                return self._press(step, now_ms, actions)
            case steps.Pause():
                return now_ms - self._since_ms >= step.ms
            case steps.HangUp():
                actions.extend(self._give_up())
                return False
            case steps.WaitForEnd():
                return False
            case steps.WaitUntil():
                return step.condition()
            case steps.Do():
                step.action()
                return True

    def _say(self, clip: Clip, hearing: Hearing) -> bool:
        """Begins the clip unless this step has; False while an earlier clip is still being said."""
        if self._spoken:
            return True
        if self._clip is not None:
            return False
        self._clip, self._index, self._spoken = clip, 0, True
        self._barge_in = hearing.playing
        self._replies_met = hearing.reply_number
        return True

    def _interrupt(self, step: steps.InterruptAfter, now_ms: float, hearing: Hearing) -> bool:
        if self._spoken:
            return self._clip is None
        if hearing.playing and hearing.reply_played_ms(now_ms) >= step.played_ms:
            self._say(step.clip, hearing)
        return False

    def _press(self, step: steps.Dtmf, now_ms: float, actions: list[Action]) -> bool:
        if self._digits and now_ms >= self._next_digit_at_ms:
            actions.append(PressKey(self._digits[0]))
            self._digits = self._digits[1:]
            self._next_digit_at_ms += step.spacing_ms
        return not self._digits

    def _describe_failure(self, step: steps.Step, limit_ms: float, now_ms: float, hearing: Hearing) -> str:
        if hearing.playing:
            heard = f"reply {hearing.reply_number} playing, {hearing.reply_played_ms(now_ms):.0f} ms"
        elif hearing.reply_number:
            quiet_ms = now_ms - hearing.quiet_since_ms
            heard = f"{hearing.reply_number} replies so far, then {quiet_ms:.0f} ms of silence"
        else:
            heard = "no sound from the bridge at all"
        return (
            f"step {self._step_number} {_name(step)}: expected {_expected(step)} within "
            f"{limit_ms:.0f} ms, got {heard}"
        )


def _name(step: steps.Step) -> str:
    return type(step).__name__


def _limit_ms(step: steps.Step) -> float | None:
    match step:
        case (
            steps.WaitForSpeech()
            | steps.WaitForSilence()
            | steps.InterruptAfter()
            | steps.WaitForEnd()
            | steps.WaitUntil()
        ):
            return step.limit_ms
        case _:
            return None


def _expected(step: steps.Step) -> str:
    match step:
        case steps.WaitForSpeech():
            return "the bridge to begin to speak"
        case steps.WaitForSilence():
            return f"{step.quiet_ms:.0f} ms of silence"
        case steps.InterruptAfter():
            return f"a reply of more than {step.played_ms:.0f} ms to interrupt"
        case steps.WaitForEnd():
            return "the bridge to end the call"
        case steps.WaitUntil():
            return step.what
        case _:
            return _name(step)
