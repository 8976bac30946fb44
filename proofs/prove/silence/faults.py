"""The kinds of fault: what is broken, in words that a row of the table can be made of.

Why it exists: a fault should read as what it is; how it is brought about is another matter. Owns: the kinds,
and from which moment of a call they may begin. Pure. Must not know: processes, sockets, calls.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from simulators.realtime.knobs import ResponseKnobs

Role = Literal["ingress", "brain", "egress"]


class At(enum.StrEnum):
    """When a fault begins."""

    GREETING = "greeting"
    """Before the first sound: of the model, before the call; of all else, once the call has its owners."""
    IDLE = "idle"
    """The greeting was heard; the caller speaks two seconds later."""
    TURN = "turn"
    """The caller begins to speak."""
    SPEAKING = "speaking"
    """In the middle of what the caller says."""
    WAITING = "waiting"
    """The caller has just stopped."""
    REPLY = "reply"
    """One second into the answer."""
    TOOL = "tool"
    """The model has called a tool: its next response is the answer to the output."""
    FAREWELL = "farewell"
    """The model has called `end_call`: its next response is the farewell."""


class Story(enum.StrEnum):
    """What the call is about."""

    TWO_TURNS = "two turns"
    TOOL = "a tool, then a turn"
    PREAMBLE = "words, then a tool"
    FAREWELL = "goodbye"
    INTERRUPTS = "the caller interrupts"
    KEYS = "keys"
    HELLO = "hello? every three seconds"


@dataclass(frozen=True, slots=True)
class Healthy:
    """No fault: what is measured is measured here too."""


@dataclass(frozen=True, slots=True)
class Responses:
    """What the model makes of the responses that begin meanwhile."""

    knobs: ResponseKnobs


@dataclass(frozen=True, slots=True)
class Sessions:
    """What becomes of sessions that are opened meanwhile: knobs by name. One that is live is lost at the
    beginning, so that another is needed."""

    knobs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The model's socket: nothing passes in either direction, and nothing is closed."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Connections to the model are refused; the live session is lost at the beginning."""


@dataclass(frozen=True, slots=True)
class Killed:
    """SIGKILL for the process that has the call."""

    role: Role


@dataclass(frozen=True, slots=True)
class Stopped:
    """SIGSTOP for the process that has the call."""

    role: Role


class Store(enum.StrEnum):
    """What Redis does."""

    FULL = "OOM: maxmemory reached, no eviction"
    MISCONF = "MISCONF: its snapshot failed, writes are refused"
    NO_REPLICAS = "NOREPLICAS: writes are refused"
    FROZEN = "it stands still (SIGSTOP)"
    EMPTIED = "FLUSHALL"
    RESTARTED = "killed, back empty"


Fault = Healthy | Responses | Sessions | HalfOpen | Unreachable | Killed | Stopped | Store

ONCE = 0.0
"""As a duration: of a response, the next one only; of all else, a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of silence."""

    name: str
    text: str
    """What is wrong, for the table."""
    fault: Fault
    at: At
    lasts_s: float | None = ONCE
    """None: for good."""
    story: Story = Story.TWO_TURNS
    may_apologise: bool = False
    """Whether the apology will do: of what does not pass within eight seconds, and of what loses the call's
    owner or all that is known of it."""
    agent: Literal["default", "asks", "prompts"] = "default"
    """`asks`: the brain answers turns, not the server. `prompts`: a silent caller is spoken to."""

    @property
    def is_alone(self) -> bool:
        """Whether the fault is felt by other calls too, so that none may be made meanwhile."""
        return self.needs_owners or isinstance(self.fault, Unreachable)

    @property
    def needs_owners(self) -> bool:
        """Whether the fault is about processes, so that at the greeting the call must have reached them."""
        return isinstance(self.fault, Killed | Stopped | Store)

    @property
    def lasting(self) -> str:
        """How long, for the table."""
        if self.lasts_s is None:
            return "for good"
        return "once" if self.lasts_s == ONCE else f"{self.lasts_s:g} s"
