"""What was said, heard and done on a call: once in this process's memory, once in Redis for the next brain.

Why it exists: the memory seeds the next session at once, without asking Redis; the stream seeds the next
brain and makes the transcript. Both must hold the same facts, so everything is noted here.

Owns: noting twice. Must not know: how either is read (conversation), how texts are cut to what was heard.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.memory.conversation import Conversation
from brain.memory.history import History
from brain.model.engine import Said, SaidKind, ServerTool
from shared.clock import now_ms
from shared.contract.streams.history import ToolState


@dataclass(slots=True)
class Record:
    """The record of one call."""

    history: History
    conversation: Conversation

    def __post_init__(self) -> None:
        self.history.agent_of = self.conversation.agent_of

    def said(self, said: Said) -> None:
        """A text of the caller or the model."""
        item_id, text = said.item_id, said.text
        if not item_id:
            return
        match said.kind:
            case SaidKind.USER_ITEM:
                self.conversation.user_item(item_id)
                self.history.user_item(item_id)
            case SaidKind.USER_TEXT:
                self.conversation.user_text(item_id, text)
                self.history.user_text(item_id, text)
            case SaidKind.MODEL_DELTA if self.conversation.takes_text(item_id, whole=False):
                self.conversation.model_delta(item_id, text)
                self.history.model_delta(item_id, text, now_ms())
            case SaidKind.MODEL_TEXT if self.conversation.takes_text(item_id, whole=bool(text)):
                self.conversation.model_text(item_id, text)
                self.history.model_text(item_id, text)
            case _:
                pass

    def session_lost(self) -> None:
        """No more text of the present session comes, and what ran ahead of its audio was never said."""
        for item_id, said in self.conversation.session_lost():
            self.history.cut_off(item_id, said)

    def overheard(self, item_id: str) -> None:
        """What the caller said there was no turn: nobody answers it."""
        self.conversation.overheard(item_id)
        self.history.overheard(item_id)

    def notice(self, item_id: str, said: str, total_ms: int) -> None:
        """A recording is said word for word."""
        self.conversation.notice(item_id)
        self.history.notice(item_id)
        self.conversation.model_text(item_id, said)
        self.history.model_text(item_id, said)
        self.item_ms(item_id, total_ms)

    def keys(self, item_id: str, typed: str) -> None:
        """What the caller pressed, as the model was told."""
        self.conversation.keys(item_id, typed)
        self.history.keys(item_id, typed)

    def item_ms(self, item_id: str, total_ms: int) -> None:
        """An item of the model has all its audio."""
        self.conversation.item_ms(item_id, total_ms)
        self.history.item_ms(item_id, total_ms)

    def heard(self, item_id: str, heard_ms: int, received_ms: int, *, complete: bool) -> None:
        """How much of an item the caller heard, final."""
        self.conversation.heard(item_id, heard_ms, received_ms, complete)
        self.history.heard(item_id, heard_ms, received_ms, complete)

    def tool(self, call_id: str, name: str, state: ToolState, value: str) -> None:
        """A tool was run elsewhere (`value`: its arguments), or has its result (`value`: the output)."""
        self.conversation.tool(call_id, name, state, value)
        self.history.tool(call_id, name, state, value)

    async def tool_started(self, call_id: str, name: str, arguments: str) -> None:
        """A tool is about to be run; returns once the next brain would know. Cancelling it leaves it
        noted."""
        self.conversation.tool(call_id, name, ToolState.STARTED, arguments)
        await self.history.tool_started(call_id, name, arguments)

    def quiet_until(self, at_ms: int) -> None:
        """The caller has asked for a moment, by the clock on the wall."""
        self.conversation.quiet_until(at_ms)
        self.history.quiet_until(at_ms)

    def server_tool(self, tool: ServerTool) -> None:
        """A tool that the model's server ran; what is known already is not noted again."""
        known = self.conversation.tool_state(tool.call_id)
        if known is None:
            self.tool(tool.call_id, tool.name, ToolState.STARTED, tool.arguments)
        if tool.output and known is not ToolState.RESULT:
            self.tool(tool.call_id, tool.name, ToolState.RESULT, tool.output)
