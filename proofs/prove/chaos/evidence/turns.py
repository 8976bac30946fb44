"""Whether the model got every word of the caller, once and in order, and whether each turn was answered.

Why it exists: a turn that reached Redis must not be lost with the process that had the call. Owns: that
judgement, frame by frame. Pure. Must not know: how the caller's audio travels.

A session that was opened in the middle of a turn is told all of it again: so order and repetition are judged
inside a session, and a turn is whole if one session has all of it. What was said while there was no socket,
or to a process that stood still and was then ended, nobody got. An apology excuses what was said before it,
and is itself allowed only where nobody else was there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.order import responses
from proofs.prove.chaos.evidence.shapes import Call, Got, Said, Session

FRAME_MS: Final = 20.0
SHORT_MS: Final = 300.0
"""What is shorter than this, where there was a socket, is no turn."""

ENDED_IN_IT_MS: Final = 4_000.0
"""What was said so shortly before the end of the call need not be answered."""


def turns(call: Call, bounds: Bounds) -> Iterator[Finding]:
    """Of one call."""

    def found(what: str, figure: float, bound: float, unit: str) -> Finding:
        return Finding(promise="turns", what=what, figure=figure, bound=bound, unit=unit, where=call.call_sid)

    disorder = sum(_disorder(session.got) for session in call.sessions)
    yield found("caller's frames twice or out of order in a session", disorder, 0, "frames")
    foreign = sum(got.call != call.number for session in call.sessions for got in session.got)
    yield found("caller's frames of another call", foreign, 0, "frames")
    apologies = sum(each.kind == "apology" for each in call.other)
    yield found("apologies", apologies, int(call.is_hit and bounds.apologises), "times")
    if call.is_hit and bounds.ends_by_fault:
        return
    lost_ms, lost, unsaid_ms = 0.0, 0, bounds.unsaid_ms if call.is_hit else 0.0
    for said in call.said:
        expected = [number for number in range(said.frames) if _had_a_socket(call, _at_ms(said, number))]
        if FRAME_MS * len(expected) < SHORT_MS:
            continue
        if _is_apologised_for(call, said):
            continue  # The call was over for the model: nobody was to get more of it.
        missing = min((_missing(session, said, expected) for session in call.sessions), default=len(expected))
        lost_ms = max(lost_ms, FRAME_MS * missing)
        is_told = FRAME_MS * (len(expected) - missing) >= SHORT_MS or FRAME_MS * missing > unsaid_ms
        lost += is_told and not _is_answered(call, said)
    yield found("of a turn not got by the model", lost_ms, unsaid_ms, "ms")
    yield found("turns without an answer", lost, 0, "turns")


# Private.


def _at_ms(said: Said, number: int) -> float:
    return said.started_ms + FRAME_MS * number


def _had_a_socket(call: Call, at_ms: float) -> bool:
    return any(
        leg.carries_ms is not None
        and leg.carries_ms <= at_ms
        and (leg.ended_ms is None or at_ms + FRAME_MS <= leg.ended_ms)
        for leg in call.legs
    )


def _disorder(got: Sequence[Got]) -> int:
    """Frames that are not behind the one before them."""
    return sum(
        (after.said, after.frame) <= (before.said, before.frame)
        for before, after in pairwise(got)
        if before.call == after.call
    )


def _missing(session: Session, said: Said, expected: Sequence[int]) -> int:
    have = {got.frame for got in session.got if got.said == said.number}
    return sum(number not in have for number in expected)


def _is_apologised_for(call: Call, said: Said) -> bool:
    return any(each.kind == "apology" and each.span.end_ms > said.voice.start_ms for each in call.other)


def _is_answered(call: Call, said: Said) -> bool:
    """By a response that was made after the caller began, and that was heard."""
    if call.ended_ms - said.voice.end_ms < ENDED_IN_IT_MS:
        return True
    made = responses(call)
    later = {key for key, response in made.items() if response.created_ms > said.voice.start_ms}
    return any(frame.response_key in later and frame.at_ms > said.voice.start_ms for frame in call.heard)
