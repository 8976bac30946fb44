"""What other processes and operators say, on its way into the brain: control messages, and the playhead.

Why it exists: as from_model, for the other side: a message may concern several parts of a call at once.
Owns: which part is told what, the place in `control` and keeping it on the card. Must not know: what a
message leads to in the sequencer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field

from brain.call import reports
from brain.call.from_model import Door
from brain.call.leaving import Leaving
from brain.call.lines import CallLog
from brain.call.watch import CallWatch
from brain.caller.away import Away
from brain.caller.feed import CallerFeed
from brain.counters import BrainCounters
from brain.sequencer import inputs
from brain.tools.runs import ToolRuns
from shared.clock import now_ms
from shared.contract.card import BrainControl, BrainServed
from shared.contract.errors import ContractError
from shared.contract.streams.control import (
    Detached,
    Dialled,
    Dtmf,
    Ended,
    InWriting,
    Letter,
    Listen,
    Message,
    Outranked,
    Stream,
)
from shared.contract.streams.journal import Kind
from shared.contract.views import PlayheadView
from shared.logs.log import Log
from shared.ownership import steps
from shared.ownership.control_feed import ControlFeed, Spawn
from shared.ownership.counters import OwnershipCounters
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

SAVE_EVERY_SWEEPS = 10
"""The position is written at this interval even where it stands: a fenced write is how a quiet call whose end
was missed, or whose card is gone, is let go of."""

MAX_SHOWN_CHARS = 40
"""Of a kind that nobody knows."""


@dataclass(slots=True)
class FromControl:
    """The control messages of one call. `position`: where reading goes on."""

    door: Door
    store: Store
    owner: Owner
    feed: CallerFeed
    away: Away
    leaving: Leaving
    watch: CallWatch
    tools: ToolRuns
    listened: Callable[[], None]
    """Told when somebody listens to the call."""
    lines: CallLog
    log: Log
    counters: BrainCounters
    ownership: OwnershipCounters
    ended: Callable[[], None]
    """Told when the call has ended."""
    spawn: InitVar[Spawn]
    position: InitVar[str]
    reader: ControlFeed = field(init=False)
    _saved: str = field(init=False)
    _sweeps: int = 0
    _keys_wait: bool = False
    """Keys that the model was not told yet: a next brain is to read them again."""

    def __post_init__(self, spawn: Spawn, position: str) -> None:
        owner = self.owner
        self.reader = ControlFeed(
            self.store, owner.outbox, owner.keys, owner.call_sid, spawn, self.on_letter, self.ownership,
            self.log, position,
        )  # fmt: skip
        self._saved = position

    def upkeep(self, *, sweep: bool) -> None:
        """Twice a second: saves the place at once where keys that waited were told. With `sweep` (once a
        second) looks for messages that nobody rang for, and saves the place in them."""
        if self._keys_wait and not self.watch.keys_wait:
            self.save()
        if sweep:
            self._sweep()

    def on_letter(self, letter: Letter) -> None:
        """A message that was read, or why it could not be meant."""
        self.counters.control_messages += 1
        if letter.message is not None:
            self._on_message(letter.message)
            if not letter.number:
                self.save()  # Of what a person typed each entry counts: a next brain must not do it again.
            return
        kind = letter.kind[:MAX_SHOWN_CHARS]
        self.counters.control_ignored += 1
        self.log.info("control_ignored", kind=kind, sender=letter.sender[:80])
        if letter.refusal:
            self.lines.note(Kind.REFUSED, what=kind, why=letter.refusal)

    async def ask_playhead(self, cut: int) -> None:
        """Where playing stood in the cut that was interrupted, by the card. Egress tells more, if it tells
        within the wait; then this changes nothing. Cancelling it is safe."""
        try:
            view = await steps.read_view(self.store, self.owner.keys, self.owner.call_sid, PlayheadView)
        except STORE_ERRORS:
            return  # Nobody said where it stood.
        except ContractError as error:
            self.ownership.unread(error, self.log)
            return
        found = None if view is None else reports.read_playhead(view, cut)
        if found is not None:
            self.door.give(found)

    def save(self) -> None:
        """Keeps the place on the card; as long as keys wait, the one before the first of them."""
        self._keys_wait = self.watch.keys_wait
        position = self._saved if self._keys_wait else self.reader.position
        self._saved = position
        self.owner.card(BrainControl(control_pos_brain=position))

    # Private.

    def _sweep(self) -> None:
        self.reader.sweep()
        self._sweeps += 1
        if self.reader.position != self._saved or self._sweeps % SAVE_EVERY_SWEEPS == 0:
            self.save()
        if self._sweeps == SAVE_EVERY_SWEEPS:  # Ten seconds: it is not this call that ends its owners.
            self.owner.card(BrainServed(brain_attempts=0))

    def _on_message(self, message: Message) -> None:
        try:
            report = reports.read_report(message)
        except ContractError as error:
            self.ownership.unread(error, self.log)
            return
        if isinstance(message, InWriting):
            self.tools.caller_active()
            self.watch.caller_active()
        if report is not None:
            self.door.give(report)
            return
        match message:
            case Ended(outcome=outcome):
                self.log.info("call_ended", outcome=outcome)
                self.ended()
            case Stream(leg=leg, ingress=ingress):
                self._on_stream(leg, ingress)
            case Listen():
                self.listened()
            case Detached(cause=cause):
                self.away.left()
                self.leaving.stream_closed()
                self.log.info("stream_detached", cause=cause)
            case Dialled(status=status):
                self.away.dialled(status)
            case Outranked(worker=self.owner.worker, highest=highest) if highest > self.owner.epoch:
                if self.owner.claim_again is not None:
                    self.owner.claim_again(highest)
            case Dtmf(digit=digit):
                self.tools.caller_active()
                self.watch.pressed(digit, now_ms())
                if self._keys_wait and not self.watch.keys_wait:
                    self.save()
                self._keys_wait = self.watch.keys_wait
            case _:
                pass

    def _on_stream(self, leg: int, ingress: str) -> None:
        """A new media stream: the caller is back, if they were sent away."""
        self.leaving.stream_opened(leg, ingress)
        self.feed.moved(ingress)
        self.lines.note(Kind.LEG, leg=str(leg))
        back = self.away.returned()
        if back is not None:
            self.lines.note(Kind.MOVE_ENDED, what=back.kind, status=back.status)
            self.tools.moved(back.call_id, back.output)
            self.door.give(inputs.MoveEnded(output=back.output))
