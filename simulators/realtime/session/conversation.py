"""The default conversation of a session: its ordered items.

Why it exists: what may be truncated, deleted or answered depends on what stands in the conversation. Owns:
adding, deleting, truncating and retrieving items, with the rules of each; what a script still owes to a
function output. Pure. Must not know: how audio is made or heard. Source of the rules: recorded sessions.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from simulators.realtime.protocol import errors
from simulators.realtime.record import ItemRecord, Truncation
from simulators.realtime.script import Reply
from simulators.realtime.session.outlet import Outlet

Json = dict[str, object]

ROOT: Final = "root"
"""`previous_item_id` of an item that is to stand first."""


@dataclass(slots=True, kw_only=True)
class Item:
    """One item; `as_json` is its form on the wire, which carries no `object`."""

    item_id: str
    type: str
    role: str | None = None
    status: str = "completed"
    content: list[Json] | None = None
    extra: Json = field(default_factory=dict)
    """`name`, `call_id`, `arguments`, `output`, `phase` and the like."""
    response_id: str | None = None
    is_turn: bool = False
    """A user message that asks for the next reply of the script."""
    audio: bytes = b""
    """All audio it will have, in the session's format at its making."""
    audio_bytes_per_ms: int = 8
    generated_bytes: int = 0
    truncated_ms: int | None = None

    @property
    def audio_ms(self) -> float:
        """Audio that it has now."""
        generated_ms = self.generated_bytes / self.audio_bytes_per_ms
        return generated_ms if self.truncated_ms is None else min(generated_ms, self.truncated_ms)

    def as_json(self) -> Json:
        """The item as events show it, without audio."""
        shown: Json = {"id": self.item_id, "type": self.type, "status": self.status}
        if self.role is not None:
            shown["role"] = self.role
        if self.content is not None:
            shown["content"] = [dict(part) for part in self.content]
        return {**shown, **self.extra}


