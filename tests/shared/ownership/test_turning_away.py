"""A call that is turned away, on a real server."""

from __future__ import annotations

from shared.contract.card import CallState, Next, Plan
from shared.contract.steps import Kept
from shared.contract.writes import Speaker
from shared.ownership import steps
from shared.ownership.turning_away import turn_away
from shared.store.client import Store
from tests.shared.ownership.test_steps import CALL, KEYS, attached, claimed


async def test_a_call_that_cannot_be_served_ends_with_its_plan_on_the_card(any_store: Store) -> None:
    """Ingress sees the end, closes the stream, and Twilio asks what comes next; the user's systems hear of
    it too."""
    await attached(any_store)
    claim = await claimed(any_store)
    plan = Plan(next=Next.APOLOGY, next_arg="So sorry.", cause="card_unreadable")
    speaker = Speaker(CALL, "brain", "brain-0@h#1", claim.epoch)

    await turn_away(any_store, KEYS, speaker, plan, by="brain-0@h#1", tell=True, kept=Kept(ttl_ms=90_000))

    card = await steps.read_card(any_store, KEYS, CALL)
    assert (card["state"], card["outcome"]) == (CallState.ENDED, "card_unreadable")
    assert (card["next"], card["next_arg"]) == (Next.APOLOGY, "So sorry.")
    assert await any_store.xlen(KEYS.hooks(0)) == 1
    assert 89_000 < await any_store.pttl(KEYS.card(CALL)) <= 90_000
