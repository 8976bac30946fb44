"""Where the owner of a call begins: what the card says when the call is claimed.

Why it exists: a next owner goes on with the frame behind the last one that was heard, and with numbers above
all that were sent. Owns: making a start of what the owner before us has saved. Pure. Must not know: how the
card is read or written, when it is saved.
"""

from __future__ import annotations

from dataclasses import dataclass

from egress.backlog import Base
from shared.contract.card import CallState
from shared.contract.views import EgressView

RESTORED_MARGIN_FRAMES = 100
"""An owner before us sends for a second at most until it learns that its call was lost; numbers need only
rise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the core of a call is made from."""

    leg: int
    ingress: str
    is_first: bool = True
    """Nobody has sent frames of the call before."""
    base: Base
    frame_n: int = 0
    """The last frame number that the owner before us wrote to the card."""
    connected: bool = True
    is_of_leg: bool = True
    """The base was counted on the present leg: what ingress forwarded of it is not sent again."""
    cut: int = 0
    """The highest that the card knows: what is lower is void, though its flush was not carried out yet."""
    behind_ms: float = 0.0
    """By how much the ear is later than the socket, as the owner before us has measured it."""


def read_start(card: EgressView) -> Start:
    """The start of an owner's work on a call. A card that egress has not written yet has no base: the call
    starts at nothing; or, where frames were forwarded all the same, ingress wrote the card again, and it
    starts well behind them: they were of a reply that is gone, so that nothing of what comes was sent."""
    is_restored = card.base_n is None and card.frame_n > 0
    base = Base(
        cut=card.cut if is_restored else card.base_cut or 0,
        item_id=card.base_item or "",
        frame=card.base_frame or 0,
        n=card.frame_n + RESTORED_MARGIN_FRAMES if is_restored else card.base_n or 0,
    )
    # An older version does not say of which leg its numbers are.
    is_of_leg = card.base_leg is None or card.base_leg == card.leg
    return Start(
        leg=card.leg,
        ingress=card.ingress,
        is_first=card.claims == 1,
        base=base,
        frame_n=card.frame_n,
        connected=card.state is not CallState.DETACHED,
        is_of_leg=is_of_leg,
        cut=max(base.cut, card.cut),
        behind_ms=float(card.ear_behind_ms or 0) if is_of_leg else 0.0,
    )
