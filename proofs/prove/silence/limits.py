"""What is promised of every row, and the sentences of what was not kept.

Why it exists: a row passes by these rules and no others. Owns: the limits. Pure. Must not know: how a call
was made, or how its sounds were told.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.prove.listening.ear import Hearing, Kind
from proofs.prove.promises import true_of
from proofs.prove.silence.faults import Row

QUIET_MS = 4_500.0
"""Of silence while sound is owed, before we are heard, be it only our own clip."""

WAIT_MS = 13_000.0
"""Until there is an answer or the apology."""

NOT_BEGUN = "the fault did not begin: nothing is shown"

BY_CALLER = frozenset({"caller_hung_up"})
"""Ends of a call that are none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row, played."""

    row: Row
    hearing: Hearing
    call_sid: str = ""
    ended: str
    """Why the call ended, in the simulator's words."""
    problem: str = ""
    """Why nothing is shown by it: the fault did not begin, or could not be brought about."""
    late_ms: float = 0.0
    """The simulator's own worst delay: the figures are off by as much."""

    @property
    def broken(self) -> list[str]:
        """Each promise that was not kept, as a sentence."""
        if self.problem:
            return [self.problem]
        hearing = self.hearing
        owed = hearing.open_debt
        apologies = hearing.count(Kind.APOLOGY)
        found = {
            f"silence of {hearing.quiet_ms / 1000:.2f} s": hearing.quiet_ms > QUIET_MS,
            f"{hearing.age_ms / 1000:.2f} s without an answer or the apology": hearing.age_ms > WAIT_MS,
            f"ended by {self.ended}": self.ended == "application_error",
            "the apology, and the fault has passed": bool(apologies) and not self.row.may_apologise,
        }
        sentences = true_of(found)
        if owed is not None:
            how = "given up by the caller" if self.ended in BY_CALLER else "hung up on in silence"
            sentences.append(f"{how} ({owed.cause} owed)")
        return sentences

    @property
    def wait_text(self) -> str:
        """The longest wait, and what ended it, for the table."""
        longest = max(self.hearing.debts, key=lambda debt: debt.age_ms, default=None)
        if longest is None:
            return "–"
        if longest.paid_by is None:
            return f"none in {longest.age_ms / 1000:.1f} s"
        what = " (apology)" if longest.paid_by is Kind.APOLOGY else ""
        return f"{longest.age_ms / 1000:.1f} s{what}"

    @property
    def heard_text(self) -> str:
        """What else was heard, for the table."""
        clips, apologies = self.hearing.count(Kind.CLIP), self.hearing.count(Kind.APOLOGY)
        words = [f"clip × {clips}"] if clips else []
        words += ["apology"] if apologies else []
        if self.hearing.open_debt is not None and self.ended not in BY_CALLER:
            words.append("bare hang-up")
        return ", ".join(words) or "–"

    @property
    def silence_text(self) -> str:
        """The longest silence, for the table."""
        quiet_s, silence_s = self.hearing.quiet_ms / 1000, self.hearing.silence_ms / 1000
        beside = f" ({silence_s:.1f} s with no socket)" if silence_s - quiet_s >= 0.1 else ""
        return f"{quiet_s:.1f} s{beside}"
