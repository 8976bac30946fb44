"""The beginning of a call that another brain had before: what it left is read, and taken up.

Why it exists: the order matters. What was said is known before the sequencer hears of audio; the sequencer
has its state before anybody reports to it; tools are answered for before a session is told of them. Owns:
that order, the words for what was interrupted. Must not know: what counts as left (inherited), what becomes
of it (the sequencer).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from brain.caller.away import Away
from brain.caller.feed import CallerFeed
from brain.memory.recall import recall
from brain.memory.record import Record
from brain.sequencer import Sequencer, inputs
from brain.sequencer.actions import Action, Move
from brain.sequencer.inputs import Input
from brain.takeover import inherited
from brain.takeover.inherited import Inherited
from brain.tools.runs import GOODBYE, ToolRuns
from shared.clock import now_ms, wall_ms
from shared.contract.card import Plan
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.history import ToolState
from shared.contract.streams.reply import ReplyEntry, read_reply
from shared.contract.views import BrainView
from shared.logs.log import Log
from shared.ownership.counters import OwnershipCounters
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

TRIES, PAUSE_S = 5, 0.5

INTERRUPTED = (
    '{"error": "interrupted: it is not known whether this was done; do not call it again without asking the'
    ' caller"}'
)

REST_OF_GOODBYE = (
    "the rest of the one that breaks off above, where the line was interrupted; repeat nothing of what"
    " was said"
)


class PlanHolder(Protocol):
    """Who has a stream closed for a plan."""

    def inherit(self, plan: Plan, *, is_way_out: bool) -> None:
        """Another brain has written this plan. `is_way_out`: the call ends with it."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Of one call."""

    card: BrainView
    store: Store
    keys: Keys
    call_sid: str
    counters: OwnershipCounters
    log: Log
    record: Record
    sequencer: Sequencer
    feed: CallerFeed
    away: Away
    leaving: PlanHolder
    tools: ToolRuns

    async def recall(self) -> Inherited:
        """What was left. Without Redis the call goes on with what can be read. Cancelling it is safe."""
        known = self.record.conversation
        await recall(known, self.store, self.keys, self.call_sid, self.counters, self.log)
        entries = await self._reply()
        known.revive()
        found = inherited.find(self.card, entries, known)
        if found.understood:
            await self.feed.tell_kept(found.understood)
        return found

    def take_up(self, found: Inherited, step: Callable[[Sequence[Action], float], None]) -> None:
        """The parts of the call go on with it. `step` carries out what the sequencer asks for."""
        for item_id, ms in found.received.items():
            self.record.item_ms(item_id, ms)
        for item_id, ms in found.heard_out.items():
            self.record.heard(item_id, ms, ms, complete=True)
        self.feed.inherit(found.replayed)
        now = now_ms()
        held_ms = self.record.conversation.quiet_until_ms - wall_ms()
        if held_ms > 0:
            self.tools.hold(now, held_ms)
        move = found.left.move
        if move is not None:
            self.tools.inherit(move.call_id, move.tool)
            if move.gone:
                self.away.sent(Move(kind=move.kind, argument=move.argument, call_id=move.call_id))
        step(self.sequencer.inherit(found.left, now), now)
        self.record.session_lost()
        for call_id, name in found.interrupted.items():
            self.record.tool(call_id, name, ToolState.RESULT, INTERRUPTED)
        if self.card.next:
            card = self.card
            plan = Plan(
                next=card.next,
                next_arg=card.next_arg,
                cause=card.cause or "",
                next_language=card.next_language or "",
            )
            self.leaving.inherit(plan, is_way_out=found.is_on_way_out)
        self.log.info(
            "call_inherited",
            items=len(found.left.items),
            cut_off=found.left.cut_off,
            unanswered=found.left.is_unanswered,
            interrupted=len(found.interrupted),
            hang_up=found.hang_up,
            move="" if move is None else move.kind,
        )

    def follow(self, found: Inherited, give: Callable[[Input], None]) -> None:
        """What was to follow: a hang-up after the farewell, the word that the caller is back."""
        if found.hang_up and found.is_farewell_heard:
            give(inputs.HangUpWished(cause=found.hang_up))
        elif found.hang_up:
            give(
                inputs.HangUpWished(
                    cause=found.hang_up,
                    farewell=REST_OF_GOODBYE if found.is_farewell_cut_off else GOODBYE,
                    response_id=found.farewell_response,
                    only_if_unsaid=not found.is_farewell_cut_off,
                )
            )
        if found.is_back:
            back = self.away.returned()
            if back is not None:
                self.tools.moved(back.call_id, back.output)
                give(inputs.MoveEnded(output=back.output))

    # Private.

    async def _reply(self) -> list[ReplyEntry]:
        for _ in range(TRIES):
            try:
                found = await self.store.xrange(self.keys.reply(self.call_sid))
            except STORE_ERRORS:
                await asyncio.sleep(PAUSE_S)
                continue
            return [entry for fields in found if (entry := self._read(fields[1])) is not None]
        return []

    def _read(self, fields: dict[bytes, bytes]) -> ReplyEntry | None:
        try:
            return read_reply([word for pair in fields.items() for word in pair])
        except EntryError as error:
            self.counters.unread(error, self.log)
            return None
