"""What is to follow what is being said, a hang-up or a move, as the card says it for a next brain.

Why it exists: the plan itself is written when the stream is to be closed, after the farewell was heard. A
brain that dies before that would leave a caller to whom goodbye was said, and a tool call without an answer.
Owns: when it has changed. Pure. Must not know: how a card is written, what a next brain makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from brain.sequencer.state import State
from shared.contract.card import BrainPending, Next
from shared.contract.views import BrainView

NOTHING = BrainPending(
    pending=Next.NOTHING, pending_arg="", pending_call="", pending_leg=0, pending_said=False
)


@dataclass(slots=True)
class PendingWords:
    """The words of one call. `told`: what the card says."""

    told: BrainPending = NOTHING
    _leg: int = 0
    """The stream from which the caller was sent away."""

    def changed(self, state: State, leg: int) -> BrainPending | None:
        """What the card is to say; None: what it says already. It counts as told from now on."""
        if state.hang_up is None and state.move is None:
            if self.told is NOTHING:
                return None
            self.told, self._leg = NOTHING, 0
            return NOTHING
        words = self._words(state, leg)
        if words == self.told:
            return None
        self.told = words
        return words

    # Private.

    def _words(self, state: State, leg: int) -> BrainPending:
        hang_up, move = state.hang_up, state.move
        if hang_up is not None:
            farewell = state.responses.get(hang_up.response_id)
            return BrainPending(
                pending=Next.HANG_UP,
                pending_arg=hang_up.cause,
                pending_call="",
                pending_leg=0,
                pending_said=farewell is not None and farewell.done and farewell.sounded,
            )
        if move is None:
            return NOTHING
        if move.gone and not self._leg:
            self._leg = leg
        return BrainPending(
            pending=Next(move.kind),
            pending_arg=move.argument,
            pending_call=move.call_id,
            pending_leg=self._leg,
            pending_said=False,
        )


def of_card(card: BrainView) -> PendingWords:
    """The words of a call whose card another brain may have written."""
    if not card.pending:
        return PendingWords()
    told = BrainPending(
        pending=card.pending,
        pending_arg=card.pending_arg or "",
        pending_call=card.pending_call or "",
        pending_leg=card.pending_leg or 0,
        pending_said=card.pending_said is True,
    )
    return PendingWords(told, told.pending_leg)
