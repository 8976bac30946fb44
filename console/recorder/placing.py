"""Where every piece of a recording goes: entries of `tape` in, pieces of two tracks out.

Why it exists: entries come twice after a restart, are lost when nobody read them for two minutes, and are of
several media streams, maybe of several hosts; what a person hears must have everything at its time, and what
is missing must be known. Owns: the origin of a recording, its gaps and pauses, what was read. Pure. Must not
know: files, Redis.

What is written is placed, never appended: the same entry again changes nothing. Nothing of a pause is placed,
also where it came late. Clocks of several hosts are believed as far as they do no harm: no run goes back over
the sound of another one, and a gap is no longer than GAP_MOST_MS. What was moved for that is told.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import orjson

from shared.contract.entry import order
from shared.contract.streams.tape import ENTRY_MS, RECORDED, Piece, TapeEntry, samples

GAP_MOST_MS = 600_000
"""A silence is no longer than this, 10 MB: one clock that is a day ahead would make a gigabyte of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Sound for the file. `channel`: 0 the caller, 1 what was heard; `piece`: from the origin."""

    channel: int
    piece: Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the recording that is silence."""

    at_ms: int
    ms: int
    why: str
    """LOST, STREAM or PAUSED."""
    was_ms: int | None = None
    """How long it was, where the recording has less of it; None: it has all of it."""


LOST, STREAM, PAUSED = "lost", "stream", "paused"
"""Entries that were dropped; a time without a media stream of ours, or with one whose sound was not wanted
yet; what was kept out on purpose."""


@dataclass(slots=True, kw_only=True)
class Run:
    """An unbroken piece of writing by one ingress."""

    next_number: int = 1
    floor_ms: int = 0
    """Nothing before it is wanted."""
    is_placed: bool = False
    """Something of it is recorded."""
    moved_ms: int = 0
    """So much later than its clock says it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAt:
    """When a media stream began to be recorded."""

    leg: int
    at_ms: int
    way_ms: int
    """To the carrier and back: as much later than it was said a caller's answer stands behind what they
    heard."""
    moved_ms: int = 0
    """So much later than its host's clock says, since clocks disagree; below 0: earlier, a silence before it
    is shorter than it was."""


@dataclass(slots=True, kw_only=True)
class Placing:
    """Of one call."""

    origin_ms: int | None = None
    """Wall time of the first sample; None: there is none."""
    last_id: str = "0-0"
    """The last entry that was read."""
    end_ms: int = 0
    """How long it is so far."""
    runs: dict[str, Run] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    legs: list[LegAt] = field(default_factory=list)
    lost_frames: int = 0
    """Of the caller's: they never reached us."""
    is_paused: bool = False
    last_run: str = ""
    """Of the last entry that was placed."""

    def place(self, entry_id: str, entry: TapeEntry) -> list[Patch]:
        """What goes where, of the next entry; nothing of one that was read before."""
        if order(entry_id) <= order(self.last_id):
            return []
        self.last_id = entry_id
        run = self.runs.setdefault(entry.run, Run())
        missing = entry.number - run.next_number
        if missing < 0:
            return []  # Written twice: its writer did not hear that it was.
        run.next_number = entry.number + 1
        if RECORDED not in entry.uses:
            run.floor_ms = entry.to_ms
            return []
        if self.origin_ms is None:
            self.origin_ms = entry.wall_ms + entry.from_ms
            self._note_lost_beginning(missing, entry.from_ms - run.floor_ms)
        begins_ms = self._begin(entry, run, LOST if missing else STREAM)
        self.is_paused = entry.pauses
        self.lost_frames += entry.lost
        self.end_ms = max(self.end_ms, begins_ms + entry.to_ms - entry.from_ms)
        return self._patches(entry, run)

    def dump(self) -> bytes:
        """All of it, for a file."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, written: bytes) -> Placing:
        """The same. Raises ValueError for what `dump` did not write."""
        try:
            found = orjson.loads(written)
            found["runs"] = {name: Run(**run) for name, run in found["runs"].items()}
            found["spans"] = [Span(**span) for span in found["spans"]]
            found["legs"] = [LegAt(**leg) for leg in found["legs"]]
            return cls(**found)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"expected the state of a recording, got {type(error).__name__}") from None

    # Private.

    def _note_lost_beginning(self, missing: int, most_ms: int) -> None:
        """Entries before the first one were dropped: how long they were is known about."""
        lost_ms = min(missing * ENTRY_MS, most_ms)
        if lost_ms > 0:
            self.spans.append(Span(at_ms=0, ms=0, why=LOST, was_ms=lost_ms))

    def _begin(self, entry: TapeEntry, run: Run, why: str) -> int:
        """Where an entry begins, with what is silent before it. `why`: that is so, unless it was a pause."""
        is_first, run.is_placed = not run.is_placed, True
        if is_first or self.is_paused:
            run.floor_ms = entry.from_ms
        begins_ms = entry.wall_ms + entry.from_ms + run.moved_ms - (self.origin_ms or 0)
        gap_ms = begins_ms - self.end_ms
        if is_first and gap_ms < 0:
            move_ms = -gap_ms
        elif gap_ms > GAP_MOST_MS:
            move_ms = GAP_MOST_MS - gap_ms
        else:
            move_ms = 0
        run.moved_ms += move_ms
        begins_ms += move_ms
        if gap_ms > 0:
            self.spans.append(
                Span(
                    at_ms=self.end_ms,
                    ms=begins_ms - self.end_ms,
                    why=PAUSED if self.is_paused else why,
                    was_ms=gap_ms if move_ms else None,
                )
            )
        if is_first:
            leg = LegAt(leg=entry.leg, at_ms=begins_ms, way_ms=entry.way_ms, moved_ms=run.moved_ms)
            self.legs.append(leg)
        elif entry.run != self.last_run:
            run.floor_ms = max(run.floor_ms, entry.from_ms + self.end_ms - begins_ms)
        self.last_run = entry.run
        return begins_ms

    def _patches(self, entry: TapeEntry, run: Run) -> list[Patch]:
        offset = samples(entry.wall_ms + run.moved_ms - (self.origin_ms or 0))
        floor = max(samples(run.floor_ms), -offset)
        ceiling = samples(entry.to_ms + GAP_MOST_MS)  # Places follow the carrier's numbers, which may jump.
        return [
            Patch(channel=channel, piece=Piece(offset + piece.at + cut, piece.audio[cut:]))
            for channel, pieces in enumerate((entry.caller, entry.heard))
            for piece in pieces
            if piece.at < ceiling and (cut := max(0, floor - piece.at)) < len(piece.audio)
        ]
