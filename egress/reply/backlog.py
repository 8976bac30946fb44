"""The audio of one call that egress holds: what is to be sent, and what was sent and may be needed again.

Why it exists: after a lost socket or a lost write the same audio is sent again, from where it was heard
or confirmed; and `reply` may only be trimmed up to what nobody will ask for again.

Owns: the stretches of audio in order, the cursor, frame numbers, and which entries of `reply` hold what.
Pure. Must not know: time, schedules, what was heard (it is told).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from egress.heard.accounts import PlayedItem
from egress.reply.framer import Framer, frame_at_ms
from shared.audio import BYTES_PER_MS, FRAME_MS
from shared.contract.entry import after

FINISHED_ITEMS = 64
"""An entry that comes again does so within seconds, so few finished items need to be remembered."""


@dataclass(slots=True)
class Stretch:
    """Unbroken audio of one item, with the place of the cursor in it."""

    item: PlayedItem
    framer: Framer
    next_frame: int
    """Index of the next frame to send."""
    ends_item: bool = False
    """The item has no audio behind this stretch."""
    base_n: int | None = None
    """Frame number less frame index, by the last sending; None if nothing of it was sent."""

    @property
    def unsent(self) -> int:
        """Whole frames of it behind the cursor."""
        return self.framer.end_frame - self.next_frame

    @property
    def is_out(self) -> bool:
        """Everything that it will ever hold was sent."""
        return self.framer.closed and self.next_frame >= self.framer.end_frame


@dataclass(slots=True)
class _Sent:
    """A run of frames that ingress has not confirmed."""

    first_n: int
    last_n: int
    stretch: Stretch
    first_frame: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of `reply` that was received. A boundary holds no audio: its item is ''."""

    entry_id: str
    item_id: str
    end_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where a next owner begins: frame number `n` was the last one before frame `frame` of the item.

    Saved with each trim, so it names audio at the head of what is left of `reply`.
    """

    cut: int
    item_id: str
    frame: int
    n: int


@dataclass(slots=True)
class Backlog:
    """What is held, in order. `next_n` is the number of the next frame."""

    next_n: int
    highest_n: int = field(init=False, default=0)
    """The last number that was sent before the cursor was set back: the same numbers are for the same frames
    alone."""
    stretches: deque[Stretch] = field(init=False, default_factory=deque)
    unsent: int = field(init=False, default=0)
    """Whole frames behind the cursor."""
    finished: deque[str] = field(init=False, default_factory=lambda: deque(maxlen=FINISHED_ITEMS))
    """The last items heard to their end: if their entries come again they are not said again."""
    _sent: deque[_Sent] = field(init=False, default_factory=deque)
    _entries: deque[_Entry] = field(init=False, default_factory=deque)
    _kept_from: str = field(init=False, default="")

    # Receiving.

    @property
    def last(self) -> Stretch | None:
        """The stretch that came last."""
        return self.stretches[-1] if self.stretches else None

    def find(self, item_id: str) -> Stretch | None:
        """The newest stretch of an item."""
        return next((s for s in reversed(self.stretches) if s.item.item_id == item_id), None)

    def open(self, item: PlayedItem, start_bytes: int) -> Stretch:
        """Begins a stretch at an offset of the item."""
        framer = Framer(start_bytes)
        stretch = Stretch(item, framer, framer.first_frame)
        self.stretches.append(stretch)
        return stretch

    def feed(self, stretch: Stretch, entry_id: str, offset_bytes: int, audio: bytes) -> int:
        """Adds the bytes of an entry to a stretch; returns how many were new."""
        before = stretch.framer.end_frame
        new = stretch.framer.feed(offset_bytes, audio)
        self.unsent += stretch.framer.end_frame - before
        self._entries.append(_Entry(entry_id, stretch.item.item_id, offset_bytes + len(audio)))
        return new

    def note(self, entry_id: str) -> None:
        """An entry without audio of its own was received."""
        self._entries.append(_Entry(entry_id, "", 0))

    def close(self, stretch: Stretch, *, ends_item: bool) -> None:
        """No more bytes for this stretch: its tail is padded. Too short for a single ms: never sent."""
        before = stretch.framer.end_frame
        stretch.framer.close()
        stretch.ends_item = stretch.ends_item or ends_item
        self.unsent += stretch.framer.end_frame - before
        if stretch.ends_item and stretch.framer.end_ms == 0:
            self.unsent -= stretch.unsent
            stretch.next_frame = stretch.framer.end_frame

    # Sending.

    def next_stretch(self) -> Stretch | None:
        """The stretch of the next frame to send."""
        for stretch in self.stretches:  # For each frame: no generator is made for it.
            if stretch.unsent > 0:
                return stretch
        return None

    def oldest_unsent_id(self) -> str:
        """Id of the entry of `reply` that holds the next frame to send; '' if there is nothing to send."""
        stretch = self.next_stretch()
        if stretch is None:
            return ""
        item_id, at_bytes = stretch.item.item_id, stretch.next_frame * FRAME_MS * BYTES_PER_MS
        found = (e.entry_id for e in self._entries if e.item_id == item_id and e.end_bytes > at_bytes)
        return next(found, "")

    def advance(self, stretch: Stretch, count: int = 1) -> tuple[int, int]:
        """Moves the cursor over so many frames of a stretch, which it must have; returns the number of the
        last one and the index of the first."""
        first_n, index = self.next_n, stretch.next_frame
        last_n = first_n + count - 1
        stretch.next_frame = index + count
        stretch.base_n = first_n - index
        self.unsent -= count
        self.next_n = last_n + 1
        tail = self._sent[-1] if self._sent else None
        if tail is not None and tail.stretch is stretch and tail.last_n + 1 == first_n:
            tail.last_n = last_n
        else:
            self._sent.append(_Sent(first_n, last_n, stretch, index))
        return last_n, index

    def confirm(self, n: int) -> list[tuple[PlayedItem, int, int]]:
        """Ingress has given the socket all frames up to `n`.

        Returns for each item reached: (item, end of its last confirmed frame in ms, frames confirmed).
        """
        reached: list[tuple[PlayedItem, int, int]] = []
        while self._sent and self._sent[0].first_n <= n:
            run = self._sent[0]
            count = min(n, run.last_n) - run.first_n + 1
            reached.append((run.stretch.item, (run.first_frame + count) * FRAME_MS, count))
            if run.last_n > n:
                run.first_n += count
                run.first_frame += count
                break
            self._sent.popleft()
        return reached

    # Rewinding.

    def rewind_to_confirmed(self) -> list[tuple[PlayedItem, int]]:
        """Sets the cursor behind the last confirmed frame: the rest goes again with its old numbers.

        Returns (item, its cursor in ms) for each item whose cursor moved.
        """
        moved: list[tuple[PlayedItem, int]] = []
        if self._sent:
            self.highest_n = max(self.highest_n, self.next_n - 1)
            self.next_n = self._sent[0].first_n
        for run in self._sent:
            # A later run of the same stretch begins behind an earlier one: the earliest counts.
            if run.first_frame < run.stretch.next_frame:
                self.unsent += run.stretch.next_frame - run.first_frame
                run.stretch.next_frame = run.first_frame
                moved.append((run.stretch.item, run.first_frame * FRAME_MS))
        self._sent.clear()
        return moved

    def rewind_to(
        self, settled_ms: Callable[[str], float], frame_of: Callable[[float], int] = frame_at_ms
    ) -> list[tuple[PlayedItem, int]]:
        """Sets the cursor to what was settled of each item: the rest goes again, with new numbers.
        `frame_of`: the frame to begin with, by that position."""
        moved: list[tuple[PlayedItem, int]] = []
        for stretch in self.stretches:
            settled = settled_ms(stretch.item.item_id)
            if settled == float("inf"):
                continue
            target = max(frame_of(settled), stretch.framer.held_from)
            if target < stretch.next_frame:
                self.unsent += stretch.next_frame - target
                stretch.next_frame = target
            moved.append((stretch.item, stretch.next_frame * FRAME_MS))
        self._sent.clear()
        n = self.next_n
        for stretch in self.stretches:
            stretch.base_n = n - stretch.next_frame
            n += stretch.unsent
        return moved

    def start_at(self, stretch: Stretch, frame: int) -> None:
        """A new owner begins inside a stretch: what stands before `frame` was heard."""
        target = min(max(frame, stretch.next_frame), stretch.framer.end_frame)
        self.unsent -= target - stretch.next_frame
        stretch.next_frame = target

    def pass_over(self, item_id: str) -> None:
        """An item was heard to its end, though some of it was about to be sent again: it need not be."""
        for stretch in self.stretches:
            if stretch.item.item_id == item_id and stretch.unsent > 0:
                self.next_n += stretch.unsent
                self.unsent -= stretch.unsent
                stretch.next_frame = stretch.framer.end_frame

    def clear(self) -> int:
        """Drops everything; returns the number of frames that were never sent."""
        dropped = self.unsent
        self.stretches.clear()
        self._sent.clear()
        self.unsent = 0
        self._entries = deque(_Entry(e.entry_id, "", 0) for e in self._entries)
        return dropped

    # Trimming.

    @property
    def held_bytes(self) -> int:
        """Audio that is held, sent or not."""
        return sum(stretch.framer.held_bytes for stretch in self.stretches)

    @property
    def unsent_ms(self) -> int:
        """Audio behind the cursor."""
        return self.unsent * FRAME_MS

    def release(self, settled_ms: Callable[[str], float]) -> None:
        """Frees what nobody will ask for again, and finds how far `reply` may be trimmed."""
        settled = {s.item.item_id: settled_ms(s.item.item_id) for s in self.stretches}
        while self.stretches and self._is_done(self.stretches[0], settled):
            done_with = self.stretches.popleft()
            if done_with.ends_item:
                self.finished.append(done_with.item.item_id)
        for stretch in self.stretches:
            done = settled[stretch.item.item_id]
            unconfirmed = next((r.first_frame for r in self._sent if r.stretch is stretch), None)
            limit = stretch.next_frame if unconfirmed is None else unconfirmed
            stretch.framer.release(limit if done == float("inf") else min(limit, int(done) // FRAME_MS))
        while self._entries and self._is_entry_done(self._entries[0], settled):
            self._kept_from = after(self._entries.popleft().entry_id)

    @property
    def keep_from(self) -> str:
        """Id of the first entry of `reply` to keep, by the last `release`; '' if nothing is done with."""
        return self._kept_from

    def base(self, cut: int, settled_ms: Callable[[str], float]) -> Base:
        """Where a next owner begins, if this one is gone."""
        if not self.stretches:
            return Base(cut=cut, item_id="", frame=0, n=self.next_n - 1)
        # What was heard out and waits for its mark alone is trimmed from `reply`, and some of what follows.
        held = (s for s in self.stretches if not s.is_out or settled_ms(s.item.item_id) < s.framer.end_ms)
        first = next(held, self.stretches[-1])
        settled = settled_ms(first.item.item_id)
        frame = first.next_frame if settled == float("inf") else int(settled) // FRAME_MS
        # What is settled may be less than it was, since a late echo puts the ear back; what was released, and
        # trimmed from `reply` with it, nobody can begin with.
        frame = min(max(frame, first.framer.held_from), first.next_frame)
        n = self.next_n - 1 if first.base_n is None else first.base_n + frame - 1
        return Base(cut=cut, item_id=first.item.item_id, frame=frame, n=n)

    # Private.

    @staticmethod
    def _is_done(stretch: Stretch, settled: dict[str, float]) -> bool:
        if not stretch.is_out:
            return False
        done = settled[stretch.item.item_id]
        return done == float("inf") or (not stretch.ends_item and done >= stretch.framer.end_frame * FRAME_MS)

    @staticmethod
    def _is_entry_done(entry: _Entry, settled: dict[str, float]) -> bool:
        if not entry.item_id:
            return True
        done = settled.get(entry.item_id, float("inf"))
        return done == float("inf") or done * BYTES_PER_MS >= entry.end_bytes
