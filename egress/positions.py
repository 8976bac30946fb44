"""What egress keeps of a call outside its own memory: positions and figures on the card, items of a report.

Why it exists: a next owner, the brain and people all read the same few fields; they are named once.

Owns: the names of egress's card fields, both ways. Pure. Must not know: how the card is read or written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from egress.accounts import Change, ItemReport
from egress.backlog import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the card says when a call is claimed."""

    leg: int
    ingress: str
    epoch: int
    """Our own: egress's."""
    base: Base
    frame_n: int = 0
    """The last frame number that the owner before us wrote to the card."""
    connected: bool = True


def read_start(card: Mapping[str, str], epoch: int) -> Start:
    """The start of an owner's work on a call. Raises ValueError if a number on the card is none."""

    def number(name: str) -> int:
        return int(card.get(name) or 0)

    base = Base(
        cut=number("base_cut"),
        item_id=card.get("base_item", ""),
        frame=number("base_frame"),
        n=number("base_n"),
    )
    return Start(
        leg=number("leg"),
        ingress=card.get("ingress", ""),
        epoch=epoch,
        base=base,
        frame_n=number("frame_n"),
        connected=card.get("state") != "detached",
    )


def base_figures(base: Base) -> dict[str, str | int]:
    """The card fields that `read_start` makes a base of."""
    return {
        "base_cut": base.cut,
        "base_item": base.item_id,
        "base_frame": base.frame,
        "base_n": base.n,
    }


def items_json(reports: Sequence[ItemReport]) -> str:
    """The field `items` of a `flushed` message: a JSON list, an object for each item."""
    return json.dumps(
        [
            {
                "item": report.item_id,
                "response": report.response_id,
                "received_ms": report.received_ms,
                "sent_ms": report.sent_ms,
                "heard_ms": report.heard_ms,
            }
            for report in reports
        ],
        separators=(",", ":"),
    )


def change_fields(change: Change, cut: int, frames_waiting: int) -> dict[str, str | int]:
    """The fields of an `audible`, `heard` or `silent` message.

    `frames_waiting`: 20 ms frames that are here and not yet sent; the brain's log tells it at each create.
    """
    fields: dict[str, str | int] = {
        "cut": cut,
        "response": change.response_id,
        "item": change.item_id,
        "heard_ms": change.heard_ms,
        "frames_waiting": frames_waiting,
    }
    if change.cause is not None:
        fields["cause"] = change.cause.value
    return fields
