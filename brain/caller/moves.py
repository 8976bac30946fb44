"""What the models of a process got of its callers, moved out of the callers' streams: many calls at once.

Why it exists: the length of `caller` is what waits for the model, so what the model got must leave it soon;
a script for each call that often would cost more than the audio. Owns: when moves are asked for, one script a
lane, who is told what became of his. Must not know: what is moved, how much of it is kept.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from shared.contract.lua.scripts import Refusal
from shared.contract.writes import CallerMove, Moved, move_callers, read_moves
from shared.ownership.counters import Where
from shared.ownership.guard import CallGuard
from shared.store.writing.writer import Writer

MOVE_EVERY_S = 0.06
"""Three frames of each caller: with one on its way to the model four stand in the stream at most while
nothing is late, and in a brain that is, one more waits for its pair."""


class Mover(Protocol):
    """One call's part: asked again only when it was told what became of the last move."""

    lane: int
    call_sid: str

    def next_move(self) -> CallerMove | None:
        """What is to be moved now; None if nothing is."""

    def move_answered(self, answer: Moved | Refusal) -> None:
        """What Redis said. NOT_YET: nothing has moved; the same move is to be asked for again."""


class CallerMoves:
    """The moves of a process."""

    def __init__(self, outbox: Writer, brain: str, guard: CallGuard) -> None:
        self._outbox = outbox
        self._guard = guard
        self._brain = brain
        self._movers: dict[Mover, None] = {}
        """As a set, in the order in which they came."""
        self._some = asyncio.Event()

    def add(self, mover: Mover) -> None:
        """A call's audio is to be moved from now on."""
        self._movers[mover] = None
        self._some.set()

    def remove(self, mover: Mover) -> None:
        """And no more. What is under way is still answered. Safe to repeat."""
        self._movers.pop(mover, None)
        if not self._movers:
            self._some.clear()

    async def run(self) -> None:
        """Moves for as long as it runs; cancelling it leaves what the model got in the callers' streams."""
        while True:
            await self._some.wait()  # A brain without calls is not woken sixteen times a second.
            await asyncio.sleep(MOVE_EVERY_S)
            self.ask()

    def ask(self) -> None:
        """Asks for all that is to be moved now."""
        by_lane: dict[int, tuple[list[Mover], list[CallerMove]]] = {}
        for mover in list(self._movers):
            move = self._guard.run(Where.LOOK, mover.call_sid, mover.next_move)
            if move is not None:
                movers, moves = by_lane.setdefault(mover.lane, ([], []))
                movers.append(mover)
                moves.append(move)
        for lane, (movers, moves) in by_lane.items():
            answered = _Answered(movers, self._guard)
            self._outbox.send(move_callers(lane, self._brain, moves).command(), on_reply=answered)


# Private.


class _Answered:
    """Tells each mover of one script what became of his."""

    __slots__ = ("_guard", "_movers")

    def __init__(self, movers: list[Mover], guard: CallGuard) -> None:
        self._movers = movers
        self._guard = guard

    def __call__(self, reply: Any) -> None:
        # An error is of the whole script: Redis is full, or on its way.
        answers: list[Moved | Refusal] = (
            [Moved.NOT_YET] * len(self._movers) if isinstance(reply, Exception) else read_moves(reply)
        )
        for mover, answer in zip(self._movers, answers, strict=True):
            self._guard.run(Where.ANSWER, mover.call_sid, mover.move_answered, answer)
