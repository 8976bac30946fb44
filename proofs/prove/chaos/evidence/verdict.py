"""The offline checker: a row's record in, every figure beside its bound out.

Why it exists: rows differ in what they do to the bridge, and in nothing that is asked of it. Owns: the list
of what is asked. Pure. Must not know: how a figure is made.
"""

from __future__ import annotations

from proofs.prove.chaos.evidence import leftovers, order, owners, quiet, turns
from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.shapes import Evidence


def judge(evidence: Evidence, bounds: Bounds, known: quiet.Usual | None = None) -> list[Finding]:
    """All figures of a row. `known`: what such calls take where nothing is wrong."""
    unknown_ms = sum(each.span.ms for call in evidence.calls for each in call.other if each.kind == "unknown")
    # An owner that begins off the grid pads what is left of a frame: one such frame a call may be.
    allowed_ms = 20.0 * sum(call.is_hit for call in evidence.calls)
    found = [
        Finding(promise="I1", what="sounds that nobody made", figure=unknown_ms, bound=allowed_ms, unit="ms")
    ]
    for call in evidence.calls:
        found += order.in_order(call, bounds, evidence.faults_ms if call.is_hit else ())
        found += order.after_cut(call, evidence.network_ms)
        found += turns.turns(call, bounds)
        found += owners.owners(call, bounds)
    found += leftovers.tools(evidence)
    found += quiet.quiet(evidence, bounds, known or {})
    found += leftovers.queues(evidence)
    found += leftovers.base_line(evidence)
    found += leftovers.lateness(evidence)
    return found
