"""The whole state of a sequencer, declared, with the small questions everyone asks of it.

Why it exists: a rule that may read and write only declared fields can be walked, pickled and compared.

Owns: the records and their bounds. Must not know: the rules; they are functions in the sibling modules,
and `transitions` says which of them answers which input in which state.

Booleans: a field has a bare word (`done`, `speaking`); a property or function that works its answer out is
called `is_…` or `has_…`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from brain.sequencer.actions import Action, Journal
from brain.sequencer.config import SequencerConfig
from brain.sequencer.debts import Debts
from brain.sequencer.doubt import VoiceInDoubt
from brain.sequencer.id_memory import IdMemory
from brain.sequencer.inputs import NoticeReady, ToolFinished
from brain.sequencer.wishes import ANSWERS_CONVERSATION, Reason, Wish
from shared.audio import BYTES_PER_MS
from shared.contract.streams.journal import Kind


class SlotState(enum.StrEnum):
    """The pair (active response, outstanding create) in one word, and the two ends of a session."""

    CLOSED = "closed"
    """No confirmed session: before the first one, or after one was lost."""
    FREE = "free"
    REQUESTED = "requested"
    GENERATING = "generating"
    GENERATING_AND_REQUESTED = "generating_and_requested"
    """A response that is not ours took the slot while our create was on its way."""
    CANCELLING = "cancelling"
    CANCELLING_AND_REQUESTED = "cancelling_and_requested"
    ENDED = "ended"
    """Hung up: nothing moves any more."""


class Phase(enum.Enum):
    """Of the call, by its sessions."""

    CLOSED = enum.auto()
    OPEN = enum.auto()
    ENDED = enum.auto()


@dataclass(slots=True)
class Create:
    """A `response.create` sent and not yet answered. `wish` is None once nobody wants it any more: should
    it be created after all, it is cancelled then."""

    token: str
    reason: Reason
    wish: Wish | None
    deadline_ms: float


@dataclass(slots=True)
class Response:
    """One response of the model, from its `created` (or first delta) until it is done and heard."""

    response_id: str
    deadline_ms: float
    """While it holds the slot: silent for ever, or, once cancelling, its `done` is missing."""
    confirmed: bool
    """False: adopted from a delta, so we cannot tell yet whose it is."""
    wish: Wish | None = None
    reason: Reason | None = None
    """Ours; None = server-made or not known."""
    cancel_event_id: str = ""
    cancelling: bool = False
    done: bool = False
    full: bool = False
    """The bound of `reply` was reached: the rest of it is not admitted."""
    spoke: bool = False
    """Audio of it was admitted."""
    sounded: bool = False
    """And some of it was no silence."""
    protected: bool = False
    """The caller may not cut it."""
    debt: int = 0
    """It answers all debts up to this one."""
    called_tools: bool = False
    """What it says may be all in the answer to its tools."""
    cancel_refused: bool = False
    """The server said that it was not active any more."""
    open_items: set[str] = field(default_factory=set)
    """Items opened and not finished, of any kind."""
    last_item_id: str = ""

    @property
    def answers_turn(self) -> bool:
        """Whether it answers the conversation: not words that somebody else wanted said."""
        return self.reason is None or self.reason in ANSWERS_CONVERSATION

    @property
    def made_by(self) -> str:
        """For the journal."""
        return "server" if self.reason is None else "brain"


@dataclass(slots=True)
class Item:
    """One spoken item that is not yet wholly heard."""

    item_id: str
    response_id: str
    received_bytes: int = 0
    heard_ms: float = 0.0
    complete: bool = False
    """Its generation ended normally and `item_end` was written."""
    presumed: bool = False
    """Egress has not said what was heard of it for longer than it lasts: it was taken as heard."""
    session: int = 0
    """The number of the session that made it: a later one knows it as text only."""

    @property
    def received_ms(self) -> float:
        """All of it that came so far."""
        return self.received_bytes / BYTES_PER_MS

    @property
    def unheard_ms(self) -> float:
        """Of that, what the caller has not heard."""
        return max(0.0, self.received_ms - self.heard_ms)


@dataclass(slots=True)
class PendingCut:
    """A flush whose truncations wait for egress's figures."""

    cut: int
    deadline_ms: float
    items: dict[str, Item]
    """In playback order."""


@dataclass(slots=True)
class Speaking:
    """The caller hears this response; `progress_at_ms` is the last sign of it."""

    response_id: str
    progress_at_ms: float


