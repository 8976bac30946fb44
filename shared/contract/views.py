"""What each reader sees of the card.

Why it exists: the card has many readers, and each of them a few of its fields; a view names them, so that a
field that its writer renames is missed at once. Owns: the views. Pure. Must not know: who writes a field and
what it means (card.py, scripted.py).

A view is frozen: what the card said at that moment. `X | None`: its writer may not have come to it yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contract.card import CallState, Next, TapeState
from shared.contract.record import named


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
    claims: int = named("brain_claims")
    restored_at_ms: int | None
    """Redis had lost the call, and ingress has written it again."""
    control_pos: str | None = named("control_pos_brain")
    next: Next
    next_arg: str
    next_language: str | None
    cause: str | None
    """Of the plan, if there is one."""
    pending: Next | None
    pending_arg: str | None
    pending_call: str | None
    pending_leg: int | None
    pending_said: bool | None
    playhead_item: str | None
    playhead_ms: int | None
    audible_response: str | None
    """What the caller hears, by egress's last word."""
    context: str | None
    """What is known of the call; None: nobody has found it out yet."""
    usage: str | None
    """What a brain before this one has counted."""
    response_ms: int | None
    """What its last answer took."""
    tape: TapeState | None
    """As a brain before this one left it."""
    taped_from_ms: int | None
    listen_until_ms: int | None


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
    base_leg: int | None
    ear_behind_ms: int | None
    stream_end: str | None
    """How far the last stream came that is gone: a StreamEnd."""
    claims: int = named("egress_claims")
    control_pos: str | None = named("control_pos_egress")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeView:
    """Ingress, when Twilio asks what comes next."""

    state: CallState
    next: Next
    next_arg: str
    next_language: str | None
    """Of the words in it; None: the agent's, or an older brain."""
    resumes: int
    agent: str
    fallback: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderView:
    """Ingress, of a call whose ingress died: who held its socket."""

    state: CallState
    leg: int
    stream_sid: str
    token_expires_s: int | None
    ingress: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Who has the call now."""

    state: CallState
    ingress: str
    brain: str
    brain_epoch: int
    egress: str
    egress_epoch: int


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
    usage: str | None
    cost_micros: int | None
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
    phase: str | None
    """A TalkPhase; newer versions may know others."""
    phase_at_ms: int | None
    response_ms: int | None
    usage: str | None
    cost_micros: int | None
    cause: str | None
    ear_behind_ms: int | None


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
    cost_micros: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptView:
    """The archive: a call that is over, as it is kept for days."""

    state: CallState
    started_at_ms: int
    ended_at_ms: int | None
    from_number: str = named("from")
    to_number: str = named("to")
    caller_tag: str | None
    agent: str
    outcome: str | None
    cause: str | None
    owed_ms: int | None
    owed_cause: str | None
    response_ms: int | None
    usage: str | None
    cost_micros: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TapedView:
    """The recorder: whose sound it is, and whether more may come."""

    state: CallState
    started_at_ms: int
    ended_at_ms: int | None
    from_number: str = named("from")
    to_number: str = named("to")
    caller_tag: str | None
    agent: str
    outcome: str | None
    taped_from_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAwayView:
    """Whoever turns a call away, from the answer to its CLAIM: how its stream is closed."""

    leg: int
    ingress: str
    brain_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JanitorView:
    """Ingress, once a round: who has a call. Whatever stands there is read: nobody else would tidy it up."""

    state: str | None
    leg: str | None
    stream_sid: str | None
    ingress: str | None
    brain: str | None
    egress: str | None
    plan: str | None = named("next")
    deadline_leg: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsView:
    """The console: how often a call has changed hands, and how it ends if nobody comes back."""

    brain_claims: str | None
    egress_claims: str | None
    deadline_outcome: str | None


READERS: tuple[type, ...] = (
    BrainView, EgressView, TurnedAwayView, ResumeView, HolderView, Owners, WindowsView, PlayheadView,
    StoryView, PeopleView, SpokenView, EndedView, KeptView, TapedView, JanitorView, HandsView,
)  # fmt: skip
