"""What was given to the session and stands in the caller's stream still, and the move that takes it out.

Why it exists: a move may be refused, and asked for twice it must move once; what was given and not sent must
stay where it is. Owns: that, for one call. Pure. Must not know: Redis, what a session is, when moves are
asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from shared.contract.entry import order
from shared.contract.lua.scripts import Refusal
from shared.contract.writes import CallerMove, Moved


@dataclass(slots=True)
class Unmoved:
    """Of one call, for its owner's epoch."""

    keys: tuple[str, str, str]
    """See `writes.caller_keys`."""
    epoch: int
    is_under_way: bool = False
    """A move was asked for and not answered."""
    _given: deque[tuple[tuple[int, int], bytes, bytes]] = field(default_factory=deque)
    """Order and id of the last entry, audio: of each piece that was given to the session."""
    _move: CallerMove | None = None
    """The one under way, or one that was refused: it is asked for again as it is, since part of it may have
    been carried out."""
    _kept_from_ms: int = 0
    """Where `turn` begins since the last move."""

    def give(self, last_id: bytes, audio: bytes) -> None:
        """A piece was queued for the session's socket."""
        self._given.append((order(last_id), last_id, audio))

    def next_move(self, sent_id: bytes, keep_from_ms: int) -> CallerMove | None:
        """What is to be moved: what the socket took, up to `sent_id`. `keep_from_ms`: the position before
        which `turn` holds nothing that is still of use. None: nothing is, or the last move was not answered.
        Asking counts as sending."""
        if self.is_under_way:
            return None
        if self._move is None:
            self._move = self._make(sent_id, keep_from_ms)
        self.is_under_way = self._move is not None
        return self._move

    def answered(self, answer: Moved | Refusal) -> None:
        """What became of the move under way."""
        self.is_under_way = False
        if answer is Moved.DONE:
            self._move = None

    def claimed_again(self, epoch: int) -> None:
        """The call is ours again, under a higher epoch: what was refused is asked for again."""
        self.epoch = epoch
        if self._move is not None:
            self._move = replace(self._move, epoch=epoch)

    def forget(self) -> None:
        """The session is gone: what stands in the stream is read again, by the next one. A move under way is
        not asked for again."""
        self._given.clear()
        self._move = None

    # Private.

    def _make(self, sent_id: bytes, keep_from_ms: int) -> CallerMove | None:
        last_id, pieces = b"", []
        if sent_id and self._given:
            sent = order(sent_id)
            while self._given and self._given[0][0] <= sent:
                _, last_id, audio = self._given.popleft()
                pieces.append(audio)
        if not pieces and keep_from_ms <= self._kept_from_ms:
            return None
        self._kept_from_ms = max(self._kept_from_ms, keep_from_ms)
        return CallerMove(
            keys=self.keys,
            epoch=self.epoch,
            last_id=last_id.decode(),
            audio=b"".join(pieces),
            keep_from=f"{self._kept_from_ms}-0",
        )