@dataclass(slots=True)
class CallerSpeech:
    """What the caller's voice did last in this session."""

    speaking: bool = False
    deadline_ms: float = 0.0
    """While speaking: `speech_stopped` is missing."""
    answer_due_until_ms: float | None = None
    """The server's answer to the turn that just ended may come until then."""
    last_turn_item_id: str = ""
    stopped_at_ms: float | None = None
    """When they last fell silent; None: they have not spoken in this session."""
    unanswered: bool = False
    """They ended a turn, and no response has been created since."""
    answer_by_ms: float | None = None
    """While unanswered: by then a response must have been created, whoever makes it."""
    typing_until_ms: float | None = None
    """They press keys: the rest of the group may come until then."""
    talking_on: bool = False
    """While speaking: they did so before the answer to their last turn was created. It is interrupted when
    it comes."""


@dataclass(slots=True)
class Asking:
    """How the model does with what is owed."""

    silent_ends: int = 0
    """Responses in a row that failed, or ended without a sound while sound was owed."""
    refused: int = 0
    """Creates in a row that met a response which we know to be over."""
    unanswered: int = 0
    """Creates in a row that the server did not answer, without any other word of it between them."""
    again_at_ms: float | None = None
    """Nothing is under way for what is owed: then it is asked for."""
    tool_rounds: int = 0
    """Tool answers in a row without a sound, or a word of the caller, between them."""
    replacing: bool = False
    """The session is to be replaced: nothing is asked of it any more."""
    replayed: bool = False
    """The next session is told the caller's last turn again: it answers that by itself."""


@dataclass(slots=True)
class PendingMove:
    """The caller is to go elsewhere, or has gone and is expected back."""

    kind: str
    argument: str
    call_id: str
    response_id: str
    deadline_ms: float
    """To be heard out; once the caller has gone: to be back."""
    gone: bool = False


@dataclass(slots=True)
class PendingHangUp:
    """The call is to end."""

    cause: str
    deadline_ms: float
    """By then it has ended, whatever is missing. It moves with the playhead of the farewell, which may be
    long, and whose caller may have had no stream for a while."""
    latest_ms: float = 0.0
    """It moves no further than this."""
    response_id: str = ""
    """The response that is the farewell, once known."""
    began: bool = False
    """The farewell has been audible."""
    at_once: bool = False
    """Without a farewell: ends as soon as egress has told what was heard of the audio that was flushed."""


@dataclass(slots=True)
class ToolCall:
    """One tool call that is not answered. `by_server`: it runs there (MCP), so nothing is posted."""

    deadline_ms: float
    name: str = ""
    arguments: str = ""
    by_server: bool = False
    caller_spoke: bool = False
    """Since it was called: they may have said that they do not want it."""
    result: ToolFinished | None = None
    """It came while there was no session: told to the next one, which may have been told its past by then."""


@dataclass(slots=True)
class ToolBatch:
    """The tool calls of one response."""

    response_id: str
    generating: bool
    """More calls may come."""
    session: int
    open_tool_calls: dict[str, ToolCall] = field(default_factory=dict)
    """By call id; by item id for those that the server runs."""
    debt: int = 0
    """The sound that was owed when the first of them was called."""
    answered_ids: list[str] = field(default_factory=list)
    """The keys of those whose output is there and the model should answer."""


