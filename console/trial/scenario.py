"""A conversation to be tried: who calls whom, what the caller does, what is expected. Plain data. Pure.

Why it exists: a change of an agent's instructions is tried as often as it is made, so the conversation is
written down once. Owns: the steps and the expectations, with the line of the file that each stands in. Must
not know: the form of the file (reading), how a step is carried out (acting), when an expectation is met
(judge).

Times are milliseconds here, seconds in the file.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_LIMIT_MS = 120_000.0
DEFAULT_WITHIN_MS = 15_000.0
DEFAULT_INTERRUPT_AFTER_MS = 1_000.0


# What is said.


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Something that the caller says: text, a stored clip, or a WAV file. One of the three."""

    text: str = ""
    """Of a clip or a file: what the simulated model is told that was said, if it is not the clip's own
    text."""
    clip: str = ""
    wav: str = ""

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return self.text or self.clip or self.wav


@dataclass(frozen=True, slots=True)
class SaysText:
    """The simulated model says this."""

    text: str


@dataclass(frozen=True, slots=True)
class CallsTool:
    """The simulated model calls a tool of the agent's."""

    name: str
    arguments: Mapping[str, object]


Act = SaysText | CallsTool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the simulated model does in answer to the caller; a real one does as it likes."""

    acts: tuple[Act, ...] = ()
    """Empty: it says what it always says."""
    then: tuple[Act, ...] = ()
    """Once the tools have answered."""


# What the caller does.


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Says something, once the reply to what came before was heard to its end; `now`: without waiting for
    it."""

    line: int
    words: Words
    now: bool = False
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """Says something into a reply that has played for so long."""

    line: int
    words: Words
    after_ms: float = DEFAULT_INTERRUPT_AFTER_MS
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Presses keys. A `#` ends what is typed."""

    line: int
    keys: str = field(repr=False)
    now: bool = False
    answer: Answer = field(default_factory=Answer)


class Event(enum.Enum):
    """What a caller can wait for."""

    SPEECH = "speech"
    """The agent begins to speak."""
    REPLY = "reply"
    """It has spoken, and is silent."""
    END = "end"
    """It has ended the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor:
    """Waits for something."""

    line: int
    event: Event
    within_ms: float = DEFAULT_WITHIN_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Does nothing for a while."""

    line: int
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Hangs up, once the last reply was heard; `now`: without waiting for it."""

    line: int
    now: bool = False


# What is expected in between. It is looked for from the caller's last word or key on, and waited for.


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectTool:
    """A tool is called, with at least these arguments, and its result has these words."""

    line: int
    tool: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    result: str = ""
    within_ms: float = DEFAULT_WITHIN_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectWords:
    """The caller hears all of these words or phrases, in any order."""

    line: int
    words: tuple[str, ...]
    within_ms: float = DEFAULT_WITHIN_MS


Expected = ExpectTool | ExpectWords
Step = Say | Interrupt | Press | WaitFor | Rest | HangUp | ExpectTool | ExpectWords


@dataclass(frozen=True, slots=True)
class Ruled:
    """A value that holds for the whole call, and the line that says so."""

    line: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is expected of the call as a whole; None: nothing."""

    outcome: Ruled | None = None
    """How the call ends: a word of the card's."""
    never_words: tuple[Ruled, ...] = ()
    never_tools: tuple[Ruled, ...] = ()
    answer_within_ms: Ruled | None = None
    """From the end of the caller's voice to the first sound of the answer, each time."""
    silent_within_ms: Ruled | None = None
    """From the beginning of an interruption to silence, each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What the simulated model says where no step says it; empty: something that fits everywhere."""

    greeting: str = ""
    other: str = ""
    idle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The whole of it."""

    name: str
    agent: str = ""
    """By name; empty: the one of the called number."""
    from_number: str = field(default="", repr=False)
    """Empty: one that the simulator makes up; so `to_number`."""
    to_number: str = field(default="", repr=False)
    language: str = ""
    """Of what is spoken; empty: the agent's."""
    limit_ms: float = DEFAULT_LIMIT_MS
    steps: tuple[Step, ...] = ()
    rules: Rules = field(default_factory=Rules)
    simulated: Simulated = field(default_factory=Simulated)

    @property
    def said(self) -> list[tuple[int, Words]]:
        """By the index of its step, all that the caller says."""
        return [(n, each.words) for n, each in enumerate(self.steps) if isinstance(each, Say | Interrupt)]


def answer_of(step: Step) -> Answer | None:
    """What the simulated model does in answer to a step; None for one that it does not answer."""
    return step.answer if isinstance(step, Say | Interrupt | Press) else None


def spoken(*said: Words) -> tuple[Step, ...]:
    """The steps of a caller who says one thing after another, and hangs up."""
    return (*(Say(line=0, words=words) for words in said), HangUp(line=0))
