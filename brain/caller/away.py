"""Where the caller is: on the line, gone, or sent away to dial a number or hear digits and expected back.

Why it exists: a stream that is gone and a new one mean different things when the caller was sent away. Owns:
what a caller who returns means, and what the model is told of where they were. Pure. Must not know: how a
caller is sent away (leaving), what is said when they are back (sequencer).
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from brain.sequencer.actions import Move
from shared.contract.card import Next

MAX_STATUS_CHARS = 40
"""Of the carrier's word for what became of a number that was dialled."""

DIGITS_SENT = '{"status":"sent"}'


@dataclass(frozen=True, slots=True)
class Return:
    """The caller is back from where tool call `call_id` had sent them. `output` tells the model of it."""

    call_id: str
    kind: str
    status: str
    output: str


@dataclass(slots=True)
class Away:
    """Where one caller is. `is_here`: a media stream is open, by the last word of it."""

    is_here: bool
    _move: Move | None = None
    _status: str = ""

    def sent(self, move: Move) -> None:
        """The caller is sent away, and comes back by a new stream."""
        self._move, self._status = move, ""

    def dialled(self, status: str) -> None:
        """What became of the number that was dialled, in the carrier's word."""
        self._status = status[:MAX_STATUS_CHARS]

    def left(self) -> None:
        """The stream is gone."""
        self.is_here = False

    def returned(self) -> Return | None:
        """There is a new stream; what that means, if the caller was sent away."""
        self.is_here = True
        move, self._move = self._move, None
        if move is None:
            return None
        output = _dial_result(self._status) if move.kind == Next.DIAL else DIGITS_SENT
        return Return(move.call_id, move.kind, self._status, output)


# Private.


def _dial_result(status: str) -> str:
    """What the model is told when the other side did not take the call."""
    reason = {"busy": "busy", "no-answer": "nobody answered"}.get(status, "the call could not be connected")
    return orjson.dumps({"status": "not_connected", "reason": reason}).decode()
