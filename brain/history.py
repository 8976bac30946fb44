"""The conversation as a next brain will need it: items, what was heard of them, tools. Fenced.

Owns: the entries of `history` and how often a growing item is written anew. Must not know: how they are
read back. Texts stand here and nowhere else: not in journals, not in logs.

    kind=item   id, role (user, assistant), text so far, final 0/1
    kind=heard  id, ms
    kind=tool   call_id, name, state (started, result), value (arguments or output)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brain.events import Json, text
from shared.ownership import Owner

MAXLEN = 2000
REWRITE_EVERY_MS = 1000.0
"""A growing text is written again at most this often, and once when it is final."""

MAX_GROWING = 64
"""Items whose text grows at once; more than a few means that their end was lost."""


@dataclass(slots=True)
class _Growing:
    text: str = ""
    written_at_ms: float = 0.0


@dataclass(slots=True)
class History:
    """The pen for one call's history."""

    owner: Owner
    _growing: dict[str, _Growing] = field(default_factory=dict)

    def on_event(self, event: Json, now_ms: float) -> str:
        """Notes a transcript event. Gives the id of a caller's item that is settled now, else empty."""
        match text(event, "type"):
            case "response.output_audio_transcript.delta":
                self._grow(text(event, "item_id"), text(event, "delta"), now_ms)
            case "response.output_audio_transcript.done":
                item_id = text(event, "item_id")
                self._growing.pop(item_id, None)
                self._item(item_id, "assistant", text(event, "transcript"), final=True)
            case "conversation.item.input_audio_transcription.completed":
                item_id = text(event, "item_id")
                self._item(item_id, "user", text(event, "transcript"), final=True)
                return item_id
            case "conversation.item.input_audio_transcription.failed":
                return text(event, "item_id")
            case _:
                pass
        return ""

    def heard(self, item_id: str, heard_ms: int) -> None:
        """How much of an item was heard, final."""
        self._append([b"kind", b"heard", b"id", item_id.encode(), b"ms", b"%d" % heard_ms])

    def tool(self, call_id: str, name: str, state: str, value: str) -> None:
        """A call was started (`value`: its arguments) or has its result (`value`: the output)."""
        self._append(
            [
                b"kind", b"tool", b"call_id", call_id.encode(), b"name", name.encode(),
                b"state", state.encode(), b"value", value.encode(),
            ]
        )  # fmt: skip

    def _grow(self, item_id: str, delta: str, now_ms: float) -> None:
        if not item_id:
            return
        growing = self._growing.get(item_id)
        if growing is None:
            if len(self._growing) >= MAX_GROWING:
                del self._growing[next(iter(self._growing))]
            growing = self._growing[item_id] = _Growing(written_at_ms=now_ms)
        growing.text += delta
        if now_ms - growing.written_at_ms >= REWRITE_EVERY_MS:
            growing.written_at_ms = now_ms
            self._item(item_id, "assistant", growing.text, final=False)

    def _item(self, item_id: str, role: str, said: str, *, final: bool) -> None:
        if item_id:
            self._append(
                [
                    b"kind", b"item", b"id", item_id.encode(), b"role", role.encode(),
                    b"text", said.encode(errors="replace"), b"final", b"1" if final else b"0",
                ]
            )  # fmt: skip

    def _append(self, fields: list[bytes]) -> None:
        self.owner.append("history", [b"v", b"1", *fields], maxlen=MAXLEN)
