"""One request about a call: which call, who is on it, what our own URL has carried.

Why it exists: every answer is made from it, whatever the route. Owns: these words together. Pure. Must not
know: HTTP, what is answered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ingress.web.parties import Parties
from ingress.web.resume import Trail
from shared.contract.views import ResumeView


@dataclass(frozen=True, slots=True)
class Visit:
    """Of one request."""

    call_sid: str
    parties: Parties
    trail: Trail
    agent: str
    """The agent that was asked for; by the card, once there is one."""

    def on(self, card: ResumeView | None) -> Visit:
        """The same, with what the card says."""
        return self if card is None or not card.agent else replace(self, agent=card.agent)
