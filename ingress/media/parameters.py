"""What our answer to the webhook tells the media stream that it opens, and that its start brings back.

Why it exists: the webhook knows the numbers and mints the token, the socket knows neither; the carrier
carries them from one to the other. Owns: the names of these parameters. Pure. Must not know: how a carrier
spells parameters, what they are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TOKEN, CALLER, CALLED, AGENT = "token", "from", "to", "agent"
"""`AGENT` is also what names an agent in the URLs of webhooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamParameters:
    """All texts; empty is the same as missing."""

    token: str
    """Who may open the stream (ingress/web/token.py)."""
    caller: str
    """The number of the person, in full, as the carrier writes it."""
    called: str
    """Our own number: the called one, or the one that we call from."""
    agent: str
    """The agent that the webhook's URL asked for."""

    def write(self) -> dict[str, str]:
        """For the carrier."""
        return {TOKEN: self.token, CALLER: self.caller, CALLED: self.called, AGENT: self.agent}


def read_parameters(found: Mapping[str, str]) -> StreamParameters:
    """From the carrier. Whoever opens a socket says them: nothing of it is believed without the token."""
    return StreamParameters(
        token=found.get(TOKEN, ""),
        caller=found.get(CALLER, ""),
        called=found.get(CALLED, ""),
        agent=found.get(AGENT, ""),
    )
