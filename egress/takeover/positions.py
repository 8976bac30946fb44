"""Where the owner of a call begins: what the card says when the call is claimed, and what is saved there.

Why it exists: a next owner goes on with the frame behind the last one that was heard, and with numbers above
all that were sent. Owns: making a start of what the owner before us has saved, and what is saved for the next
one. Pure. Must not know: how the card is read or written, when it is saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from egress.heard.accounts import DeliveryCounters
from egress.heard.ledger import Ledger
from egress.pacing.pacer import Pacer
from egress.reply.backlog import Backlog, Base
from egress.reply.intake import Intake
from shared.audio import FRAME_MS
from shared.contract.card import CallState, EgressFigures, read_stream_end
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
    heard_frames: int = 0
    """So many from the base on were heard on its stream, which is gone: they are not sent again either."""
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
        heard_frames=_heard_frames(card, base),
        cut=max(base.cut, card.cut),
        behind_ms=float(card.ear_behind_ms or 0) if is_of_leg else 0.0,
    )


def _heard_frames(card: EgressView, base: Base) -> int:
    """By the word of the ingress that had the stream of the base; none, where it left no such word, or the
    stream is still there: then its ingress is asked. Rather too few than too many: what was under way to the
    ear when the stream ended was not heard."""
    end = None if card.stream_end is None else read_stream_end(card.stream_end)
    is_gone = card.state is CallState.DETACHED or card.base_leg != card.leg
    if end is None or not is_gone or (end.leg, end.cut) != (card.base_leg, base.cut):
        return 0
    unheard_ms = end.playing_ms + max(end.way_ms, card.ear_behind_ms or 0)
    return max(0, end.n - ceil(unheard_ms / FRAME_MS) - base.n)


def figures_of(
    base: Base,
    leg: int,
    ledger: Ledger,
    backlog: Backlog,
    pacer: Pacer,
    intake: Intake,
    counters: DeliveryCounters,
    now_ms: float,
) -> EgressFigures:
    """What egress knows of a call, as it stands on the card. `base`: what of the reply is settled."""
    playhead = ledger.playhead
    return EgressFigures(
        frame_n=backlog.next_n - 1,
        base_cut=base.cut,
        base_item=base.item_id,
        base_frame=base.frame,
        base_n=base.n,
        base_leg=leg,
        ear_behind_ms=round(ledger.ear_behind_ms),
        playhead_item="" if playhead is None else playhead.item_id,
        playhead_ms=0 if playhead is None else int(ledger.heard_ms(playhead, now_ms)),
        audible_response=ledger.audible_response,
        tx_q_ms=backlog.unsent_ms,
        mark_overdue_ms=int(ledger.overdue_ms(now_ms)),
        n_frames=counters.frames_sent,
        n_late=counters.frames_late,
        n_underruns=pacer.counters.underruns,
        n_starved=counters.starved,
        n_stops=pacer.counters.stops,
        n_flushes=counters.flushes,
        n_marks_lost=ledger.counters.marks_lost,
        n_dropped=intake.counters.entries_old_cut + intake.counters.entries_old_epoch,
    )
