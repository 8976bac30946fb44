"""The card: the hash of a call, the only truth about its state. Who writes what of it.

Why it exists: some sixty fields are written by scripts and three roles, and read by all. Each writer has a
record of what it writes, each reader a view of what it reads (views.py); nobody else names a field. Owns:
the fields, their writers, their meaning. Pure. Must not know: how the card is read or written, when.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import astuple, dataclass

from shared.contract import record
from shared.contract.entry import whole


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


NOBODY = "none"
"""Stands in the place of a fallback number where nobody is to be dialled: a caller who was refused is not
connected with a person."""


class TalkPhase(enum.StrEnum):
    """What a conversation is at, for people."""

    LISTENING = "listening"
    """The caller speaks, or nobody does."""
    THINKING = "thinking"
    """An answer is owed, and nothing of it is heard yet."""
    SPEAKING = "speaking"
    """The caller hears the model."""
    TOOL = "tool"
    """A tool runs."""
    HOLD = "hold"
    """The caller has asked for a moment."""
    MOVING = "moving"
    """The caller has no stream: they were sent away, or their stream is lost."""


class TapeState(enum.StrEnum):
    """Whether a call is recorded."""

    NO = ""
    ANNOUNCING = "announcing"
    """It will be, once the caller has heard so."""
    ON = "on"
    PAUSED = "paused"
    """Nothing of it is kept or listened to for now: somebody asked for that."""


TONES_MOST = 32
"""Of one plan, pauses among them. Each takes up to a second (`W`), and the caller hears them without a
stream: so long a call waits for the next one."""

# What is written. The scripts write the rest: scripted.py.


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChosen:
    """Brain, when it takes a call, and when another agent goes on with it."""

    agent: str
    """The name of the one that answers."""
    profile: str
    """The agent's snapshot as JSON, without secrets."""
    fallback: str
    """The agent's own fallback number; `none`: nobody is dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """Brain, once it is known who calls."""

    context: str
    """What is known of the call, as JSON: what the user's system said, what its number carries. It may name
    a person: it goes into no log."""


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
    next_language: str = ""
    """The language of the words, where it is not the agent's; empty: it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainPending:
    """Brain, when what it says is to be followed by a hang-up or a move, and when it is not any more."""

    pending: Next
    """What is to follow; empty: nothing."""
    pending_arg: str
    """The number or the digits; of a hang-up its cause."""
    pending_call: str
    """The tool call that asked for a move, and waits for what becomes of it."""
    pending_leg: int
    """The stream from which the caller was sent away; 0: they were not yet."""
    pending_said: bool
    """All of the farewell stands in `reply`: where nothing of it is there any more, it was heard."""


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
class BrainServed:
    """Brain, when it has served the call for ten seconds."""

    brain_attempts: int
    """0: it is not the call that ends its owners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainUsed:
    """Brain, when a response or a transcript has said what it used."""

    usage: str
    """What the call has used of each model so far: a list of ModelUsage as JSON."""
    cost_micros: int | None
    """What that costs by the price table, in millionths of its currency; empty: a model is not in the
    table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainPhase:
    """Brain, twice a second at most, where it has changed."""

    phase: TalkPhase
    """What the conversation is at: a TalkPhase."""
    phase_at_ms: int
    """Since when; wall time."""
    response_ms: int | None
    """The last answer: from the end of the caller's voice to its first audio; empty: none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerTagged:
    """Brain, when it takes a call whose caller's number it knows."""

    caller_tag: str
    """A keyed hash of the number: all calls of one caller have the same, and nobody reads it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainRecording:
    """Brain, of an agent whose calls are recorded, when that changes."""

    tape: TapeState
    """A TapeState; empty: it is not recorded."""
    taped_from_ms: int | None
    """Since when, by the brain's clock: the announcement was heard whole; empty: it was not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainListened:
    """Brain, when somebody asks to listen, and goes on to."""

    listen_until_ms: int
    """Until then, wall time, both sides of the call are written for a listener; 0: they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressServed:
    """Egress, likewise."""

    egress_attempts: int
    """As `brain_attempts`."""


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
    """The number before that of frame `base_frame` of `base_item`: `reply` is numbered from there."""
    base_leg: int
    """The stream on which these numbers were sent: what another one forwarded says nothing of them."""
    ear_behind_ms: int
    """By how much the caller's ear is later than what is given to the socket, by the last echo."""
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
    """Frames sent more than 30 ms behind their due time: Twilio held less than 250 ms."""
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


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How far a media stream came that is gone, and to which something was given. Its ingress leaves word of
    it with DETACH, for who owns egress's role next: nobody can ask it any more."""

    leg: int
    """Its number: what is told of another stream says nothing of this one."""
    n: int
    """The last frame that was given to its socket."""
    playing_ms: int
    """How long what was given would still have played when the carrier spoke last."""
    way_ms: int
    """To the carrier and back: what was given so shortly before may not have come to it. 0: not known."""
    cut: int
    """The highest that this ingress had seen."""

    def word(self) -> str:
        """As it stands on the card."""
        return " ".join(str(part) for part in astuple(self))


def read_stream_end(word: str) -> StreamEnd | None:
    """None for what is no such word: without it a moment is heard twice, and no call is refused for that."""
    parts = [whole(part) for part in word.split(" ")]
    known = [part for part in parts if part is not None]
    return StreamEnd(*known) if len(known) == len(parts) == 5 else None


WRITERS: tuple[type, ...] = (
    AgentChosen, CallContext, SessionOpened, CutRaised, Plan, BrainPending, BrainTold, BrainControl,
    BrainServed, BrainUsed, BrainPhase, CallerTagged, BrainRecording, BrainListened,
    EgressServed, EgressControl, EgressFigures, WindowJudged, IngressFigures,
)  # fmt: skip


def counters(found: Mapping[str, str]) -> dict[str, int]:
    """What is counted on a card, for people: the fields that begin with `n_`, those that were written yet."""
    counted = (name for kind in WRITERS for name in record.names(kind) if name.startswith("n_"))
    return {name: int(found[name]) for name in counted if whole(found.get(name, "")) is not None}
