"""Tells a new session what was said before it began.

Why it exists: a session cannot be resumed. The next one is given the conversation as text items, before it
may answer anything; it must not miss one, and must not wait for ever for one that the server refuses.

Owns: the events of a seed, when it is in, what an item of it says later. Pure. Must not know: the socket.

The items keep the ids of the sessions before, so that history and the model speak of the same ones; they
are sent in order on an ordered socket, with nothing else in between, so no chain of predecessors is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from brain.json_fields import Json, inner, text
from brain.model.engine import SeedItem
from brain.model.realtime import translate
from brain.model.realtime.translate import MAX_ID_CHARS
from brain.sequencer.notice import is_notice


@dataclass(slots=True)
class Seed:
    """One seed under way."""

    items: tuple[SeedItem, ...]
    tag: str
    refused: int = 0
    item_ids: list[str] = field(default_factory=list)
    """Ids of the messages, in order: where a rewritten one has to stand."""
    _waiting: dict[str, str] = field(default_factory=dict)
    """item id → event id of what the server has not answered."""
    _rewrites: int = 0

    def events(self) -> list[bytes]:
        """The client events, in order."""
        texts: list[bytes] = []
        for number, item in enumerate(self.items):
            item_id = item.item_id
            if not item_id or len(item_id) > MAX_ID_CHARS:
                item_id = f"{self.tag}h{number}"
            event_id = f"{self.tag}-seed-{number}"
            self._waiting[item_id] = event_id
            self.item_ids.append(item_id)
            event = translate.create_item(event_id, _body(item, item_id))
            texts.append(orjson.dumps(event))
        return texts

    def handle(self, event: Json) -> None:
        """A server event: an item is in, or was refused; all others are not for us."""
        match text(event, "type"):
            case "conversation.item.added":
                self._waiting.pop(text(inner(event, "item"), "id"), None)
            case "error":
                event_id = text(inner(event, "error"), "event_id")
                for item_id, sent in list(self._waiting.items()):
                    if sent == event_id:
                        del self._waiting[item_id]
                        self.item_ids.remove(item_id)
                        self.refused += 1
            case _:
                pass

    def takes(self, item_id: str) -> bool:
        """Whether an item is still to be told; from now on it is one that was."""
        is_new = item_id not in self.item_ids
        if is_new:
            self.item_ids.append(item_id)
        return is_new

    def rewritten(self, item_id: str, said: str) -> list[bytes]:
        """The client events by which an item says something else, at its place; none for one that was not
        told. Nothing said: it is gone."""
        if item_id not in self.item_ids:
            return []
        at = self.item_ids.index(item_id)
        self._rewrites += 1
        event_id = f"{self.tag}-rewrite-{self._rewrites}"
        events = [translate.delete_item(event_id, item_id)]
        if said:
            # Another id: the old one may be in use until the server has deleted it.
            new_id = f"{self.tag}w{self._rewrites}"
            after_id = self.item_ids[at - 1] if at else "root"
            body = translate.message("system" if is_notice(item_id) else "assistant", said, new_id)
            events.append(translate.create_item(f"{event_id}-text", body, after_id))
            self.item_ids[at] = new_id
        else:
            del self.item_ids[at]
        return [orjson.dumps(event) for event in events]

    @property
    def is_in(self) -> bool:
        """Whether every item was answered."""
        return not self._waiting


# Private.


def _body(item: SeedItem, item_id: str) -> Json:
    match item.kind:
        case "message" if item.audio:
            return translate.spoken(item.audio, item_id)
        case "message":
            return translate.message(item.role or "user", item.text, item_id)
        case "tool_call":
            return {**translate.tool_call(item.call_id, item.name, item.text), "id": item_id}
        case "tool_output":
            return {**translate.tool_output(item.call_id, item.text), "id": item_id}
