"""Whether anybody who calls now is left alone: the doctor's rule about live calls. Pure.

Owns: what of a call in trouble is a finding, and what to do about it. Must not know: what is wrong with a
call (console/calls/trouble.py), how calls are read.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.calls.live import AnyCall, UnreadableCall
from console.calls.trouble import Severity
from console.doctor.findings import Finding, fail, ok, warn

MOST = 6
"""Calls that get a finding of their own: the worst come first, and one fault takes many."""


def judge(calls: Sequence[AnyCall]) -> list[Finding]:
    """Live calls, as they come from a look: those in trouble first."""
    blind = next((words for words in map(_blindness, calls) if words), "")
    if blind:
        return [fail("live calls", f"{len(calls)}: {blind}", "See the findings on Redis and workers.")]
    found = [each for each in (_judge(call) for call in calls) if each is not None]
    if not found:
        return [ok("live calls", f"{len(calls)}, nobody is left alone")]
    more = len(found) - MOST
    if more <= 0:
        return found
    return [*found[:MOST], warn("live calls", f"{more} more in trouble", "`trunkline calls` lists them all.")]


# Private.


def _blindness(call: AnyCall) -> str:
    """What is said where no process at all shows a beat: then it is no matter of this call. Else empty."""
    trouble = None if isinstance(call, UnreadableCall) else call.standing.trouble
    return trouble.words if trouble is not None and trouble.severity is Severity.BLIND else ""


def _judge(call: AnyCall) -> Finding | None:
    what, sid = f"call …{call.call_sid[-6:]}", call.call_sid
    if isinstance(call, UnreadableCall):
        return fail(what, call.problem, f"`trunkline hangup {sid}` ends it.")
    trouble = call.standing.trouble
    if trouble is None:
        return None
    if trouble.severity is Severity.GHOST:
        return fail(
            what, trouble.words, f"`trunkline hangup {sid}` takes it off the list and frees its slot."
        )
    missing = [each.worker for each in call.standing.holders if each.is_missing and each.worker]
    who = f" ({', '.join(missing)})" if missing else ""
    return fail(what, f"{trouble.words}{who}", _do(trouble.severity, sid))


def _do(severity: Severity, sid: str) -> str:
    if severity is Severity.MISSING:
        return (
            "Within seconds another worker of that role takes it, if one has room: else start one."
            f" `trunkline hangup {sid}` ends it."
        )
    return f"`trunkline show {sid}` says what happened last; `trunkline hangup {sid}` ends it."
