"""Sends what is due: frames in groups, the marks between them, the words that say which debt they answer.

Why it exists: the pacer says how many frames leave, the backlog which, the ledger notes them, marks and
answers have their places between them. In which order that is done is here. Owns: that order, the count of
what was late. Pure. Must not know: whether there is a way to send on, what a flush or a new stream does.
"""

from __future__ import annotations

from dataclasses import dataclass

from egress.actions import Action, Frames, Mark
from egress.heard.accounts import DeliveryCounters
from egress.heard.ledger import Ledger
from egress.heard.marks import end_mark_due, frames_to_mark, mark_due
from egress.pacing.answers import Answers
from egress.pacing.pacer import LATE_MOST_MS, Pacer
from egress.reply.backlog import Backlog, Stretch
from shared.audio import FRAME_MS
from shared.contract.streams.pairs import GROUP_FRAMES


@dataclass(slots=True)
class Sender:
    """Of one call."""

    backlog: Backlog
    pacer: Pacer
    ledger: Ledger
    answers: Answers
    counters: DeliveryCounters

    def send(self, now_ms: float, patience_ms: float, actions: list[Action]) -> bool:
        """Adds what is due to `actions`; `patience_ms` as for `Pacer.release_count`. True: with it a talk
        spurt begins."""
        begins = bool(self.backlog.unsent) and self._send_frames(now_ms, patience_ms, actions)
        self.mark_ends(now_ms, actions)
        self.answers.end_if_out(self.backlog.stretches, self.backlog.next_n - 1, actions)
        return begins

    def mark_ends(self, now_ms: float, actions: list[Action]) -> None:
        """The marks of items whose frames have all left."""
        for stretch in self.backlog.stretches:
            if stretch.unsent or not stretch.framer.closed:
                break
            if stretch.ends_item and end_mark_due(stretch.item):
                self._mark(stretch, stretch.item.received_ms, now_ms, actions)

    # Private.

    def _send_frames(self, now_ms: float, patience_ms: float, actions: list[Action]) -> bool:
        backlog, pacer, ledger = self.backlog, self.pacer, self.ledger
        due_ms, spurts = pacer.next_due_ms, pacer.counters.spurts
        count = pacer.release_count(now_ms, backlog.unsent, patience_ms)
        if not count:
            return False
        stretch = backlog.next_stretch()
        if pacer.counters.spurts != spurts:
            is_inside = due_ms is not None and stretch is not None and stretch.item.sent_ms > 0
            self.counters.starved += is_inside
        elif due_ms is not None and now_ms - due_ms > LATE_MOST_MS:
            self.counters.frames_late += min(count, int((now_ms - due_ms - LATE_MOST_MS) // FRAME_MS) + 1)
        n, left = backlog.next_n - 1, count
        while left:
            if stretch is not None and not stretch.unsent:
                if stretch.ends_item and end_mark_due(stretch.item):
                    self._mark(stretch, stretch.item.received_ms, now_ms, actions)
                self.answers.end_if_out(backlog.stretches, n, actions)
                stretch = backlog.next_stretch()
            if stretch is None:
                break
            self.answers.begin(stretch.item.response, n, actions)
            frames = min(left, GROUP_FRAMES, stretch.unsent, frames_to_mark(stretch.next_frame))
            n, index = backlog.advance(stretch, frames)
            left -= frames
            actions.append(Frames(n, stretch.framer.frames(index, frames)))
            end_ms = (index + frames) * FRAME_MS
            ledger.sent(stretch.item, end_ms, now_ms, frames)
            if mark_due(stretch.item, end_ms):
                self._mark(stretch, end_ms, now_ms, actions)
        pacer.sent(n, now_ms)
        self.counters.frames_sent += count
        return pacer.counters.spurts != spurts

    def _mark(self, stretch: Stretch, ms: int, now_ms: float, actions: list[Action]) -> None:
        actions.append(Mark(self.backlog.next_n - 1, self.ledger.mark(stretch.item, ms, now_ms)))
