"""What a row is: who is hit (a process, a host, Redis, one call's model or line), how, at which step of a
call, and what that may cost.

Why it exists: a row should read as what it is; how it is brought about is another matter. Owns: the kinds of
fault, the steps of a call. Pure. Must not know: processes, sockets, calls.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from proofs.prove.chaos.evidence.finding import Bounds
from simulators.realtime.knobs import ResponseKnobs
from simulators.twilio.knobs import Knobs as LineKnobs

Role = Literal["ingress", "brain", "egress"]
Tier = Literal["short", "full", "redis"]


class Step(enum.StrEnum):
    """When a fault begins, in the life of the call that is looked at."""

    CLAIM = "claim"
    """The process is in the step that makes the call its own (ingress: in ATTACH)."""
    OPENING = "opening"
    """The model's session has been asked for and is not there."""
    GREETING = "greeting"
    """One second into it."""
    CALLER = "caller speaks"
    """In the middle of what they say."""
    MODEL = "model speaks"
    """One second into the answer."""
    TOOL = "tool runs"
    TRANSFER = "transfer pending"
    """The model has asked for it; the caller is told, or the other number rings."""
    FAREWELL = "farewell"
    """The last words are being heard."""


class Story(enum.StrEnum):
    """What the calls of a row are about."""

    TWO_TURNS = "two turns"
    INTERRUPTS = "the answer is interrupted"
    TOOL = "a tool, then a turn"
    TRANSFER = "a transfer that nobody takes"
    FAREWELL = "goodbye"


@dataclass(frozen=True, slots=True)
class Nothing:
    """No fault: what is measured is measured here too."""


@dataclass(frozen=True, slots=True)
class Killed:
    """SIGKILL."""

    role: Role


@dataclass(frozen=True, slots=True)
class Stopped:
    """SIGSTOP, and SIGCONT after a while, if the watchdog has left anything of it."""

    role: Role
    lasts_s: float


@dataclass(frozen=True, slots=True)
class GroupRestarted:
    """`supervisorctl restart role:`: all stop, then all start."""

    role: Role


@dataclass(frozen=True, slots=True)
class Rolled:
    """`trunkline roll`: one after another."""

    role: Role | Literal[""] = ""
    """Empty: everything."""


@dataclass(frozen=True, slots=True)
class Soaked:
    """A process is killed or stopped every few seconds, by a seed, while calls come and go."""

    lasts_s: float
    every_s: float


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The only ingress is killed, its callers hang up meanwhile, and Twilio never says so to anybody."""


@dataclass(frozen=True, slots=True)
class HostLost:
    """The link of the second host is down for a while: nothing is closed, nothing arrives. That host has one
    process of the role."""

    role: Role
    lasts_s: float


class RedisIs(enum.StrEnum):
    """What becomes of Redis."""

    RESTARTED = "killed, back empty"
    EMPTIED = "emptied (FLUSHALL)"
    FROZEN = "frozen (SIGSTOP)"
    SLOW = "slow: it answers nobody for 200 ms of each 400 (CLIENT PAUSE)"
    FULL = "full (OOM)"
    READ_ONLY = "a replica all at once (READONLY)"
    WITHOUT_REPLICAS = "short of replicas (NOREPLICAS)"
    BUSY = "busy with somebody's script (BUSY)"
    FORGETFUL = "without its scripts (SCRIPT FLUSH)"
    CUT = "cut off from everybody, twice a second (CLIENT KILL)"
    DELETED = "without the streams between the processes (DEL)"


@dataclass(frozen=True, slots=True)
class RedisFault:
    """Redis, for all calls."""

    kind: RedisIs
    lasts_s: float = 0.0


class Profile(enum.StrEnum):
    """Which Redis a row has for itself (shapes/)."""

    VALKEY = "one Valkey"
    REDIS7 = "one Redis 7"
    SENTINEL = "Sentinel: a master, two replicas"
    CLUSTER = "Cluster: three masters, three replicas"
    FAR = "one Valkey, on a host of its own"
    CLOCK = "one Valkey, with a clock of its own"
    PARTED = "Sentinel: the replicas and most Sentinels on another host"


class ServersAre(enum.StrEnum):
    """What becomes of the server that has the call which is looked at."""

    WELL = "nothing is wrong"
    KILLED = "the master is killed, and another takes over"
    LOSING = "the master is killed, and another takes over that lacks the last writes"
    HANDED_OVER = "the master is told to hand over to another"
    MOVED = "all slots of a master that are in use go to another one, key by key"
    FROZEN = "the server is frozen (SIGSTOP)"
    FULL = "the server is full (OOM)"
    WITHOUT_DISK = "the server has no disk (MISCONF)"
    WITHOUT_REPLICAS = "the server is short of replicas (NOREPLICAS)"
    READ_ONLY = "the server is a replica all at once (READONLY)"
    RESTARTED = "the server is killed, and back empty"
    RESTARTED_WHOLE = "the server is killed, and back with all that it had (append-only file)"
    RESTARTED_OLDER = "the server is killed, and back with what it had 5 s before (snapshot)"
    UNREACHED = "no packet reaches the server, nothing is closed"
    PARTED = "the master is cut off from its replicas and most Sentinels, not from us"
    AHEAD = "the clock of the server leaps ahead by 60 s, and back"
    BEHIND = "the clock of the server leaps back by 240 s, and forward again"


@dataclass(frozen=True, slots=True)
class ServerFault:
    """A server of a row's own Redis: for the calls that it has, which are all where it is the only master."""

    kind: ServersAre
    lasts_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelRefuses:
    """All sessions are lost, and connections are refused for a while."""

    lasts_s: float


