"""A figure beside its bound, and the bounds of a row.

Why it exists: every promise ends as two numbers, and a row is kept if no figure is above its bound. Owns:
that pair, what a row allows. Pure. Must not know: how a figure is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a row allows. All else is allowed of no row, and stands beside its figure."""

    silence_ms: float
    """At the ear of a call that was hit, beyond what the conversation itself takes."""
    with_opening: bool = False
    """Whether the opening of a session is allowed in addition."""
    with_boot: bool = False
    """Whether the boot of the process is: there was no other of its role."""
    repeated_ms: float = 0.0
    """Of words, in a call that was hit."""
    skipped_ms: float = 0.0
    unsaid_ms: float = 0.0
    """Of what the caller says while there is a socket: so much need not reach the model."""
    owners: int | None = None
    """So many workers may have a role of one call, one after another; None: that is not looked at."""
    says_again: bool = False
    """Whether an answer may be asked for once more: Redis has lost the rest of it, or so its brain must
    think."""
    apologises: bool = False
    """Whether a call that is hit may end in Twilio's apology: nobody else is there to have it."""
    ends_by_fault: bool = False
    """Whether the calls that are hit end by it: what was owed to them then is owed no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure of a row."""

    promise: str
    """Which one: `I1`, `turns`."""
    what: str
    figure: float
    bound: float
    unit: str = ""
    where: str = ""
    """The call or process of the figure."""

    @property
    def is_broken(self) -> bool:
        """Whether more was found than is allowed."""
        return self.figure > self.bound

    @property
    def text(self) -> str:
        """As a sentence for people."""
        unit = f" {self.unit}" if self.unit else ""
        where = f" ({self.where})" if self.where else ""
        return f"{self.promise}, {self.what}: {self.figure:.0f}{unit}, allowed {self.bound:.0f}{unit}{where}"


def worst(findings: Sequence[Finding]) -> list[Finding]:
    """Of each promise and subject the one that is furthest above its bound, or nearest to it; in order."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.promise, finding.what)
        if key not in found or finding.figure - finding.bound > found[key].figure - found[key].bound:
            found[key] = finding
    return list(found.values())


def share_within(findings: Sequence[Finding], promise: str, what: str, most: float) -> float | None:
    """Which share of the figures of one subject is no larger than this; None: there are none."""
    figures = [each.figure for each in findings if (each.promise, each.what) == (promise, what)]
    return sum(figure <= most for figure in figures) / len(figures) if figures else None
