"""How often a call has changed hands, and how it ends if nobody comes back: from its card, in words. Pure.

Owns: these words. Must not know: who has the call now (trouble.py), how anything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.contract import record
from shared.contract.entry import whole
from shared.contract.views import HandsView


def claims(fields: Mapping[str, str]) -> dict[str, int]:
    """How often each role was claimed, by a card as text: 1 is the first owner. 0: never, or it cannot be
    told."""
    view = record.read(HandsView, fields)
    told = {"brain": view.brain_claims, "egress": view.egress_claims}
    return {role: whole(count or "") or 0 for role, count in told.items()}


def claims_in_words(fields: Mapping[str, str]) -> str:
    """Of roles that were claimed more than once; empty where none was."""
    return ", ".join(f"{role} {count} times" for role, count in claims(fields).items() if count > 1)


def ends_as(fields: Mapping[str, str]) -> str:
    """The outcome that it has if no media stream opens in time; empty: no deadline stands."""
    return record.read(HandsView, fields).deadline_outcome or ""
