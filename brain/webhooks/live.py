"""Tells the user's systems of what happens while a call goes on: turns, transfers, another agent.

Why it exists: who shows calls as they go on, or acts on them, does not want to wait for their end. Owns:
which lines of the journal are told of, and when. Must not know: the calls; it hears of their lines
(shared/ownership/journal.py) and is told when one begins here and when it leaves.

Nothing waits for it: an event is an entry for the courier, like all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from brain.webhooks.events import Hooks
from brain.webhooks.turns import Fields, TurnLog
from shared.contract.card import Next
from shared.contract.streams.hooks import Event
from shared.contract.streams.journal import Kind


@dataclass(slots=True)
class LiveEvents:
    """Of all calls of this process."""

    hooks: Hooks
    agent_of: Callable[[str, str], str]
    """(call, item): whose an item of the model is, by the agent's name; of no item: who answers now. Empty:
    nobody knows. An event names who it was then."""
    _turns: dict[str, TurnLog] = field(default_factory=dict)
    """By call; none where nobody wants to know."""

    def begun(self, call_sid: str) -> None:
        """A call is here, again perhaps."""
        if Event.TURN_ENDED in self.hooks.told:
            self._turns.setdefault(call_sid, TurnLog())

    def noted(self, call_sid: str, kind: Kind, fields: Fields, at_ms: int) -> None:
        """A line of a call's journal."""
        turns = self._turns.get(call_sid)
        if turns is not None:
            item_id = fields.get(ITEM, "") if kind is Kind.AUDIBLE else ""
            turns.agent = self.agent_of(call_sid, str(item_id))
            turns.note(kind, fields, at_ms)
        match kind:
            case Kind.MOVE if _is_transfer(fields):
                self.hooks.transfer_started(call_sid, at_ms, agent=self.agent_of(call_sid, ""))
            case Kind.MOVE_ENDED if _is_transfer(fields):
                status = str(fields[STATUS]) if STATUS in fields else ""
                self.hooks.transfer_ended(call_sid, at_ms, status, agent=self.agent_of(call_sid, ""))
            case Kind.AGENT_CHANGED:
                self.hooks.agent_changed(call_sid, at_ms, agent=str(fields[AGENT]), was=str(fields[WAS]))
            case _:
                pass

    def look(self, at_ms: int) -> None:
        """Twice a second: what is over is told."""
        for call_sid, turns in self._turns.items():
            for turn in turns.take_due(at_ms):
                self.hooks.turn_ended(call_sid, turn, at_ms)

    def left(self, call_sid: str, at_ms: int) -> None:
        """A call is here no more: it has ended, or another brain has it. Its last turn is told as it is."""
        turns = self._turns.pop(call_sid, None)
        for turn in [] if turns is None else turns.take_rest(at_ms):
            self.hooks.turn_ended(call_sid, turn, at_ms)


# Private.

WHAT, STATUS, AGENT, WAS, ITEM = "what", "status", "agent", "was", "item"
"""Fields of the journal's lines."""


def _is_transfer(fields: Fields) -> bool:
    return WHAT in fields and str(fields[WHAT]) == Next.DIAL
