"""What goes to Redis of both sides of one call: while the brain wants it recorded, or somebody listens.

Why it exists: nobody may wait for it on the audio path, and where nobody wants it it may cost nothing. Owns:
the wish of a call, when an entry goes, what is dropped. Must not know: places of samples (tracks.py), what
becomes of it.

A call whose sound nobody wants has no tracks: one test for None a frame is all that it costs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingress.counters import CallCounters
from ingress.tape.tracks import Tracks
from shared import resp
from shared.clock import wall_ms
from shared.contract.card import TapeState
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.contract.streams.tape import (
    ENTRY_MS,
    KEEP_ENTRIES,
    LISTENED,
    MAX_AGE_MS,
    RECORDED,
    TapeWish,
    keep_command,
    tape_command,
    tapes_commands,
)
from shared.store.writing.writer import Writer


@dataclass(frozen=True, slots=True)
class Tapes:
    """What all calls of a process share."""

    keys: Keys
    outbox: Writer
    worker: str
    counters: CallCounters
    clock: Callable[[], int] = wall_ms
    runs: Iterator[int] = field(default_factory=lambda: itertools.count(1))


@dataclass(slots=True)
class Taper:
    """Of one call, over all of its streams here. `now_ms` is monotonic."""

    call_sid: str
    shared: Tapes
    tracks: Tracks | None = None
    """None: nobody wants it, or there is no stream."""
    way_ms: float | None = None
    """To the carrier and back, as whoever looks knows it."""
    _leg: int = 0
    """0: there is no stream."""
    _recording: TapeState = TapeState.NO
    _listen_until_ms: float = float("-inf")
    _is_told: bool = False
    """The recorder was told of this run."""
    _creates: bool = True
    """The next entry makes the stream: it is the first one, or its time may have run out in a pause."""

    def stream_opened(self, leg: int, now_ms: float) -> None:
        """The call has a new stream here: its sound is a run of its own."""
        self.stream_gone(now_ms)
        self._leg = leg
        self._begin(now_ms)

    def stream_gone(self, now_ms: float) -> None:
        """Its stream is over: what was heard by now is written, and no more of it will be."""
        self._write(now_ms)
        self.tracks, self._leg = None, 0

    def wish(self, wished: TapeWish, now_ms: float) -> None:
        """The brain's word; it says so again every second as long as anything is wanted."""
        if wished.recording is not self._recording:
            # What was until now is for whom it was for until now.
            self._write(now_ms, pauses=wished.recording is TapeState.PAUSED)
        self._recording, self._listen_until_ms = wished.recording, now_ms + wished.listen_ms
        if self.tracks is None:
            self._begin(now_ms)

    def look(self, now_ms: float) -> None:
        """Four times a second."""
        if self.tracks is None:
            return
        if not self._is_wanted(now_ms):
            self.tracks = None
        elif self.tracks.since_ms(now_ms) >= ENTRY_MS:
            self._write(now_ms)

    def again(self, now_ms: float) -> None:
        """Redis had lost the call, and with it the stream: a new run makes a new one."""
        if self.tracks is not None:
            self._begin(now_ms)

    # Private.

    def _is_wanted(self, now_ms: float) -> bool:
        """Whether there are tracks: what is on its way to the caller's ear when a recording begins belongs to
        it."""
        return self._recording is not TapeState.NO or now_ms < self._listen_until_ms

    def _begin(self, now_ms: float) -> None:
        if self._leg and self._is_wanted(now_ms):
            shared = self.shared
            shared.counters.tape_runs += 1
            run = f"{shared.worker}:{next(shared.runs)}"
            self.tracks = Tracks(run, self._leg, shared.clock(), now_ms)
            self._is_told, self._creates = False, True

    def _uses(self, now_ms: float) -> str:
        """What an entry that ends now is for; empty: there is none."""
        if self._recording is TapeState.PAUSED:
            return ""
        recorded = RECORDED if self._recording is TapeState.ON else ""
        return recorded + (LISTENED if now_ms < self._listen_until_ms else "")

    def _write(self, now_ms: float, *, pauses: bool = False) -> None:
        tracks, uses, shared = self.tracks, self._uses(now_ms), self.shared
        if tracks is None:
            return
        if not uses:
            tracks.pass_over(now_ms)
            return
        entry = tracks.take(now_ms, uses=uses, way_ms=round(self.way_ms or 0.0), pauses=pauses)
        shared.counters.tape_entries += 1
        self._put(tape_command(shared.keys, self.call_sid, entry, creates=self._creates))
        if self._creates or entry.number % KEEP_ENTRIES == 0:
            self._put(keep_command(shared.keys, self.call_sid))
        self._creates = pauses
        if RECORDED in uses and not self._is_told:
            self._is_told = True
            for command in tapes_commands(shared.keys, self.call_sid):
                shared.outbox.send(command)

    def _put(self, command: Command) -> None:
        """Sound that could not be written for long is worth less than the rest of the process."""
        lane = self.shared.keys.lane(self.call_sid)
        self.shared.outbox.send_packed(
            lane, resp.pack(command.args), max_age_ms=MAX_AGE_MS, on_void=self._void
        )

    def _void(self, _packed: bytes) -> None:
        """The call is over, or its stream is gone: there is nobody to write it for."""
        self.shared.counters.tape_void += 1
