"""What can be told to the sequencer: frozen values that reject nonsense when built.

Why it exists: a rule need not check again what was checked when its input was built. Sources: the Realtime
server events (their names are in each docstring), egress's control messages (docs/design.md, Control
messages), operators, tools.

Owns: the shapes. An id that the server left out is the empty string here and means "unknown"; no rule ever
uses it as a key. Must not know: how an event or a message is spelt.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.sequencer.wishes import Reason
from shared.contract.card import Next


class InputError(ValueError):
    """A driver built an input that no server event or control message can mean."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionConfirmed:
    """The first `session.updated` that echoes µ-law both ways: the gate for audio and creates."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionLost:
    """The model's session is gone; `cause` is a short word for the journal.

    `turn_replayed`: the caller's open turn will be said again to the next session, which answers it.
    """

    cause: str
    turn_replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloverDue:
    """The session must be replaced before its limit: at a quiet moment; from `settle_at_ms` on also while
    only what is generated in full is still played; at the latest at `force_at_ms`."""

    settle_at_ms: float
    force_at_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WishToSpeak:
    """Someone wants a response. `text` replaces the session's instructions for it; empty: they stand.

    `force` interrupts what is being said. Tool outputs are not wished from outside: the batch does it.
    """

    reason: Reason
    text: str = ""
    force: bool = False

    def __post_init__(self) -> None:
        if self.reason in (Reason.TOOL_OUTPUTS, Reason.FAREWELL):
            raise InputError(
                f"expected a reason that others may wish for, got {self.reason}: "
                "finish the tool, or send HangUpWished, instead"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeReady:
    """A recording is to be said word for word. `item_id` is one of `notice`; `text`: what it says."""

    item_id: str
    n_bytes: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HangUpWished:
    """The call is to end: at once, or, with `farewell` instructions, after that farewell was heard.

    `only_if_unsaid`: nobody gave that farewell its words. If `response_id`, the response that asked for the
    end (by a tool call), spoke, then what it said *is* the farewell.
    """

    cause: str
    farewell: str = ""
    response_id: str = ""
    only_if_unsaid: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveWished:
    """A tool wants the caller elsewhere for a while: to `dial` a number, or to hear `digits`.

    What `response_id` has said is heard first. The call is answered when the caller is back (MoveEnded).
    """

    kind: str
    argument: str
    call_id: str
    response_id: str = ""

    def __post_init__(self) -> None:
        if self.kind not in (Next.DIAL, Next.DIGITS):
            raise InputError(f"expected dial or digits as the kind of a move, got {self.kind!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveEnded:
    """The caller is back; `output` tells the model how the move went."""

    output: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPressed:
    """The caller pressed a key; what they typed follows as CallerWrote. `barge_in`: it interrupts, as speech
    would."""

    barge_in: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerWrote:
    """The caller said something other than by voice (keys pressed): `text` for the conversation.

    `barge_in`: it interrupts what is being said, as speech would.
    """

    text: str
    barge_in: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseCreated:
    """`response.created`. `token` is ours, from `metadata`; empty for a server-made response.

    `out_of_band`: `conversation_id` was null, so it never takes the slot.
    """

    response_id: str
    token: str = ""
    out_of_band: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseDone:
    """`response.done`. `status`: completed, cancelled, failed or incomplete; `code` of a failure.

    `retry_after_ms`: how long the server does not want to be asked again; 0: it did not say.
    """

    response_id: str
    status: str
    token: str = ""
    code: str = ""
    out_of_band: bool = False
    retry_after_ms: float = 0.0

    def __post_init__(self) -> None:
        _not_negative("retry_after_ms", self.retry_after_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemOpened:
    """`response.output_item.added`. `speaks`: a message, as opposed to a function call."""

    response_id: str
    item_id: str
    speaks: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemFinished:
    """The audio of the item is complete, or, `final`, the item itself: `response.output_item.done`."""

    response_id: str
    item_id: str
    final: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TextPartOpened:
    """`response.content_part.added` with a text part: the model writes where it should speak."""

    response_id: str
    item_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerToolOpened:
    """`response.output_item.added` with an MCP call: the server runs it by itself."""

    response_id: str
    item_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerToolFinished:
    """`response.mcp_call.completed` or `.failed`: the model waits to be asked for its answer."""

    item_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalAsked:
    """An `mcp_approval_request` item; `approve` is what the agent's profile says to such requests."""

    response_id: str
    item_id: str
    approve: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemAdded:
    """`conversation.item.added`: a response that is created from now on sees the item.

    `answers_id`: the tool call whose output it is, or, for a text of the caller, the item itself; empty for
    all that no create of ours answers.
    """

    item_id: str
    answers_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCalled:
    """A *completed* function_call item. `arguments` is the model's text, perhaps not JSON."""

    response_id: str
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolFinished:
    """A tool ended; `output` goes to the model. `reply`: the model should answer it."""

    call_id: str
    output: str
    reply: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeechStarted:
    """`input_audio_buffer.speech_started`."""

    item_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeechStopped:
    """`input_audio_buffer.speech_stopped`. `spoke_ms`: how long the voice was heard; None: nobody says."""

    item_id: str = ""
    spoke_ms: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnCommitted:
    """`input_audio_buffer.committed`: the caller's turn is an item of the conversation."""

    item_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallerUnderstood:
    """`conversation.item.input_audio_transcription.delta`, or, `final`, `.completed`: the caller's words.
    Of a delta `text` is what has been added, perhaps half a word."""

    item_id: str
    text: str
    final: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A non-fatal `error`. `event_id` is that of our own event, empty when the server named none."""

    event_id: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Playback:
    """Where playback stands, by egress: `heard_ms` of the item, in this cut.

    `frames_waiting`: 20 ms frames that egress holds and has not sent.
    """

    cut: int
    response_id: str
    item_id: str
    heard_ms: float
    frames_waiting: int = 0

    def __post_init__(self) -> None:
        _not_negative("heard_ms", self.heard_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Audible(_Playback):
    """Control message `audible`: the caller began to hear this response. `item_id` may be left out."""

    item_id: str = ""
    heard_ms: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard(_Playback):
    """Control message `heard`: the playhead moved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Silent(_Playback):
    """Control message `silent`: nothing unplayed is left. `cause`: played, flushed or ended."""

    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FlushedItem:
    """What became of one item that a flush met."""

    item_id: str
    heard_ms: float

    def __post_init__(self) -> None:
        _not_negative("heard_ms", self.heard_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flushed:
    """Control message `flushed`: egress did the flush of this cut."""

    cut: int
    items: tuple[FlushedItem, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A wait may be over."""


Input = (
    SessionConfirmed
    | SessionLost
    | RolloverDue
    | WishToSpeak
    | NoticeReady
    | HangUpWished
    | MoveWished
    | MoveEnded
    | KeyPressed
    | CallerWrote
    | ResponseCreated
    | ResponseDone
    | ItemOpened
    | ItemFinished
    | TextPartOpened
    | ServerToolOpened
    | ServerToolFinished
    | ApprovalAsked
    | ItemAdded
    | ToolCalled
    | ToolFinished
    | SpeechStarted
    | SpeechStopped
    | TurnCommitted
    | CallerUnderstood
    | Refused
    | Audible
    | Heard
    | Silent
    | Flushed
    | Tick
)


FROM_SERVER = (
    ResponseCreated, ResponseDone, ItemOpened, ItemFinished, TextPartOpened, ServerToolOpened,
    ServerToolFinished, ApprovalAsked, ItemAdded, ToolCalled, SpeechStarted, SpeechStopped, TurnCommitted,
    CallerUnderstood, Refused,
)  # fmt: skip
"""What the server itself has said: each is a sign of its life."""


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:  # NaN fails too
        raise InputError(f"expected {name} >= 0, got {value}")
