"""What the brain needs of a speech model: the narrow interface behind which one stands.

Why it exists: the sequencer decides in terms of responses, items and turns; whose wire carries them is
not its business. A model with half-duplex turns (OpenAI Realtime, `brain.model.realtime`) stands behind this,
and a full-duplex one could: it would report its own turns as speech and responses, take caller audio all
the time, and treat a create as a hint. docs/engines.md says what each method promises, and
tests/brain/model/test_engine.py has such a one.

Owns: the shapes. Pure. Must not know: a wire, Redis, the call.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from brain.agents.agent import Agent
from brain.errors import EngineError
from brain.json_fields import Json
from brain.sequencer import actions
from brain.sequencer.inputs import Input
from shared.contract.bill.usage import ModelUsage

ToModel = (
    actions.SendCreate
    | actions.SendCancel
    | actions.SendTruncate
    | actions.SendDelete
    | actions.SendToolOutput
    | actions.SendText
    | actions.TellSaid
    | actions.SendApproval
    | actions.SilenceServer
)
"""The sequencer's actions that an engine carries out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedItem:
    """One thing said or done before this session began, in order.

    `message`: `role` is user, assistant or system, `text` what was said (for the assistant: heard); `audio`,
    where it is not empty, is told in its place: µ-law of a user whose words are not known.
    `tool_call`: `name` and `text` = its arguments. `tool_output`: `text` = the output. Both have
    `call_id`, and a call always comes with its output. `item_id` is empty, or at most 32 characters.
    """

    kind: Literal["message", "tool_call", "tool_output"]
    text: str
    item_id: str = ""
    role: Literal["user", "assistant", "system", ""] = ""
    call_id: str = ""
    name: str = ""
    audio: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A confirmed session. `life_ms`: how long the server lets it live from now on, 0 = not said."""

    session_id: str
    life_ms: float


class SaidKind(enum.StrEnum):
    """What a `Said` reports."""

    USER_ITEM = "user_item"
    """The caller's turn is an item of the conversation; its text may come later, or never."""
    USER_TEXT = "user_text"
    """The transcript of the caller's item, final. Empty text: there will be none."""
    MODEL_DELTA = "model_delta"
    """A further piece of the model's transcript (it leads the audio)."""
    MODEL_TEXT = "model_text"
    """The whole transcript of the model's item, final."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the conversation, for history."""

    kind: SaidKind
    item_id: str
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerTool:
    """A tool that the model's server has called by itself, for history. `output` is empty while there is
    none."""

    call_id: str
    name: str
    arguments: str
    output: str


class Listener(Protocol):
    """Who is told what an engine hears of its model. No method may block; each is called in order."""

    def on_input(self, input_: Input) -> None:
        """Something that the sequencer must know."""

    def on_audio(self, response_id: str, item_id: str, audio: bytes) -> None:
        """µ-law of the model, of any length. The hot path: no input object.

        Without a response id it is of the response that is under way: one must have been reported as created.
        Without an item id it is of that response's last item, or of the only one that it has.
        """

    def on_said(self, said: Said) -> None:
        """A text, for history."""

    def on_server_tool(self, tool: ServerTool) -> None:
        """The server called a tool of its own, or has its output: the same one may be told again."""

    def on_voice(self, item_id: str, *, begins: bool, ago_ms: float) -> None:
        """The caller's voice began, or ended, so long ago by the audio that the model had been given: before
        the input that says so. For people."""

    def on_usage(self, used: ModelUsage) -> None:
        """What a response, or a transcript, has used."""

    def on_trouble(self, code: str, *, known: bool) -> None:
        """A refusal that changes nothing but a counter; `known`: expected in lost races."""


class Engine(Protocol):
    """One session of a model, from `open` to `close`. `open`, perhaps `seed`, then `run`."""

    appended_id: bytes
    """The last caller entry whose audio was given to the model's socket."""

    @property
    def proven_id(self) -> bytes:
        """The last caller entry that the model is known to have: it was given to the socket before the last
        sign of life. What is younger may be lost with the session, and is said again to the next one."""

    async def open(self) -> Opened:
        """Connects and waits until the model has confirmed µ-law both ways. Bounded. Raises EngineError.

        With a seed to come the model makes no responses by itself yet: see `seed`. Cancelled, it is to be
        closed.
        """

    async def seed(self, items: tuple[SeedItem, ...]) -> None:
        """Tells the model what was said so far, then lets it answer turns. Bounded. Raises EngineError.

        Cancelled, it is to be closed: the model may know a part.
        """

    async def become(self, agent: Agent, tools: tuple[Json, ...]) -> bool:
        """Brings the open session to another agent, or to the same one that knows more: all that it was told
        of the one before, it is told anew. False: no session can be brought there (another model, another
        voice once this one has spoken): open another one. Before `run`, or during it; one at a time. Bounded.
        Raises EngineError: `session_refused` leaves the session as it was; after anything else it is not to
        be trusted.

        Cancelled, it is to be closed: nobody knows who it is.
        """

    async def run(self, listener: Listener) -> EngineError:
        """Reads and writes until the session is over; returns why. Never raises EngineError.

        Cancelling it ends the session for its listener: nothing more is told.
        """

    def do(self, action: ToModel) -> None:
        """Queues an action. Never waits, and tells the listener nothing before it has returned. Raises
        EngineError when the socket takes nothing any more."""

    def rewrite(self, item_id: str, said: str) -> None:
        """Of an item that was told only `said` was heard (empty: nothing): corrects the model's memory."""

    def append(self, audio: bytes, entry_id: bytes) -> bool:
        """Queues caller audio up to `entry_id` (empty: audio that was said before, to another session).

        False: the queue is full, stop reading the caller.
        """

    def when_drained(self, then: Callable[[], None]) -> None:
        """Calls `then` once when all queued audio was sent."""

    @property
    def queued_events(self) -> int:
        """Events that wait for the socket."""

    async def close(self) -> None:
        """Ends the session, within a bounded time; safe at any moment and again. Not to be cancelled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """How a session is opened. `tools` are function and MCP definitions for the model."""

    tools: tuple[Json, ...]
    tag: str
    """Makes the ids of this session's own events differ from those of any other session of the call."""
    seeded: bool
    """A seed will follow: until it is in, the model must not answer turns."""
    headers: Mapping[str, str]
    """HTTP headers of the connection, by which the model's provider can be asked about this call."""
    call: str = ""
    """The id of the call, for what the provider itself keeps of the session."""
    proxy: str = ""
    """The way out; empty: none is needed."""
