"""The conversation as a next brain will need it: items, what was heard of them, tools. Fenced.

Owns: the entries of `history` and how often a growing item is written anew. Must not know: how they are
read back (conversation). Texts stand here and nowhere else: not in journals, not in logs.

    kind=item   id, role (user, assistant), text so far, final 0/1
    kind=audio  id, ms: how long the model's item is
    kind=heard  id, ms, of (ms received by then), complete 0/1
    kind=keys   id, text: what the caller pressed, as the model was told
    kind=tool   call_id, name, state (started, result), value (arguments or output)

A caller's item is written at once, without its text: the order of the entries is that of the conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.ownership.owner import Owner

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

    def user_item(self, item_id: str) -> None:
        """The caller's turn is an item; its text may come."""
        self._item(item_id, "user", "", final=False)

    def user_text(self, item_id: str, said: str) -> None:
        """The caller's item has its text; empty: it will have none."""
        self._item(item_id, "user", said, final=True)

    def keys(self, item_id: str, typed: str) -> None:
        """What the caller pressed: the next session must know it; it stands in no transcript."""
        self._append([b"kind", b"keys", b"id", item_id.encode(), b"text", typed.encode()])

    def model_delta(self, item_id: str, delta: str, now_ms: float) -> None:
        """The model's text grows; it leads the audio."""
        growing = self._growing.get(item_id)
        if growing is None:
            if len(self._growing) >= MAX_GROWING:
                del self._growing[next(iter(self._growing))]
            growing = self._growing[item_id] = _Growing(written_at_ms=now_ms)
            growing.text = delta
            # At once, for the order of the entries.
            self._item(item_id, "assistant", delta, final=False)
            return
        growing.text += delta
        if now_ms - growing.written_at_ms >= REWRITE_EVERY_MS:
            growing.written_at_ms = now_ms
            self._item(item_id, "assistant", growing.text, final=False)

    def model_text(self, item_id: str, said: str) -> None:
        """The model's text is whole. One that was interrupted has none to send: what grew stands then."""
        growing = self._growing.pop(item_id, None)
        whole = said or ("" if growing is None else growing.text)
        self._item(item_id, "assistant", whole, final=True)

    def item_ms(self, item_id: str, total_ms: int) -> None:
        """The model's item has all its audio."""
        self._append([b"kind", b"audio", b"id", item_id.encode(), b"ms", b"%d" % total_ms])

    def heard(self, item_id: str, heard_ms: int, received_ms: int, complete: bool) -> None:
        """How much of an item was heard, final."""
        growing = self._growing.pop(item_id, None)
        if growing is not None and growing.text:
            # Interrupted: no more text will come, and what came since the last writing counts.
            self._item(item_id, "assistant", growing.text, final=True)
        self._append(
            [
                b"kind", b"heard", b"id", item_id.encode(), b"ms", b"%d" % heard_ms,
                b"of", b"%d" % received_ms, b"complete", b"1" if complete else b"0",
            ]
        )  # fmt: skip

    def tool(self, call_id: str, name: str, state: str, value: str) -> None:
        """A call was started (`value`: its arguments) or has its result (`value`: the output)."""
        self._append(
            [
                b"kind", b"tool", b"call_id", call_id.encode(), b"name", name.encode(),
                b"state", state.encode(), b"value", value.encode(errors="replace"),
            ]
        )  # fmt: skip

    def _item(self, item_id: str, role: str, said: str, *, final: bool) -> None:
        self._append(
            [
                b"kind", b"item", b"id", item_id.encode(), b"role", role.encode(),
                b"text", said.encode(errors="replace"), b"final", b"1" if final else b"0",
            ]
        )  # fmt: skip

    def _append(self, fields: list[bytes]) -> None:
        self.owner.append("history", [b"v", b"1", *fields], maxlen=MAXLEN)
