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


class CallState(enum.StrEnum):
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


TONES_MOST = 32
"""Of one plan, pauses among them. Each takes up to a second (`W`), and the caller hears them without a
stream: so long a call waits for the next one."""

# What is written. The scripts write the rest: SCRIPTED below.


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChosen:
    """Brain, when it takes a call."""

    agent: str
    """The name of the one that answers."""
    profile: str
    """The agent's snapshot as JSON, without secrets."""
    fallback: str
    """The agent's own fallback number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """Brain, at each session with the model."""

    session_id: str
    """The model's id of the session."""
    session_expires_at_ms: int
    """When the model ends it; wall time, 0 = not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRaised:
    """Brain, at each flush."""

    cut: int
    """The number of the present reply: what has a lower one is void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Brain, when the stream is to be closed; ingress, for an apology of its own."""

    next: Next
    """What `/voice/resume` is to do, once; empty: open a stream."""
    next_arg: str
    """The number, the digits, or the words of the apology."""
    cause: str
    """Why it is to be closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainTold:
    """Brain, every window."""

    w_brain: str
    """A BrainWindow as JSON: how the model keeps up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainControl:
    """Brain, when it has read on."""

    control_pos_brain: str
    """How far it has read `control`: the last message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressControl:
    """Egress, when it has read on."""

    control_pos_egress: str
    """How far it has read `control`: the last message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressFigures:
    """Egress, once a second where something changed: where a next owner goes on, what was heard."""

    frame_n: int
    """The last frame number used."""
    base_cut: int
    """The cut in which the next three count."""
    base_item: str
    """The item at which a next owner goes on; empty: none."""
    base_frame: int
    """The frame of it, on the item's own grid."""
    base_n: int
    """Frame `base_frame` of `base_item` had the number `base_n`: `reply` is numbered from there."""
    playhead_item: str
    """The item that plays or plays next; empty: none."""
    playhead_ms: int
    """How much of it was heard."""
    audible_response: str
    """The response that the caller hears; empty: none. The AI is speaking."""
    tx_q_ms: int
    """Audio that egress holds and has not sent."""
    mark_overdue_ms: int
    """How late the oldest mark under way is."""
    n_frames: int
    """Frames sent."""
    n_late: int
    """Frames sent more than 10 ms behind their due time."""
    n_underruns: int
    """Times that frames were late although audio was there."""
    n_starved: int
    """Times that the reply ran dry inside an item."""
    n_stops: int
    """Times that ingress confirmed nothing for longer than the lead."""
    n_flushes: int
    """Interruptions."""
    n_marks_lost: int
    """Marks that did not come back in time."""
    n_dropped: int
    """Entries of a lower cut or of an older brain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowJudged:
    """Egress, every window."""

    verdict: str
    """Whose fault it is: a word of shared/figures/diagnosis.py."""
    pipeline: str
    """PipelineFigures as JSON: what the verdict was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressFigures:
    """Ingress, every window."""

    w_ingress: str
    """An IngressWindow as JSON: how the carrier takes what it is given."""
    n_caller_frames: int
    """Frames that the caller sent, in this stream."""
    n_forwarded: int
    """The number of the last frame that was given to the socket."""
    unsent_bytes: int
    """Bytes that the carrier's host has not acknowledged."""
    owed_ms: int
    """Silence that the caller hears while sound is owed, as it stands; 0: none is owed."""
    owed_cause: str
    """What for; empty: nothing."""


WRITERS: tuple[type, ...] = (
    AgentChosen, SessionOpened, CutRaised, Plan, BrainTold, BrainControl, EgressControl,
    EgressFigures, WindowJudged, IngressFigures,
)  # fmt: skip

