"""An owner's pen: the fenced writes of one role of one call, all through the outbox.

Why it exists: a call outlives each of our processes, so that two of them may believe that they own it. Every
write of an owner is checked, in Redis and in one step, against owner and epoch on the call's card. Owns:
sending what shared/contract/writes.py makes, the owner's numbering of control messages, telling that a write
was refused, sending again what was refused since Redis had lost the claim. Must not know: what a role does
with a call, or when it should let go of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.clock import wall_ms
from shared.contract import writes
from shared.contract.claiming import release
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Answer, Refusal, ScriptCall, read_refusal
from shared.contract.streams.calls import Orphaned
from shared.contract.streams.control import Message
from shared.contract.streams.history import HistoryEntry
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.writes import Speaker, under
from shared.ownership.counters import Where
from shared.ownership.guard import CallGuard
from shared.store.writing.write_queue import OnReply
from shared.store.writing.writer import Writer

OnRefused = Callable[[Refusal], None]
"""Called with what the fence said. A refusal by Redis itself (out of memory) does not call it."""

HELD_MOST = 1000
"""Writes that wait until the call is claimed again, which takes a second: the oldest are dropped beyond."""


@dataclass(frozen=True, slots=True)
class _Write:
    call: ScriptCall
    urgent: bool
    then: Callable[[], None] | None


@dataclass(slots=True)
class Owner:
    """Writes for one call, role and epoch. Nothing here waits.

    `on_fenced` is called once for each write that was refused: the owner must let go of the call. Where Redis
    has lost its claim, `claim_again` is called instead, with the epoch that the next one must be above. What
    was refused then, or since there was no card, is kept, with all that comes after it, in order: who gets
    the call again says so by `claimed_again`, and it is sent under the new epoch.
    """

    outbox: Writer
    keys: Keys
    call_sid: str
    role: str
    epoch: int
    on_fenced: OnRefused
    worker: str
    """Who speaks: the owner on the card."""
    claim_again: Callable[[int], None] | None = None
    """None: there is nobody who could."""
    guard: CallGuard | None = None
    """What an answer leads to goes through it; None: nobody else is served here."""
    _speaker: Speaker = field(init=False)
    _letters: int = 0
    """Control messages sent: each has its number, so that a repeated write is read once."""
    _is_behind: bool = False
    """Redis does not know of our claim: nothing is sent for now."""
    _under_way: int = 0
    """Writes that were not answered yet."""
    _refused: deque[_Write] = field(default_factory=lambda: deque(maxlen=HELD_MOST))
    _held: deque[_Write] = field(default_factory=lambda: deque(maxlen=HELD_MOST))
    """What was written since the first one was refused."""

    def __post_init__(self) -> None:
        self._speaker = Speaker(self.call_sid, self.role, self.worker, self.epoch)

    def reply(self, entry: ReplyEntry, *, wake: bool, then: Callable[[], None] | None = None) -> None:
        """An entry of `reply`; a flush never waits. `then` is called when it stands in Redis."""
        call = writes.append_reply(self.keys, self._speaker, entry, wake=wake)
        self._send(call, urgent=wake or entry.kind is ReplyKind.FLUSH, then=then)

    def history(self, entry: HistoryEntry, *, then: Callable[[], None] | None = None) -> None:
        """An entry of `history`; at once, if somebody waits for it: `then` is called when it stands in
        Redis."""
        call = writes.append_history(self.keys, self._speaker, entry)
        self._send(call, urgent=then is not None, then=then)

    def tell(self, message: Message, *, wake: str) -> None:
        """A control message, at once; the doorbells of the roles in `wake` ring ("brain", "egress" or
        both)."""
        self._letters += 1
        call = writes.append_control(
            self.keys, self._speaker, message, sender=self.worker, number=str(self._letters), wake=wake
        )
        self._send(call, urgent=True)

    def card(self, *records: object, urgent: bool = False) -> None:
        """Writes records of shared/contract/card.py."""
        self._send(writes.write_card(self.keys, self._speaker, *records), urgent=urgent)

    def trim_reply(self, keep_from_id: str, *records: object) -> None:
        """Forgets what was heard before `keep_from_id` ("" = nothing) and writes records of the card, in one
        step."""
        self._send(writes.trim_reply(self.keys, self._speaker, keep_from_id, *records))

    def give_back(
        self, *, heir: str = "", why: Orphaned = Orphaned.RELEASED, then: Callable[[bool], None] | None = None
    ) -> None:
        """Lets `heir`, or whoever comes first, claim the role, behind all that was written before. `then` is
        told whether it was still ours to give; a refusal by Redis itself does not call it."""
        step = release(
            self.keys, self.call_sid, role=self.role, worker=self.worker, epoch=self.epoch, wall_ms=wall_ms(),
            heir=heir, why=why,
        )  # fmt: skip

        def answered(reply: Any) -> None:
            if then is not None and not isinstance(reply, Exception):
                then(read_refusal(reply) is None)

        self.outbox.send(step.command(), on_reply=self._guarded(answered), urgent=True)

    def refused(self, refusal: Refusal) -> None:
        """A write of ours was fenced."""
        if self.claim_again is not None and refusal.is_behind(self.epoch):
            self.claim_again(self.epoch)
        else:
            self.on_fenced(refusal)

    def claimed_again(self, epoch: int) -> None:
        """The role is ours again, under a higher epoch. What Redis refused meanwhile, and what was not sent,
        goes once all that is under way is answered: so it keeps its order."""
        self.epoch = epoch
        self._speaker = Speaker(self.call_sid, self.role, self.worker, epoch)
        self._is_behind = self._under_way > 0
        if not self._is_behind:
            self._send_again()

    # Private.

    def _send(
        self, call: ScriptCall, *, urgent: bool = False, then: Callable[[], None] | None = None
    ) -> None:
        write = _Write(call, urgent, then)
        if self._is_behind:
            self._held.append(write)
        else:
            self._put(write)

    def _put(self, write: _Write) -> None:
        epoch = self.epoch

        def judge(reply: Any) -> None:
            self._under_way -= 1
            # What Redis itself refused is counted by the outbox; the position in an entry tells of the gap.
            refusal = None if isinstance(reply, Exception) else read_refusal(reply)
            if refusal is not None:
                self._on_refusal(write, epoch, refusal)
            elif write.then is not None and not isinstance(reply, Exception):
                write.then()
            if self._is_behind and self.epoch > epoch and not self._under_way:
                self._is_behind = False
                self._send_again()

        self._under_way += 1
        self.outbox.send(write.call.command(), on_reply=self._guarded(judge), urgent=write.urgent)

    def _on_refusal(self, write: _Write, epoch: int, refusal: Refusal) -> None:
        if epoch < self.epoch:
            # Written before the call was claimed again.
            self._refused.append(write)
            return
        if refusal.answer is Answer.ABSENT or (self.claim_again is not None and refusal.is_behind(epoch)):
            self._is_behind = True
            self._refused.append(write)
        self.refused(refusal)

    def _send_again(self) -> None:
        writes = [*self._refused, *self._held]
        self._refused.clear()
        self._held.clear()
        for write in writes:
            self._put(_Write(under(write.call, self.epoch), write.urgent, write.then))

    def _guarded(self, on_reply: OnReply) -> OnReply:
        guard = self.guard
        return on_reply if guard is None else guard.wrap(Where.ANSWER, self.call_sid, on_reply)