@dataclass(slots=True)
class State:
    """Everything a sequencer knows."""

    config: SequencerConfig
    cut: int
    phase: Phase = Phase.CLOSED
    active: Response | None = None
    outstanding: Create | None = None
    deferred: dict[Reason, Wish] = field(default_factory=dict)
    responses: dict[str, Response] = field(default_factory=dict)
    """Live ones: the active response, and those whose audio is not all heard. No retired ones."""
    items: dict[str, Item] = field(default_factory=dict)
    """Unheard ones, in playback order."""
    pending_cut: PendingCut | None = None
    speaking: Speaking | None = None
    caller: CallerSpeech = field(default_factory=CallerSpeech)
    doubt: VoiceInDoubt | None = None
    """Playback stands still until it is known whether the caller interrupts."""
    passed_over: IdMemory = field(default_factory=IdMemory)
    """Items of the caller that were nothing: nobody answers them."""
    debts: Debts = field(default_factory=Debts)
    asking: Asking = field(default_factory=Asking)
    playback_at_ms: float = 0.0
    """When egress last said something of the present cut, or audio for it came."""
    hang_up: PendingHangUp | None = None
    batches: dict[str, ToolBatch] = field(default_factory=dict)
    tool_calls: IdMemory = field(default_factory=IdMemory)
    """Tool calls seen: each is run once."""
    in_conversation: IdMemory = field(default_factory=IdMemory)
    """What the server has confirmed as an item and a create may have to answer: outputs of tool calls, by
    call id, and texts of the caller, by item id. A response that is created from now on sees them."""
    retired: IdMemory = field(default_factory=IdMemory)
    """Responses whose audio must never be heard again."""
    skipped: IdMemory = field(default_factory=IdMemory)
    """Responses of which a delta was not admitted: one line each."""
    finished: IdMemory = field(default_factory=IdMemory)
    out_of_band: IdMemory = field(default_factory=IdMemory)
    session: int = 0
    """The number of the session, raised at each confirmation."""
    move: PendingMove | None = None
    roll_over_by_ms: float | None = None
    """A rollover waits for a quiet moment, until then."""
    roll_over_settle_ms: float = 0.0
    """From then on a moment in which nothing but playback goes on is quiet enough."""
    untold: list[NoticeReady] = field(default_factory=list)
    """What was said for the model, and no session knows of yet."""
    texts: list[str] = field(default_factory=list)
    """Texts of the caller that wait for a session. Bounded by caller_text."""
    last_created_id: str = ""
    frames_waiting: int = 0
    """20 ms frames at egress, by its last word: for the log only."""
    abandoned: dict[str, int] = field(default_factory=dict)
    """Token of a create that was given up on → the number of its wish. Bounded by the door."""
    last_number: int = 0
    actions: list[Action] = field(default_factory=list)
    """What the present step asks of the driver so far."""

    @property
    def slot(self) -> SlotState:
        """The pair in one word."""
        if self.phase is Phase.CLOSED:
            return SlotState.CLOSED
        if self.phase is Phase.ENDED:
            return SlotState.ENDED
        requested = self.outstanding is not None
        if self.active is None:
            return SlotState.REQUESTED if requested else SlotState.FREE
        if self.active.cancelling:
            return SlotState.CANCELLING_AND_REQUESTED if requested else SlotState.CANCELLING
        return SlotState.GENERATING_AND_REQUESTED if requested else SlotState.GENERATING

    @property
    def unheard_bytes(self) -> int:
        """Audio in `reply` that nobody has heard."""
        return int(sum(item.unheard_ms for item in self.items.values()) * BYTES_PER_MS)

    def is_working(self) -> bool:
        """Whether the caller speaks, or anything is asked for, generated, run or waited for. What is only
        played is no work."""
        return (
            self.active is not None
            or self.outstanding is not None
            or self.pending_cut is not None
            or self.doubt is not None
            or self.move is not None
            or bool(self.deferred or self.batches)
            or self.caller.speaking
            or self.caller.answer_due_until_ms is not None
            or self.caller.answer_by_ms is not None
            or self.caller.typing_until_ms is not None
        )

    def is_playing(self) -> bool:
        """Whether anything is heard, or still to be heard."""
        return self.speaking is not None or self.unheard_bytes > 0

    def farewell_bound_ms(self, now_ms: float) -> float:
        """Until when a farewell may wait: for what is said before it, and for what is there of itself."""
        unheard_ms = self.unheard_bytes / BYTES_PER_MS
        return now_ms + self.config.farewell_wait_ms + min(unheard_ms, self.config.farewell_unheard_ms)

    def next_number(self) -> int:
        """A number that was not given out before: for wishes and ids."""
        self.last_number += 1
        return self.last_number

    def event_id(self, kind: str) -> str:
        """A fresh id for one of our own client events, so that a refusal can be matched."""
        return f"{self.config.token_prefix}-{kind}-{self.next_number()}"

    def has_unheard(self, response_id: str) -> bool:
        """Whether audio of this response still waits to be heard (a rest below one frame does not)."""
        tolerance_ms = self.config.played_tolerance_ms
        return any(
            item.response_id == response_id and item.unheard_ms > tolerance_ms for item in self.items.values()
        )

    def is_heard_out(self, response_id: str) -> bool:
        """Whether nothing more of this response will be heard: it is done, and its audio was heard."""
        response = self.responses.get(response_id)
        return (response is None or response.done) and not self.has_unheard(response_id)

    def journal(self, kind: Kind, **fields: str | float) -> None:
        """Asks for a line in the journal."""
        self.actions.append(Journal(kind=kind, fields={name: _text(value) for name, value in fields.items()}))


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else str(round(value))
