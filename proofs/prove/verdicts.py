"""What became of a fault: whether the verdicts on its calls were right, soon, once, and blamed nobody else.

Why it exists: a verdict is worth what it is right; the words that break a promise are made here. Owns: the
judgement and its figures. Pure: calls in, figures out. Must not know: how the calls were made.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proofs.prove.faults import Fault, FinishedCall
from proofs.prove.promises import true_of
from shared.contract.streams.journal import Kind
from shared.figures.rolling import WINDOW_MS

WITHIN_MS = 2 * WINDOW_MS
"""A verdict may take two windows of figures."""


@dataclass(slots=True)
class Outcome:
    """What a fault led to."""

    concerned: int = 0
    named: int = 0
    wrong: list[str] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    warnings: int = 0
    repeated: list[str] = field(default_factory=list)
    """Calls that were warned of again within an episode."""
    others: int = 0
    others_blamed: list[str] = field(default_factory=list)


def judge(outcome: Outcome, fault: Fault, call: FinishedCall, injected_ms: float) -> None:
    """Adds one call to the outcome. `injected_ms` is wall time."""
    told = [line for line in call.journal if line.kind == Kind.VERDICT]
    if not fault.concerns(call):
        outcome.others += 1
        outcome.others_blamed += [
            f"{call.record.call_sid}: {line.fields['verdict']}, {line.fields['why']}" for line in told
        ]
        return
    outcome.concerned += 1
    outcome.warnings += len(told)
    overs = sum(line.kind == Kind.VERDICT_OVER for line in call.journal)
    if len(told) > fault.episodes(call) or len(told) > overs + 1:
        outcome.repeated.append(
            f"{call.record.call_sid}: {len(told)} warnings, {overs} ends, {fault.episodes(call)} episodes"
        )
    since_ms = fault.since_ms(call, injected_ms)
    if not told:
        outcome.wrong.append(f"{call.record.call_sid}: no verdict")
        return
    verdict, why = told[0].fields["verdict"], told[0].fields["why"]
    delay_ms = told[0].at_ms - since_ms
    if verdict != fault.verdict or delay_ms > WITHIN_MS:
        outcome.wrong.append(f"{call.record.call_sid}: {verdict} after {delay_ms:.0f} ms, {why}")
        return
    outcome.named += 1
    outcome.delays_ms.append(delay_ms)


def broken(outcome: Outcome) -> list[str]:
    """Each promise that the fault broke, as a sentence."""
    sentences = {
        "no call was concerned": outcome.concerned == 0,
        f"{len(outcome.wrong)} of {outcome.concerned} calls got no, a wrong or a late verdict": bool(
            outcome.wrong
        ),
        f"{len(outcome.repeated)} calls were warned of twice in one episode": bool(outcome.repeated),
        f"{len(outcome.others_blamed)} verdicts on calls without a fault": bool(outcome.others_blamed),
    }
    return true_of(sentences)


def row(fault: Fault, outcome: Outcome) -> tuple[str, ...]:
    """The line of the table."""
    delays = outcome.delays_ms
    return (
        fault.name,
        fault.verdict,
        f"{outcome.named} of {outcome.concerned}",
        f"{max(delays):.0f}" if delays else "–",
        str(outcome.warnings),
        f"{len(outcome.others_blamed)} of {outcome.others}",
    )
