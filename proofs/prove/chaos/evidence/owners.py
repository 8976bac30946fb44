"""How many workers had a role of a call.

Why it exists: where nobody has died, a call that changes hands was taken from the living: that is heard as a
pause at best. Owns: that count. Pure. Must not know: how owners are judged dead.
"""

from __future__ import annotations

from collections.abc import Iterator

from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.shapes import Call


def owners(call: Call, bounds: Bounds) -> Iterator[Finding]:
    """Of one call; nothing where the row does not ask."""
    if bounds.owners is None:
        return
    for role, workers in sorted(call.owners.items()):
        yield Finding(
            promise="owners",
            what=f"workers that had {role}",
            figure=len(workers),
            bound=bounds.owners,
            where=call.call_sid,
        )
