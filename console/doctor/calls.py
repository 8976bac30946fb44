"""Which live calls are in trouble: the first thing that is shown, since somebody is on the line. Pure.

Owns: how such a call is told and what to do about it. Must not know: when a call is in trouble.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.doctor.findings import Finding, fail, ok

MAX_CALLS = 8
"""More are counted: `trunkline calls` lists them all."""


@dataclass(frozen=True, slots=True)
class Troubled:
    """A live call and what is wrong with it, in words."""

    call_sid: str
    words: str


def judge_calls(live: int, troubled: Sequence[Troubled]) -> list[Finding]:
    """`live`: how many there are. The worst comes first, as it was given."""
    if not troubled:
        return [ok("calls", f"{live} live, none in trouble")]
    found = [
        fail(
            f"call …{each.call_sid[-6:]}",
            each.words,
            f"`trunkline show {each.call_sid}` says more; `trunkline hangup {each.call_sid}` ends it.",
        )
        for each in troubled[:MAX_CALLS]
    ]
    if len(troubled) > MAX_CALLS:
        rest = len(troubled) - MAX_CALLS
        found.append(fail("calls", f"{rest} more in trouble", "`trunkline calls` lists them."))
    return found