SCRIPTED: Mapping[str, str] = {
    "v": "ATTACH, RESTORE: the version of the card's layout: 1",
    "state": "ATTACH, DETACH, END, RESTORE: how the call stands: attached, detached or ended",
    "leg": "ATTACH, RESTORE: the number of the newest media stream",
    "stream_sid": "ATTACH, RESTORE: the carrier's id of that stream",
    "ingress": "ATTACH, RESTORE: the worker that holds its socket, or held it last",
    "attached_at_ms": "ATTACH, RESTORE: when it was opened; wall time",
    "started_at_ms": "ATTACH, RESTORE: when the first one was; wall time",
    "resumes": "ATTACH, RESTORE: media streams after the first one: there is a limit",
    "from": "ATTACH, RESTORE: the caller's number, masked unless a setting says otherwise",
    "to": "ATTACH, RESTORE: the called number, masked likewise",
    "called": "ATTACH, RESTORE: the called number in full: it is ours, and chooses the agent",
    "agent": "ATTACH, RESTORE: the agent that the webhook asked for, if it asked",
    "brain": "ATTACH, CLAIM, RELEASE, RESTORE: the worker that has the role; empty: nobody",
    "brain_epoch": "ATTACH, CLAIM, RESTORE: how often the role was claimed: the fence of its owner's writes",
    "egress": "ATTACH, CLAIM, RELEASE, RESTORE: as `brain`",
    "egress_epoch": "ATTACH, CLAIM, RESTORE: as `brain_epoch`",
    "cut": "ATTACH, RESTORE: 0, or what ingress had seen",
    "frame_n": "ATTACH, RESTORE: 0, or what ingress had forwarded",
    "next": "ATTACH, RESTORE: emptied: a stream that is open has no plan",
    "next_arg": "ATTACH, RESTORE: emptied likewise",
    "attempts": "ATTACH, RESTORE: 0, or as ingress had seen it: reserved for counting owners that failed",
    "cause": "END: why it could not be served, of a call that a webhook had to give up by itself",
    "outcome": "END: how the call ended, in the first comer's word",
    "ended_at_ms": "END: when; wall time",
}
"""Fields that the scripts write, as `script(s): meaning`; tests/shared/contract/test_card.py compares them
with the scripts, and docs/design.md shows them."""


# What is read.


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainView:
    """Brain, from the answer to its CLAIM."""

    state: CallState
    leg: int
    ingress: str
    cut: int
    agent: str
    """The one that was asked for, or the one that a brain before this one chose."""
    caller: str = named("from")
    called: str
    """The called number in full: ours, not a person's; it chooses the agent."""
    started_at_ms: int
    frame_n: int
    """Above 0: the caller has heard something of us."""
    control_pos: str | None = named("control_pos_brain")


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressView:
    """Egress, from the answer to its CLAIM."""

    state: CallState
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

    state: CallState
    next: Next
    next_arg: str
    resumes: int
    agent: str
    fallback: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Who has the call now."""

    state: CallState
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

    state: CallState
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

    state: CallState
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
    owed_ms: int | None
    owed_cause: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenView:
    """The console: when those who have a call spoke of it last."""

    attached_at_ms: int
    w_brain: str | None
    w_ingress: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedView:
    """The console: a call that is over, in the list of those."""

    state: CallState
    started_at_ms: int
    ended_at_ms: int | None
    from_number: str = named("from")
    to_number: str = named("to")
    agent: str
    outcome: str | None
    cause: str | None
    owed_ms: int | None
    owed_cause: str | None


READERS: tuple[type, ...] = (
    BrainView, EgressView, ResumeView, Owners, WindowsView, PlayheadView, StoryView, PeopleView, SpokenView,
    EndedView,
)  # fmt: skip


def counters(found: Mapping[str, str]) -> dict[str, int]:
    """What is counted on a card, for people: the fields that begin with `n_`, those that were written yet."""
    counted = [name for name in _counter_names() if found.get(name, "").isdigit()]
    return {name: int(found[name]) for name in counted}


# Private.


def _counter_names() -> Iterable[str]:
    return (name for kind in WRITERS for name in record.names(kind) if name.startswith("n_"))
