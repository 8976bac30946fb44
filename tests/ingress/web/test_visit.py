"""A request, and whom it asked for."""

from __future__ import annotations

import dataclasses

from ingress.web.parties import read_parties
from ingress.web.resume import Trail
from ingress.web.visit import Visit
from shared.contract.card import CallState, Next
from shared.contract.views import ResumeView

VISIT = Visit("CA1", read_parties({"From": "+15550001111", "To": "+15550002222"}), Trail(), "sales")
CARD = ResumeView(
    state=CallState.ATTACHED, next=Next.NOTHING, next_arg="", next_language=None, outcome="", resumes=0,
    agent="", fallback=None,
)  # fmt: skip


def test_the_card_names_the_agent_once_there_is_one() -> None:
    """Until then the webhook's URL does."""
    assert VISIT.on(None) == VISIT
    assert VISIT.on(CARD) == VISIT
    assert VISIT.on(dataclasses.replace(CARD, agent="support")).agent == "support"
