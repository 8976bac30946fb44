"""The conversation as a next brain will need it, written as it happens: items, what was heard of them, tools.

Why it exists: the model's text grows by a few letters at a time, and each of them would be an entry. Owns:
how often a growing item is written again. Must not know: what an entry looks like
(shared/contract/streams/history.py says what each kind means), how entries are read back (conversation).
Texts stand here and nowhere else: not in journals, not in logs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    KeysPressed,
    NoticeSaid,
    Overheard,
    QuietUntil,
    ToolEntry,
    ToolState,
)
from shared.ownership.owner import Owner

REWRITE_EVERY_MS = 1000.0
"""A growing text is written again at most this often, and once when it is final."""

WRITTEN_WITHIN_S = 0.5
"""How long a tool waits to be written down before it is run."""

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
    agent_of: Callable[[str], str] = lambda _key: ""
    """Whose an item of the model or a call of a tool is, by the agent's name; empty: nobody knows."""
    _growing: dict[str, _Growing] = field(default_factory=dict)

    def user_item(self, item_id: str) -> None:
        """The caller's turn is an item; its text may come."""
        self._item(item_id, "user", "", final=False)

    def user_text(self, item_id: str, said: str) -> None:
        """The caller's item has its text; empty: it will have none."""
        self._item(item_id, "user", said, final=True)

    def overheard(self, item_id: str) -> None:
        """What the caller said there was no turn."""
        self.owner.history(Overheard(item_id=item_id))

    def notice(self, item_id: str) -> None:
        """What is said next for the model is a recording."""
        self.owner.history(NoticeSaid(item_id=item_id))

    def keys(self, item_id: str, typed: str) -> None:
        """What the caller pressed: the next session must know it; it stands in no transcript."""
        self.owner.history(KeysPressed(item_id=item_id, text=typed))

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

    def cut_off(self, item_id: str, said: str) -> None:
        """The model's text ends here: its session is lost, and more of it was never spoken."""
        self._growing.pop(item_id, None)
        self._item(item_id, "assistant", said, final=True)

    def item_ms(self, item_id: str, total_ms: int) -> None:
        """The model's item has all its audio."""
        self.owner.history(ItemLength(item_id=item_id, ms=total_ms))

    def heard(self, item_id: str, heard_ms: int, received_ms: int, complete: bool) -> None:
        """How much of an item was heard, final."""
        growing = self._growing.pop(item_id, None)
        if growing is not None and growing.text:
            # Interrupted: no more text will come, and what came since the last writing counts.
            self._item(item_id, "assistant", growing.text, final=True)
        self.owner.history(ItemHeard(item_id=item_id, ms=heard_ms, of_ms=received_ms, complete=complete))

    def tool(self, call_id: str, name: str, state: ToolState, value: str) -> None:
        """A tool was run elsewhere (`value`: its arguments), or has its result (`value`: the output)."""
        self.owner.history(self._tool(call_id, name, state, value))

    async def tool_started(self, call_id: str, name: str, arguments: str) -> None:
        """A tool is about to be run: returns once Redis has it, or has not answered in time. Cancelling it
        leaves it written."""
        written = asyncio.Event()
        entry = self._tool(call_id, name, ToolState.STARTED, arguments)
        self.owner.history(entry, then=written.set)
        # A Redis that is away keeps no tool from its caller: only a death right now could run it twice.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WRITTEN_WITHIN_S):
                await written.wait()

    def quiet_until(self, at_ms: int) -> None:
        """The caller has asked for a moment, by the clock on the wall."""
        self.owner.history(QuietUntil(at_ms=at_ms))

    def again(self, entries: Iterable[HistoryEntry]) -> None:
        """Redis has lost the history: all of it is written again."""
        for entry in entries:
            self.owner.history(entry)

    # Private.

    def _item(self, item_id: str, role: str, said: str, *, final: bool) -> None:
        agent = (self.agent_of(item_id) or None) if role == "assistant" else None
        self.owner.history(ItemEntry(item_id=item_id, role=role, text=said, final=final, agent=agent))

    def _tool(self, call_id: str, name: str, state: ToolState, value: str) -> ToolEntry:
        agent = self.agent_of(call_id) or None
        return ToolEntry(call_id=call_id, name=name, state=state, value=value, agent=agent)
