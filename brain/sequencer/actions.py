"""What the sequencer asks its driver to do, in order.

Why it exists: a rule that returns values instead of calling can be tested word for word.

Owns: the shapes. The driver does the actions of one step in the order given, synchronously: a `Flush` stands
before the `SendCancel` of the same interruption, and nothing may come between. Must not know: how an action
is spelt on a wire.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from brain.sequencer.wishes import Reason
from shared.contract.streams.journal import Kind

# To the model.


@dataclass(frozen=True, kw_only=True, slots=True)
class SendCreate:
    """`response.create` with `event_id` = `token`, and the token in `metadata`.

    `audio_only`: the answer before was written, not spoken; audio is asked for in so many words.
    `without_tools`: the model may call none.
    """

    token: str
    reason: Reason
    text: str = ""
    audio_only: bool = False
    without_tools: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SendCancel:
    """`response.cancel`, always by id.

    `left_to_server`: a server that interrupts by itself has done so, and would answer that nothing is active.
    Where it has not, a second one follows without the word.
    """

    event_id: str
    response_id: str
    left_to_server: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SendTruncate:
    """`conversation.item.truncate` of content 0 at `audio_end_ms`, which is above zero."""

    event_id: str
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SendDelete:
    """`conversation.item.delete`: nothing of the item was heard."""

    event_id: str
    item_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendToolOutput:
    """`conversation.item.create` with a `function_call_output`.

    With a `name`: the session has not seen the call (it was made in an earlier one), so it is told first.
    """

    event_id: str
    call_id: str
    output: str
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SendText:
    """`conversation.item.create` with a text of the caller."""

    event_id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SendApproval:
    """`conversation.item.create` with an `mcp_approval_response`."""

    event_id: str
    request_id: str
    approve: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrite:
    """Only this much of an item of an earlier session was heard. The present session knows it as text, which
    cannot be truncated: it is replaced. 0: nothing was heard."""

    item_id: str
    heard_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TellSaid:
    """`conversation.item.create` with words that were said for the model. A session that was told of the item
    with its past leaves it out."""

    event_id: str
    item_id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SilenceServer:
    """`session.update`: the server makes and interrupts no responses any more (hang-up pending)."""

    event_id: str


# To the reply stream.


@dataclass(frozen=True, kw_only=True, slots=True)
class Flush:
    """Reply entry `flush`: `cut` is the new cut, the ids name what was interrupted (may be empty)."""

    cut: int
    response_id: str
    item_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayNotice:
    """Reply entries `audio`, `item_end` and `response_end` of a recording: it is one item of a response with
    the same id, which answers all debts up to this one."""

    cut: int
    item_id: str
    debt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseReply:
    """Reply entry `pause`: playback stands still at once, until ResumeReply or a Flush, at most `most_ms`."""

    cut: int
    most_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeReply:
    """Reply entry `resume`: playback goes on from the frame where it stopped."""

    cut: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndItem:
    """Reply entry `item_end`; `total_bytes` of µ-law were admitted for the item."""

    cut: int
    response_id: str
    item_id: str
    total_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EndResponse:
    """Reply entry `response_end`. `debt`: see AudioVerdict."""

    cut: int
    response_id: str
    debt: int = 0


# To the rest of the brain.


@dataclass(frozen=True, kw_only=True, slots=True)
class RunTool:
    """A tool is to run outside the read loop. Answered by the input ToolFinished."""

    response_id: str
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordHeard:
    """History entry `heard`: how much of an item reached the caller's ear, now final.

    Of `received_ms`; `complete`: that was the whole item, so its text and its audio end together.
    """

    item_id: str
    heard_ms: int
    received_ms: int
    complete: bool
    heard_out: bool = False
    """Egress has said that the caller heard all of the whole item, to a frame. Nobody concludes it from its
    silence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PassOver:
    """What the caller said there was nothing: it is no turn, and nobody answers it."""

    item_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What was to be heard first was heard: the caller goes. Answered by the input MoveEnded."""

    kind: str
    argument: str
    call_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RollOver:
    """A quiet moment, or the last one: the session is replaced now. Answered by the input SessionLost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplaceSession:
    """The session does not work any more: it is given up, and a new one is opened. Answered by the input
    SessionLost. `cause` is a short word for the journal."""

    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HangUp:
    """Nothing more will be said: the call ends. `unheard`: a farewell was owed, and nothing of it was
    heard."""

    cause: str
    unheard: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """One line for people: journal entry and log line. Never holds what was said."""

    kind: Kind
    fields: dict[str, str] = field(default_factory=dict)


Action = (
    SendCreate
    | SendCancel
    | SendTruncate
    | SendDelete
    | SendToolOutput
    | SendText
    | SendApproval
    | Rewrite
    | TellSaid
    | SilenceServer
    | Flush
    | PlayNotice
    | PauseReply
    | ResumeReply
    | EndItem
    | EndResponse
    | RunTool
    | RecordHeard
    | PassOver
    | Move
    | RollOver
    | ReplaceSession
    | HangUp
    | Journal
)


class Skip(enum.StrEnum):
    """Why a delta was not admitted."""

    NO_SESSION = "no_session"
    RETIRED = "retired"
    FINISHED = "finished"
    OUT_OF_BAND = "out_of_band"
    UNKNOWN = "unknown"
    ITEM_ENDED = "item_ended"
    BACKLOG = "backlog"
    EMPTY = "empty"
    HANG_UP = "hang_up"


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioVerdict:
    """The answer to one audio delta.

    When `skip` is None, write the bytes to `reply` with these ids, `cut` and `offset_bytes`; `first` marks
    the first audio of its response. `debt`: it answers all debts up to this number (debts). `answers_turn`:
    it is an answer to the conversation, not words that somebody else wanted said. `actions` are to be done
    first, admitted or not.
    """

    skip: Skip | None
    response_id: str
    item_id: str
    cut: int
    offset_bytes: int
    first: bool
    debt: int = 0
    answers_turn: bool = False
    actions: tuple[Action, ...] = ()
