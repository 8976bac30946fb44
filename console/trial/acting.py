"""The caller of a scenario: its steps as those of the simulated caller. No clock, no socket.

Why it exists: what a scenario says in a word ("say") is a wait for the reply, its end, and then the voice;
and when a step begins is known only while the call goes on. Owns: what each step is made of, the marks of
when each began and came true. Must not know: how a call is made, what is said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.demo.timeline import Line, Who
from console.demo.watch import Seen
from console.trial.heard import heard
from console.trial.judge import Mark, described, found_at
from console.trial.scenario import (
    Event,
    Expected,
    ExpectTool,
    ExpectWords,
    HangUp,
    Interrupt,
    Press,
    Rest,
    Say,
    Scenario,
    Step,
    WaitFor,
)
from simulators.twilio.caller import plan as caller
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.conduct import Hearing

REPLY_LIMIT_MS: Final = 20_000.0
SILENCE_LIMIT_MS: Final = 90_000.0
QUIET_MS: Final = 700.0
"""Silence that ends a reply; a longer one is a pause for a tool."""
BEFORE_HANG_UP_MS: Final = 300.0


@dataclass(slots=True, kw_only=True)
class Stage:
    """What the caller needs to know and to do beside speaking. All of it is there once the call has begun."""

    now_ms: Callable[[], float]
    """The call's clock."""
    seen: Sequence[Seen]
    """Of the call's keys, so far; it grows."""
    hearing: Hearing
    write: Callable[[str], None]
    """Tells the agent a text of the caller's, where it cannot be spoken."""
    tell: Callable[[Line], None]
    """Adds a line to the timeline."""


@dataclass(slots=True)
class Acting:
    """One caller. `stage` is set before the first step is asked for."""

    scenario: Scenario
    voices: Mapping[int, Clip]
    """By the index of a step, what it sounds like; what is not in it is written."""
    stage: Stage | None = None
    marks: dict[int, Mark] = field(default_factory=dict)
    owners: list[int] = field(default_factory=list)
    """Which step of the scenario each step of ours belongs to; the number of steps for those after the
    last."""
    hung_up: bool = False
    """The caller came to the end, and hung up by themselves."""
    _since_ms: float = 0.0

    def steps(self) -> Iterator[caller.Step]:
        """The steps, made as they come due: the next one is asked for when the last one is over."""
        for index, step in enumerate(self.scenario.steps):
            mark = self.marks[index] = Mark(since_ms=self._since_ms, began_ms=self._stage.now_ms())
            yield from self._owned(index, self._of(index, step, mark))
            if not isinstance(step, Expected):
                mark.met_at_ms = self._stage.now_ms()
        yield from self._owned(len(self.scenario.steps), self._leave())

    # Private.

    @property
    def _stage(self) -> Stage:
        assert self.stage is not None, "the stage is set before the call is answered"
        return self.stage

    def _owned(self, index: int, made: Iterator[caller.Step]) -> Iterator[caller.Step]:
        for each in made:
            self.owners.append(index)
            yield each

    def _of(self, index: int, step: Step, mark: Mark) -> Iterator[caller.Step]:
        match step:
            case Say():
                yield from self._reply(step.now)
                self._acts()
                yield self._voice(index, step.words.name)
            case Interrupt():
                yield from self._interrupt(index, step)
            case Press():
                yield from self._reply(step.now)
                self._acts()
                self._stage.tell(self._line(f"(presses {step.keys})"))
                yield caller.Dtmf(step.keys)
            case WaitFor():
                yield from self._wait(step)
            case Rest():
                yield caller.Pause(step.ms)
            case HangUp():
                yield from self._leave(now=step.now)
            case ExpectTool() | ExpectWords():
                yield self._expectation(step, mark)

    def _reply(self, now: bool = False) -> Iterator[caller.Step]:
        """Waits for the reply to what came before, and for its end."""
        if not now:
            yield from self._speech(REPLY_LIMIT_MS)
            yield caller.WaitForSilence(QUIET_MS, SILENCE_LIMIT_MS)

    def _speech(self, within_ms: float) -> Iterator[caller.Step]:
        """Waits until a reply has begun to what the caller did last."""
        stage, since_ms = self._stage, self._since_ms

        def has_begun() -> bool:
            # It is told when its first frame leaves; then it has still to arrive.
            hearing, begun = stage.hearing, heard(stage.seen).replies_since(since_ms)
            return any(hearing.playing or hearing.quiet_since_ms >= (each.at_ms or 0.0) for each in begun)

        yield caller.WaitUntil(has_begun, "the agent to begin to speak", within_ms)

    def _wait(self, step: WaitFor) -> Iterator[caller.Step]:
        if step.event is Event.END:
            yield caller.WaitForEnd(step.within_ms)
            return
        yield from self._speech(step.within_ms)
        if step.event is Event.REPLY:
            yield caller.WaitForSilence(QUIET_MS, SILENCE_LIMIT_MS)

    def _interrupt(self, index: int, step: Interrupt) -> Iterator[caller.Step]:
        stage = self._stage

        def plays() -> bool:
            hearing = stage.hearing
            return hearing.playing and hearing.reply_played_ms(stage.now_ms()) >= step.after_ms

        what = f"a reply of more than {step.after_ms:.0f} ms to interrupt"
        yield caller.WaitUntil(plays, what, REPLY_LIMIT_MS)
        self._acts()
        yield self._voice(index, step.words.name)

    def _voice(self, index: int, words: str) -> caller.Step:
        """What is said: with a voice, or in writing."""
        voice = self.voices.get(index)
        if voice is not None:
            return caller.Speak(voice)
        stage = self._stage

        def write() -> None:
            stage.tell(Line(at_ms=stage.now_ms(), who=Who.CALLER, text="", said=words))
            stage.write(words)

        return caller.Do(write)

    def _expectation(self, step: Expected, mark: Mark) -> caller.Step:
        stage = self._stage

        def is_there() -> bool:
            mark.met_at_ms = found_at(step, heard(stage.seen), mark.since_ms, stage.now_ms())
            return mark.met_at_ms is not None

        return caller.WaitUntil(is_there, described(step), step.within_ms)

    def _leave(self, *, now: bool = False) -> Iterator[caller.Step]:
        yield from self._reply(now)
        if not now:
            yield caller.Pause(BEFORE_HANG_UP_MS)
        self.hung_up = True
        yield caller.HangUp()

    def _acts(self) -> None:
        """The caller does something: what is expected from here on is an answer to it."""
        self._since_ms = self._stage.now_ms()

    def _line(self, text: str) -> Line:
        return Line(at_ms=self._stage.now_ms(), who=Who.CALLER, text=text)
