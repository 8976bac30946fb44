"""Where every piece of a recording goes: entries of `tape` in, pieces of two tracks out.

Why it exists: entries come twice after a restart, are lost when nobody read them for two minutes, and are of
several media streams, maybe of several hosts; what a person hears must have everything at its time, and what
is missing must be known. Owns: the origin of a recording, its gaps and pauses, what was read. Pure. Must not
know: files, Redis.

What is written is placed, never appended: the same entry again changes nothing. Nothing of a pause is placed,
also where it came late.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import orjson

from shared.contract.entry import order
from shared.contract.streams.tape import RECORDED, Piece, TapeEntry, samples


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


LOST, STREAM, PAUSED = "lost", "stream", "paused"
"""Entries that were dropped; a time without a media stream of ours, or with one whose sound was not wanted
yet; what was kept out on purpose."""


@dataclass(slots=True, kw_only=True)
class Run:
    """An unbroken piece of writing by one ingress."""

    next_number: int = 1
    floor_ms: int = 0
    """Nothing before it is wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAt:
    """When a media stream began to be recorded."""

    leg: int
    at_ms: int
    way_ms: int
    """To the carrier and back: as much later than it was said a caller's answer stands behind what they
    heard."""


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

    def place(self, entry_id: str, entry: TapeEntry) -> list[Patch]:
        """What goes where, of the next entry; nothing of one that was read before."""
        if order(entry_id) <= order(self.last_id):
            return []
        self.last_id = entry_id
        is_new = entry.run not in self.runs
        run = self.runs.setdefault(entry.run, Run())
        missing, run.next_number = entry.number - run.next_number, entry.number + 1
        if missing < 0:
            run.next_number -= 1 - missing
            return []  # Written twice: its writer did not hear that it was.
        if RECORDED not in entry.uses:
            run.floor_ms = entry.to_ms
            return []
        if self.origin_ms is None:
            self.origin_ms = entry.wall_ms + entry.from_ms
        begins_ms = entry.wall_ms + entry.from_ms - self.origin_ms
        if is_new or self.is_paused:
            run.floor_ms = entry.from_ms
        if is_new:
            self.legs.append(LegAt(leg=entry.leg, at_ms=max(0, begins_ms), way_ms=entry.way_ms))
        self._note_silence(begins_ms, LOST if missing and not is_new else STREAM)
        self.is_paused = entry.pauses
        self.lost_frames += entry.lost
        self.end_ms = max(self.end_ms, entry.wall_ms + entry.to_ms - self.origin_ms)
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

    def _note_silence(self, begins_ms: int, why: str) -> None:
        if begins_ms > self.end_ms:
            why = PAUSED if self.is_paused else why
            self.spans.append(Span(at_ms=self.end_ms, ms=begins_ms - self.end_ms, why=why))

    def _patches(self, entry: TapeEntry, run: Run) -> list[Patch]:
        offset = samples(entry.wall_ms - (self.origin_ms or 0))
        floor = max(samples(run.floor_ms), -offset)
        return [
            Patch(channel=channel, piece=Piece(offset + piece.at + cut, piece.audio[cut:]))
            for channel, pieces in enumerate((entry.caller, entry.heard))
            for piece in pieces
            if (cut := max(0, floor - piece.at)) < len(piece.audio)
        ]
