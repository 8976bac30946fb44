"""What was recorded of a row, as plain data: the calls, the ear, the model, the tool, what was left.

Why it exists: what is judged must be what was written down, so that a verdict can be looked at again without
the run. Owns: the shapes, and their form in a file. Pure. Must not know: how anything was recorded, or what
is allowed. Times are milliseconds of one monotonic clock, that of the host on which the row was played.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson
from pydantic import TypeAdapter

from proofs.prove.listening.spans import Span


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of the model at the caller's ear, or arriving there."""

    at_ms: float
    session: int
    response: int
    item: int
    frame: int
    call: int
    """The number of the call that the frame was made for."""
    clip: int = 0
    """Which words it stands for."""
    ms: float = 20.0
    """How much of it was played."""

    @property
    def response_key(self) -> tuple[int, int]:
        """Session and response: no two responses of a row have the same."""
        return self.session, self.response


@dataclass(frozen=True, slots=True)
class OtherSound:
    """What was heard besides the model's frames."""

    kind: str
    """`clip`: our own; `apology`: Twilio's voice; `ringing`: a number that it dials; `unknown`: nobody's."""
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something that the caller said."""

    number: int
    """Stands in its frames as their response."""
    started_ms: float
    voice: Span
    """From the first to the last frame that was spoken."""
    frames: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One media stream. Times are None where it never came to that."""

    open_ms: float | None
    ended_ms: float | None
    end: str
    carries_ms: float | None = None
    """When the first of the caller's media left on it: some time after it was opened, at Twilio's
    pleasure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a response, as the model made it."""

    index: int
    frames: int
    cut_ms: float | None = None
    """When the bridge truncated or deleted it."""
    clip: int = 0
    """Which words it stands for, as in its frames; 0: it had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response of the model."""

    number: int
    response_id: str
    reason: str
    created_ms: float
    done_ms: float | None
    status: str
    items: list[Item] = field(default_factory=list)
    first_audio_ms: float | None = None
    """When the model had thought, and sent its first sound; None: it never came to that."""

    @property
    def is_complete(self) -> bool:
        """Whether it came to its end of its own accord."""
        return self.status == "completed"

    @property
    def cut_ms(self) -> float | None:
        """When it was cut: by a cancel, or by the first truncation of an item; None: it was not."""
        cuts = [item.cut_ms for item in self.items if item.cut_ms is not None]
        if self.status == "cancelled" and self.done_ms is not None:
            cuts.append(self.done_ms)
        return min(cuts, default=None)


@dataclass(frozen=True, slots=True)
class Got:
    """20 ms of the caller, as the model got them."""

    at_ms: float
    call: int
    said: int
    frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of the model."""

    number: int
    opened_ms: float
    opening_ms: float
    """From the request to the upgrade."""
    closed_ms: float | None
    responses: list[Response] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRun:
    """The tool was run: it says so itself."""

    at_ms: float
    call_sid: str
    call_id: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a row."""

    number: int
    call_sid: str
    is_hit: bool
    """Whether the process that was hit had it."""
    answered_ms: float | None
    ended_ms: float
    ended: str
    is_finished: bool
    """Whether the caller came to the end of what they wanted to say."""
    heard: list[Frame] = field(default_factory=list)
    arrived: list[Frame] = field(default_factory=list)
    other: list[OtherSound] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    clears_ms: list[float] = field(default_factory=list)
    lateness_ms: list[float] = field(default_factory=list)
    """Of each media message: arrival minus the moment at which it was due to be heard; 0: the first of a
    spurt (simulators/twilio/measures.py). Less what the simulators were late with it themselves."""
    simulator_late_ms: float = 0.0
    owners: dict[str, list[str]] = field(default_factory=dict)
    """Role → the workers that had it, each once, as they were seen."""


@dataclass(frozen=True, slots=True)
class Length:
    """What XLEN said of a call's queues."""

    at_ms: float
    call_sid: str
    caller: int
    reply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What there is, in Redis, in the processes and at the model."""

    keys: dict[str, int] = field(default_factory=dict)
    """By kind."""
    fds: dict[str, int] = field(default_factory=dict)
    """By process, as are the others."""
    tasks: dict[str, int] = field(default_factory=dict)
    rss_bytes: dict[str, int] = field(default_factory=dict)
    sessions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A row, as it was recorded."""

    row: str
    seed: int
    problem: str = ""
    """Why nothing is shown by it."""
    faults_ms: list[float] = field(default_factory=list)
    back_ms: float | None = None
    """When all processes were ready again."""
    network_ms: float = 0.0
    """One way between Twilio and the bridge."""
    calls: list[Call] = field(default_factory=list)
    tool_runs: list[ToolRun] = field(default_factory=list)
    lengths: list[Length] = field(default_factory=list)
    before: Census = field(default_factory=Census)
    after: Census = field(default_factory=Census)


_EVIDENCE: Final = TypeAdapter(Evidence)


def dumped(evidence: Evidence) -> bytes:
    """Its form in a file."""
    return orjson.dumps(evidence)


def loaded(data: bytes) -> Evidence:
    """From a file. Raises ValueError for what is no such file."""
    return _EVIDENCE.validate_json(data)
