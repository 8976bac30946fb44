"""The records of the ledger: what an item's figures prove, and what the brain is told of a transition."""

from __future__ import annotations

import pytest

from egress.heard.accounts import Change, ChangeKind, PlayedItem, PlayedResponse
from shared.contract.streams.control import Audible, Heard, Silent, SilentCause


@pytest.mark.parametrize(
    ("at_ms", "confirmed_ms", "acknowledged_ms", "proved_ms"),
    [
        (1_160.0, 160, 0, 160),  # All of it has played.
        (1_100.0, 160, 0, 100),  # By the clock 60 ms are still to come.
        (1_160.0, 120, 0, 120),  # Ingress has said nothing of the last 40 ms.
        (1_100.0, 160, 140, 140),  # A mark came back before the clock was there.
        (1_100.0, 0, 140, 140),
    ],
)
def test_heard_is_what_the_clock_and_ingress_agree_on_or_what_a_mark_proves(
    at_ms: float, confirmed_ms: int, acknowledged_ms: int, proved_ms: float
) -> None:
    """160 ms were sent and will have played at 1,160."""
    item = PlayedItem("a", PlayedResponse("r"), cursor_ms=160, plays_until_ms=1_160.0)
    item.confirmed_ms, item.acknowledged_ms = confirmed_ms, acknowledged_ms

    assert item.proved_ms(at_ms) == proved_ms


@pytest.mark.parametrize(
    ("kind", "cause", "message"),
    [
        (
            ChangeKind.AUDIBLE,
            None,
            Audible(cut=2, response_id="r", item_id="a", heard_ms=7, frames_waiting=3),
        ),
        (ChangeKind.HEARD, None, Heard(cut=2, response_id="r", item_id="a", heard_ms=7, frames_waiting=3)),
        (
            ChangeKind.SILENT,
            SilentCause.ENDED,
            Silent(
                cut=2,
                response_id="r",
                item_id="a",
                heard_ms=7,
                frames_waiting=3,
                cause=SilentCause.ENDED,
            ),
        ),
    ],
)
def test_a_change_is_a_control_message(
    kind: ChangeKind, cause: SilentCause | None, message: Audible | Heard | Silent
) -> None:
    """With the reply that is good now, and how many frames wait."""
    change = Change(kind=kind, response_id="r", item_id="a", heard_ms=7, cause=cause)

    assert change.message(2, 3) == message
