"""The card: the hash of a call, the only truth about its state. Who writes what of it, and who sees what.

Why it exists: some sixty fields are written by twelve scripts and three roles, and read by all. Each writer
has a record of what it writes, each reader a view of what it reads; nobody else names a field. Owns: the
fields, their writers, their meaning. Pure. Must not know: how the card is read or written, when.

A view is frozen: what the card said at that moment. In a view, `X | None` is a field whose writer may not
have come to it yet. Worker names are empty where nobody has the role.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.contract import record
from shared.contract.record import named


class State(enum.StrEnum):
    """How a call stands."""

    ATTACHED = "attached"
    """A media stream is open, or was when ingress last spoke."""
    DETACHED = "detached"
    """Its stream is gone; another may come."""
    ENDED = "ended"


class Next(enum.StrEnum):
    """What is planned once the stream is closed: `/voice/resume` does it."""

    NOTHING = ""
    APOLOGY = "apology"
    """Twilio's voice says the argument and the call ends; a fallback number is dialled if there is one."""
    HANG_UP = "hangup"
    DIAL = "dial"
    """The number in the argument; busy or no answer: the conversation goes on."""
    DIGITS = "digits"
    """Keypad tones, then a stream again."""


# What is written. The scripts write the rest; ORIGIN below says which.


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChosen:
    """Brain, when it takes a call."""

    agent: str
    profile: str
    """The agent's snapshot as JSON, without secrets."""
    fallback: str
    """The agent's own fallback number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """Brain, at each session with the model. `session_expires_at_ms`: wall time; 0 = not known."""

    session_id: str
    session_expires_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRaised:
    """Brain, at each flush."""

    cut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Brain, when the stream is to be closed; ingress, for an apology of its own."""

    next: Next
    next_arg: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainTold:
    """Brain, every window: a BrainWindow."""

    w_brain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerRead:
    """Brain, with each trim of `caller`: the last entry that the model has got."""

    caller_pos: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainControl:
    """Brain: how far it has read `control`."""

    control_pos_brain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressControl:
    """Egress: how far it has read `control`."""

    control_pos_egress: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressFigures:
    """Egress, once a second where something changed: where a next owner goes on, what was heard, counters."""

    frame_n: int
    """The last frame number used."""
    base_cut: int
    base_item: str
    base_frame: int
    base_n: int
    """Frame `base_frame` of `base_item` had the number `base_n`: `reply` is numbered from there."""
    playhead_item: str
    playhead_ms: int
    audible_response: str
    tx_q_ms: int
    mark_overdue_ms: int
    n_frames: int
    n_late: int
    n_underruns: int
    n_starved: int
    n_stops: int
    n_flushes: int
    n_marks_lost: int
    n_dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowJudged:
    """Egress, every window. `pipeline`: PipelineFigures."""

    verdict: str
    pipeline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressFigures:
    """Ingress, every window: an IngressWindow, counters."""

    w_ingress: str
    n_caller_frames: int
    n_forwarded: int
    unsent_bytes: int


WRITERS: tuple[type, ...] = (
    AgentChosen, SessionOpened, CutRaised, Plan, BrainTold, CallerRead, BrainControl, EgressControl,
    EgressFigures, WindowJudged, IngressFigures,
)  # fmt: skip

SCRIPTED = (
    "v", "state", "leg", "stream_sid", "ingress", "attached_at_ms", "started_at_ms", "resumes", "from", "to",
    "called", "agent", "brain", "brain_epoch", "egress", "egress_epoch", "cut", "frame_n", "next", "next_arg",
    "attempts", "outcome", "ended_at_ms", "caller_pos",
)  # fmt: skip
"""Fields that the scripts write; tests/shared/contract/test_card.py compares them with the scripts."""


# What is read.


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainView:
    """Brain, from the answer to its CLAIM."""

    state: State
    leg: int
    ingress: str
    cut: int
    agent: str
    """The one that was asked for, or the one that a brain before this one chose."""
    caller: str = named("from")
    called: str
    """The called number in full: ours, not a person's; it chooses the agent."""
    started_at_ms: int
    control_pos: str | None = named("control_pos_brain")


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressView:
    """Egress, from the answer to its CLAIM."""

    state: State
    leg: int
    ingress: str
    cut: int
    frame_n: int
    base_cut: int | None
    base_item: str | None
    base_frame: int | None
    base_n: int | None
    control_pos: str | None = named("control_pos_egress")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeView:
    """Ingress, when Twilio asks what comes next."""

    state: State
    next: Next
    next_arg: str
    resumes: int
    agent: str
    fallback: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Who has the call now."""

    state: State
    ingress: str
    brain: str
    brain_epoch: int
    egress: str
    egress_epoch: int

    def of(self, role: str) -> tuple[str, int]:
        """The owner of `role` (empty: nobody) and its epoch."""
        return {"brain": (self.brain, self.brain_epoch), "egress": (self.egress, self.egress_epoch)}[role]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsView:
    """Egress, once a window: what the others said."""

    state: State
    brain: str
    ingress: str
    w_brain: str | None
    w_ingress: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayheadView:
    """Brain, after an interruption: where playing stood."""

    item_id: str | None = named("playhead_item")
    heard_ms: int | None = named("playhead_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """The courier, of what the user's systems are told: a call from its start, maybe to its end."""

    agent: str
    caller: str = named("from")
    called_masked: str = named("to")
    called: str
    started_at_ms: int
    ended_at_ms: int | None
    outcome: str | None
    cause: str | None
    resumes: int
    leg: int
    playhead_item: str | None
    playhead_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleView:
    """The console: what people are shown of a call."""

    state: State
    started_at_ms: int
    ended_at_ms: int | None
    outcome: str | None
    from_number: str = named("from")
    to_number: str = named("to")
    agent: str
    leg: int
    ingress: str
    brain: str
    egress: str
    audible_response: str | None
    tx_q_ms: int | None
    verdict: str | None
    pipeline: str | None


READERS: tuple[type, ...] = (
    BrainView, EgressView, ResumeView, Owners, WindowsView, PlayheadView, StoryView, PeopleView,
)  # fmt: skip


def counters(found: Mapping[str, str]) -> dict[str, int]:
    """What is counted on a card, for people: the fields that begin with `n_`, those that were written yet."""
    counted = [name for name in _counter_names() if found.get(name, "").isdigit()]
    return {name: int(found[name]) for name in counted}


# Private.


def _counter_names() -> Iterable[str]:
    return (name for kind in WRITERS for name in record.names(kind) if name.startswith("n_"))
