"""Turning a call away in words: one that cannot be served, or that too many owners have failed at.

Why it exists: whoever claims such a call must not work on it, and its caller must not be left in silence.
Owns: the order of the steps: the plan stands on the card before the call ends. Must not know: which calls are
turned away, in whose words.
"""

from __future__ import annotations

from shared.contract import writes
from shared.contract.card import Plan
from shared.contract.keys import Keys
from shared.contract.steps import Kept
from shared.contract.writes import Speaker
from shared.ownership import steps
from shared.store.client import Store


async def turn_away(
    store: Store, keys: Keys, speaker: Speaker, plan: Plan, *, by: str, tell: bool, kept: Kept
) -> None:
    """Ends a call whose card says too little to serve it, or even to close its stream: ingress does that when
    it sees that the call has ended, and then the plan is carried out. Raises STORE_ERRORS.

    Cancelling it leaves the call as it was, or with its plan alone.
    """
    await steps.run(store, writes.write_card(keys, speaker, plan))
    await steps.end(store, keys, speaker.call_sid, outcome=plan.cause, by=by, tell=tell, kept=kept)