@dataclass(frozen=True, slots=True)
class ModelLost:
    """The session of one call is closed by the model."""

    code: int
    """1006: the connection goes without a word."""


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """What the first answer to one caller is like."""

    knobs: ResponseKnobs


@dataclass(frozen=True, slots=True)
class ModelSession:
    """What the first session of one call is like: knobs by name."""

    knobs: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Delayed:
    """Each packet between Twilio and the bridge comes later by so much, each way, for a while."""

    by_ms: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Line:
    """What Twilio does with the first stream of one call."""

    knobs: LineKnobs


OfTheOutside = ModelLost | ModelRefuses | RedisFault | ServerFault | HostLost | Delayed
"""Faults of what is no process of ours, at a step of a call (outside.py)."""

OfOneCall = ModelLost | ModelAnswers | ModelSession | Line
"""Faults that no other call may notice: such rows are played side by side."""

Fault = (
    Nothing
    | Killed
    | Stopped
    | GroupRestarted
    | Rolled
    | Soaked
    | Abandoned
    | HostLost
    | RedisFault
    | ServerFault
    | ModelRefuses
    | Delayed
    | OfOneCall
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault at one step."""

    name: str
    text: str
    """What is done, for the table."""
    fault: Fault
    step: Step
    bounds: Bounds
    calls: int
    only: Role | None = None
    """The role of which there is one process; None: two of each."""
    far: Role | None = None
    """The role that has one of its two processes on a second host; None: there is no second host."""
    profile: Profile | None = None
    """The Redis that it has for itself; None: the one that comes with the processes."""
    base_line_s: float = 30.0
    """How long it may take until nothing is left of it."""
    tier: Tier = "full"
    alone_ms: float = 0.0
    """So long nobody is there who could say a word: its callers bear that."""

    @property
    def story(self) -> Story:
        """What its calls are about."""
        return _STORIES.get(self.step, Story.TWO_TURNS)

    @property
    def is_outlasted(self) -> bool:
        """Whether callers go on until the fault is over."""
        return isinstance(self.fault, Rolled | GroupRestarted) or self.lasts_s is not None

    @property
    def lasts_s(self) -> float | None:
        """How long its fault lasts; None: it does not say."""
        match self.fault:
            case Soaked(lasts_s, _) | ModelRefuses(lasts_s):
                return lasts_s
            case HostLost(_, lasts_s) | RedisFault(_, lasts_s) | ServerFault(_, lasts_s):
                return lasts_s
            case Delayed(_, lasts_s):
                return lasts_s
            case _:
                return None

    @property
    def is_of_one_call(self) -> bool:
        """Whether nobody but one call may notice."""
        return isinstance(self.fault, OfOneCall)

    @property
    def turns(self) -> int:
        """How often its callers speak at least: behind the fault there is one more answer to be heard."""
        return 2 if self.step is Step.MODEL else 1

    @property
    def role(self) -> Role | None:
        """The role that is hit; None where that is all of them or nobody."""
        match self.fault:
            case Killed(role) | Stopped(role, _) | GroupRestarted(role) | HostLost(role, _):
                return role
            case Rolled(role):
                return role or None
            case Abandoned():
                return "ingress"
            case _:
                return None


# Private.

_STORIES = {
    Step.CALLER: Story.INTERRUPTS,
    Step.TOOL: Story.TOOL,
    Step.TRANSFER: Story.TRANSFER,
    Step.FAREWELL: Story.FAREWELL,
}