class Conversation:
    """Items in order. Every refusal leaves the conversation as it was."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._items: list[Item] = []
        self.conversation_id = outlet.ids.mint("conv")
        self._owed: dict[str, Reply] = {}
        self._answered = 0

    # Asking.

    @property
    def items(self) -> Sequence[Item]:
        """All of them, in order; what the next response is given."""
        return self._items

    @property
    def last_item_id(self) -> str | None:
        """The id of the last item; `None` while there is no item."""
        return self._items[-1].item_id if self._items else None

    @property
    def turns(self) -> int:
        """User messages so far: the number of the current turn."""
        return sum(item.is_turn for item in self._items)

    @property
    def has_spoken(self) -> bool:
        """Whether the model has said anything, be it in a session before this one."""
        return any(item.role == "assistant" for item in self._items)

    @property
    def calls_answered(self) -> set[str]:
        """Names of the functions that were called since the newest user message and have their output: be it
        in a session before this one."""
        since: list[Item] = []
        for item in self._items:
            since = [] if item.is_turn else [*since, item]
        outputs = {item.extra.get("call_id") for item in since if item.type == "function_call_output"}
        return {
            str(item.extra["name"])
            for item in since
            if item.type == "function_call" and item.extra.get("call_id") in outputs
        }

    def find(self, item_id: str) -> Item | None:
        """The item with this id, if it is (still) part of the conversation."""
        return next((item for item in self._items if item.item_id == item_id), None)

    def claim_turn(self) -> bool:
        """Takes the newest user message as answered; False when it was answered already."""
        fresh = self.turns > self._answered
        self._answered = self.turns
        return fresh

    def take_owed(self) -> Reply | None:
        """Takes the answer that the script owes to a function output; `None` when it owes no answer."""
        for item in self._items:
            if item.type == "function_call_output":
                reply = self._owed.pop(str(item.extra["call_id"]), None)
                if reply:
                    return reply
        return None

    # The server's own items.

    def append(self, now_ms: float, item: Item) -> None:
        """Adds an item of the server's at the end and says so (`conversation.item.added`)."""
        previous = self.last_item_id
        self._items.append(item)
        self._record(item)
        self._outlet.emit(now_ms, "conversation.item.added", previous_item_id=previous, item=item.as_json())

    def finish(self, now_ms: float, item: Item, previous_item_id: str | None = None) -> None:
        """Says that an item is complete. Recorded sessions show null before assistant items."""
        self._outlet.emit(
            now_ms, "conversation.item.done", previous_item_id=previous_item_id, item=item.as_json()
        )

    def owe(self, call_id: str, reply: Reply) -> None:
        """Remembers what to say once the output of this function call is there."""
        self._owed[call_id] = reply

    # The client's wishes.

    def create(self, now_ms: float, event: Json) -> None:
        """`conversation.item.create`, its shape already checked."""
        wish = dict(cast(Json, event["item"]))
        self._check_new(wish)
        place, previous = self._place(cast("str | None", event.get("previous_item_id")))
        item = self._item_of(wish)
        self._items.insert(place, item)
        self._record(item)
        outlet = self._outlet
        shown = item.as_json()
        outlet.emit(now_ms, "conversation.item.added", previous_item_id=previous, item=shown)
        outlet.emit(now_ms, "conversation.item.done", previous_item_id=previous, item=shown)

    def retrieve(self, now_ms: float, event: Json) -> None:
        """`conversation.item.retrieve`: the item with the audio it has now."""
        item = self._known(event, "item_retrieve_invalid_item_id")
        shown = item.as_json()
        audio = item.audio[: int(item.audio_ms * item.audio_bytes_per_ms)]
        if audio and item.content is not None:
            encoded = base64.b64encode(audio).decode()
            shown["content"] = [{**part, "audio": encoded} for part in item.content]
        self._outlet.emit(now_ms, "conversation.item.retrieved", item=shown)

    def delete(self, now_ms: float, event: Json) -> None:
        """`conversation.item.delete`."""
        item = self._known(event, "item_delete_invalid_item_id")
        self._items.remove(item)
        self._outlet.record.items[item.item_id].deleted = True
        self._outlet.emit(now_ms, "conversation.item.deleted", item_id=item.item_id)

    def truncate(self, now_ms: float, event: Json) -> None:
        """`conversation.item.truncate`: shortens the audio, drops the whole transcript."""
        item_id = str(event["item_id"])
        audio_end_ms = cast(int, event["audio_end_ms"])
        found = self.find(item_id)
        generated_ms = found.audio_ms if found is not None else 0.0
        truncations = self._outlet.record.truncations
        try:
            item = self._known(event, "item_truncate_invalid_item_id")
            self._check_truncate(item, event, audio_end_ms)
        except errors.Refusal as refusal:
            truncations.append(Truncation(now_ms, item_id, audio_end_ms, generated_ms, refusal.code))
            raise
        truncations.append(Truncation(now_ms, item_id, audio_end_ms, generated_ms))
        item.truncated_ms = audio_end_ms
        for part in item.content or ():
            part.pop("transcript", None)
        self._outlet.record.items[item_id].truncated_ms = audio_end_ms
        self._outlet.emit(
            now_ms,
            "conversation.item.truncated",
            item_id=item_id,
            content_index=event["content_index"],
            audio_end_ms=audio_end_ms,
        )

    # Rules.

    def _check_truncate(self, item: Item, event: Json, audio_end_ms: int) -> None:
        if event["content_index"] != 0:
            raise errors.Refusal("invalid_value", "Only content_index 0 can be truncated.", "content_index")
        if item.role != "assistant" or not item.audio_ms or audio_end_ms <= 0:
            raise errors.Refusal(
                "unsupported_content_type",
                "Only model output audio messages can be truncated",
                "item_id",
            )
        known_ms = int(item.audio_ms) - self._outlet.knobs.truncate_shortfall_ms
        if audio_end_ms > known_ms:
            raise errors.Refusal(
                "invalid_value",
                f"Audio content of {known_ms}ms is already shorter than {audio_end_ms}ms",
                "audio_end_ms",
            )

    def _known(self, event: Json, code: str) -> Item:
        item_id = str(event["item_id"])
        item = self.find(item_id)
        if item is None:
            raise errors.Refusal(code, f"Item with item_id not found: {item_id}", "item_id")
        return item

    def _check_new(self, wish: Json) -> None:
        item_id = wish.get("id")
        if item_id is not None and self.find(str(item_id)) is not None:
            raise errors.Refusal(  # code ours
                "item_create_duplicate_item_id", f"Item {item_id} exists already.", "item.id"
            )
        if wish["type"] == "function_call_output" and not any(
            item.type == "function_call" and item.extra.get("call_id") == wish["call_id"]
            for item in self._items
        ):
            raise errors.Refusal(
                "invalid_tool_call_id",
                f"Tool call ID '{wish['call_id']}' not found in conversation.",
                "item.call_id",
            )

    def _place(self, previous_item_id: str | None) -> tuple[int, str | None]:
        """Where to insert, and the predecessor to report."""
        if previous_item_id is None:
            return len(self._items), self.last_item_id
        if previous_item_id == ROOT:
            return 0, None
        for place, item in enumerate(self._items):
            if item.item_id == previous_item_id:
                return place + 1, previous_item_id
        raise errors.Refusal(  # code ours
            "item_create_invalid_previous_item_id",
            f"Previous item with item_id not found: {previous_item_id}",
            "previous_item_id",
        )

    def _item_of(self, wish: Json) -> Item:
        known = {"id", "type", "role", "content", "status", "object"}
        content = cast("list[Json] | None", wish.get("content"))
        extra = {key: value for key, value in wish.items() if key not in known}
        if wish["type"] == "function_call":
            extra.setdefault("call_id", self._outlet.ids.mint("call"))
        return Item(
            item_id=str(wish.get("id") or self._outlet.ids.mint("item")),
            type=str(wish["type"]),
            role=cast("str | None", wish.get("role")),
            content=None
            if content is None
            else [{key: value for key, value in part.items() if key != "audio"} for part in content],
            extra=extra,
            is_turn=wish.get("role") == "user",
        )

    def _record(self, item: Item) -> None:
        text = ""
        for part in item.content or ():
            text += str(part.get("text") or part.get("transcript") or "")
        self._outlet.record.items[item.item_id] = ItemRecord(
            item_id=item.item_id,
            role=item.role or item.type,
            response_id=item.response_id,
            text=text or str(item.extra.get("output", "")),
            status=item.status,
        )
