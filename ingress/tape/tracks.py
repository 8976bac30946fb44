"""The two sides of one media stream on one clock: what was received, and what was heard.

Why it exists: frames of the caller come with the network's jitter, and frames for the caller are given ahead
of their ear and may be voided; a recording must have each where it was. Owns: the place of every sample.
Pure; `now_ms` is monotonic. Must not know: Redis, who wants it.

- Left: a frame's place follows from its number, so that jitter moves nothing. Where all frames of a while
  come later or earlier than their places say, the places move: a pause that the numbers do not tell of. Those
  that come late move too, and wait for their entry until it is sure that they are no burst behind a stall.
- Right: the carrier plays what it is given in order, from when it comes or from the end of what is before it.
  What a clear finds unplayed is forgotten. Both the frame and the clear take the same way, so that what was
  played is known here without knowing how long the way is.
- An entry has of the right side what has played by its end: it is never taken back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from shared.audio import FRAME_BYTES, FRAMES_PER_S
from shared.contract.streams.tape import Piece, TapeEntry, samples

GATHERED_MOST = 30 * FRAMES_PER_S
"""Pieces of a side that wait for their entry: an event loop that stands for longer loses the oldest."""

EARLY_MS = 40.0
LATE_MS = 500.0
"""Frames that are all further off than this from where their numbers place them are placed anew."""
SURE_MS = 100.0
"""For so long frames must have come late: those of a stall come all at once, and the last one is in time."""


@dataclass(slots=True)
class Caller:
    """The left side."""

    pieces: deque[Piece] = field(default_factory=lambda: deque(maxlen=GATHERED_MOST))
    lost: int = 0
    """Frames that never came, since it was last taken."""
    _number: int = 0
    """Of the frame before; 0: there was none."""
    _due: int = 0
    """The place of the next one by number."""
    _least_late_ms: float | None = None
    """Of all frames since it was last taken: by how much they came after their place."""
    _late: int = 0
    """How many of the newest ones came too late for their places, without one in time behind them."""
    _late_since_ms: float = 0.0
    """The first of them came then,"""
    _late_for_ms: float = 0.0
    """the last one so long after it,"""
    _late_by_ms: float = 0.0
    """and all of them by this much at least."""

    def frame(self, number: int, audio: bytes, at_ms: float) -> None:
        """A frame came. `at_ms`: since the beginning of the run."""
        if not self._number:
            self._due = samples(at_ms)
        elif number > self._number + 1:
            missing = number - self._number - 1
            self.lost += missing
            self._due += missing * FRAME_BYTES
        self._number = number
        late_ms = at_ms - self._due / samples(1)
        if self._least_late_ms is None or late_ms < self._least_late_ms:
            self._least_late_ms = late_ms
        self._note_late(late_ms, at_ms)
        self.pieces.append(Piece(max(0, self._due), audio))
        self._due += len(audio)

    def take(self) -> tuple[Piece, ...]:
        """All since it was last taken, joined, but for what has no sure place yet."""
        early_ms, self._least_late_ms = self._least_late_ms, None
        newest = [self.pieces.pop() for _ in range(min(self._late, len(self.pieces)))][::-1]
        if self._late and self._late_for_ms >= SURE_MS:
            moved = samples(self._late_by_ms)
            self.pieces.extend(Piece(piece.at + moved, piece.audio) for piece in newest)
            self._due += moved
            self._late, newest = 0, []
        elif early_ms is not None and early_ms < -EARLY_MS:
            self._due = max(0, self._due + samples(early_ms))
        taken = _joined(self.pieces)
        self.pieces.clear()
        self.pieces.extend(newest)
        return taken

    def pass_over(self) -> None:
        """What came since it was last taken is kept out of everything."""
        self.take()
        self.pieces.clear()
        self.lost = 0

    # Private.

    def _note_late(self, late_ms: float, at_ms: float) -> None:
        if late_ms <= LATE_MS:
            self._late = 0
            return
        if not self._late:
            self._late_since_ms, self._late_by_ms = at_ms, late_ms
        self._late += 1
        self._late_for_ms = at_ms - self._late_since_ms
        self._late_by_ms = min(self._late_by_ms, late_ms)


@dataclass(slots=True)
class Heard:
    """The right side."""

    given: deque[Piece] = field(default_factory=lambda: deque(maxlen=GATHERED_MOST))
    """What has not been taken yet, in the order in which it plays."""
    _plays_until: int = 0

    def give(self, audio: bytes, at_ms: float) -> None:
        """Frames were given to the socket."""
        at = max(self._plays_until, samples(at_ms))
        self.given.append(Piece(at, audio))
        self._plays_until = at + len(audio)

    def clear(self, at_ms: float) -> None:
        """What has not played by now never will."""
        now = samples(at_ms)
        while self.given and self.given[-1].end > now:
            last = self.given.pop()
            if last.at < now:
                self.given.append(Piece(last.at, last.audio[: now - last.at]))
                break
        self._plays_until = min(self._plays_until, now)

    def take(self, at_ms: float) -> tuple[Piece, ...]:
        """What has played since it was last taken, joined."""
        now = samples(at_ms)
        played: list[Piece] = []
        while self.given and self.given[0].at < now:
            first = self.given.popleft()
            if first.end > now:
                self.given.appendleft(Piece(now, first.audio[now - first.at :]))
                first = Piece(first.at, first.audio[: now - first.at])
            played.append(first)
        return _joined(played)


class Tracks:
    """Of one media stream, from a moment on: a run of entries."""

    __slots__ = ("_began_ms", "_caller", "_from_ms", "_heard", "_leg", "_number", "_run", "_wall_ms")

    def __init__(self, run: str, leg: int, wall_ms: int, now_ms: float) -> None:
        self._run, self._leg, self._wall_ms = run, leg, wall_ms
        self._began_ms = now_ms
        self._number = 0
        self._from_ms = 0.0
        """Up to then it was taken, or passed over."""
        self._caller, self._heard = Caller(), Heard()

    # Fifty times a second, twenty times a second.

    def caller(self, number: int, audio: bytes, now_ms: float) -> None:
        """A frame of the caller's, by its number in the stream."""
        self._caller.frame(number, audio, now_ms - self._began_ms)

    def given(self, audio: bytes, now_ms: float) -> None:
        """Frames were given to the socket, behind what was given before."""
        self._heard.give(audio, now_ms - self._began_ms)

    def cleared(self, now_ms: float) -> None:
        """The carrier was told to forget what it has not played."""
        self._heard.clear(now_ms - self._began_ms)

    # A few times a second.

    def since_ms(self, now_ms: float) -> float:
        """How long ago it was last taken, or passed over."""
        return now_ms - self._began_ms - self._from_ms

    def take(self, now_ms: float, *, uses: str, way_ms: int, pauses: bool = False) -> TapeEntry:
        """The next entry: all up to now. `way_ms`: to the carrier and back."""
        at_ms = now_ms - self._began_ms
        self._number += 1
        lost, self._caller.lost = self._caller.lost, 0
        entry = TapeEntry(
            run=self._run,
            number=self._number,
            leg=self._leg,
            wall_ms=self._wall_ms,
            from_ms=round(self._from_ms),
            to_ms=round(at_ms),
            uses=uses,
            lost=lost,
            way_ms=way_ms,
            pauses=pauses,
            caller=self._caller.take(),
            heard=self._heard.take(at_ms),
        )
        self._from_ms = at_ms
        return entry

    def pass_over(self, now_ms: float) -> None:
        """What there was up to now is wanted by nobody."""
        at_ms = now_ms - self._began_ms
        self._caller.pass_over()
        self._heard.take(at_ms)
        self._from_ms = at_ms


# Private.


def _joined(pieces: deque[Piece] | list[Piece]) -> tuple[Piece, ...]:
    """The same with neighbours as one: a field an entry costs more than its bytes."""
    found: list[tuple[int, list[bytes]]] = []
    end = -1
    for piece in pieces:
        if piece.at == end:
            found[-1][1].append(piece.audio)
        else:
            found.append((piece.at, [piece.audio]))
        end = piece.end
    return tuple(Piece(at, b"".join(audio)) for at, audio in found)
