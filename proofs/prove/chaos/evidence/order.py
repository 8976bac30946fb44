"""Whether what was heard came once, in its order, and not after it was cut.

Why it exists: two owners of a call, or one that does not know what the other has played, are heard as words
that come twice, too late, or mixed. Owns: I1 (nothing goes back, repeats, is missing or is somebody else's)
and I2 (nothing of a response is heard 100 ms after it was cut). Pure. Must not know: which fault there was.
"""

from __future__ import annotations

import itertools
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from brain.sequencer.config import SequencerConfig
from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.shapes import Call, Frame, Response

FRAME_MS = 20.0
ROUNDED_MS = 0.01
"""Moments of frames are kept to this."""
AFTER_CUT_MS = 100.0
MARGIN_MS = SequencerConfig().truncate_margin_ms
"""The model is not told of an interruption of which no more than this was left."""

STOPPED_BY_MS = 60.0
"""A clear that comes so soon behind the last frame that was heard is why it was the last."""

UNREAD_MS = 100.0
"""What a model sends so shortly before its session is lost may be read by nobody."""

ENDED_IN_IT_MS = 1_000.0
"""A response that was heard so shortly before the end of the call was ended by it."""


def in_order(call: Call, bounds: Bounds, faults_ms: Sequence[float] = ()) -> Iterator[Finding]:
    """I1 of one call."""
    walked = _walk(call)
    skipped_ms = max(walked.skipped_ms.values(), default=0.0) + _unheard_ms(call, faults_ms)
    where = call.call_sid

    def found(what: str, figure: float, bound: float, unit: str) -> Finding:
        return Finding(promise="I1", what=what, figure=figure, bound=bound, unit=unit, where=where)

    yield found("frames of another call", sum(f.call != call.number for f in call.heard), 0, "frames")
    yield found("responses that came back after another", walked.came_back, 0, "times")
    repeated = bounds.repeated_ms if call.is_hit else 0.0
    repeated_ms = max(walked.repeated_ms.values(), default=0.0)
    yield found("words heard twice", repeated_ms, repeated, "ms")
    skipped = bounds.skipped_ms if call.is_hit else 0.0
    yield found("words left out", skipped_ms, skipped, "ms")
    yield found("greetings begun again", _greeted_again(call), 0, "times")
    if not bounds.says_again:
        yield found("answers begun again", _answered_again(call), 0, "times")


def after_cut(call: Call, network_ms: float) -> Iterator[Finding]:
    """I2 of one call: what Twilio was sent counts like what it played, but for what was taken back before a
    frame could pass."""
    cuts = {key: response.cut_ms for key, response in responses(call).items()}
    latest_ms = 0.0
    left = (each for each in call.arrived if not _is_taken_back(call, each.at_ms))
    for frame in (*call.heard, *left):
        cut_ms = cuts.get(frame.response_key)
        if cut_ms is not None:
            latest_ms = max(latest_ms, frame.at_ms - cut_ms - network_ms)
    yield Finding(
        promise="I2",
        what="heard after its cut",
        figure=latest_ms,
        bound=AFTER_CUT_MS,
        unit="ms",
        where=call.call_sid,
    )


def responses(call: Call) -> dict[tuple[int, int], Response]:
    """All responses of a call by session and number."""
    return {
        (session.number, response.number): response
        for session in call.sessions
        for response in session.responses
    }


def left_of_ms(response: Response, last: Frame) -> float:
    """How much of a response came behind this frame of it."""
    later = [item for item in response.items if item.index > last.item]
    frames = max(0, _frames(response, last.item) - last.frame - 1) + sum(item.frames for item in later)
    return FRAME_MS * frames


# Private.


@dataclass(slots=True)
class _Walked:
    """`repeated_ms`, `skipped_ms`: by the number of the leg on which it was heard, since each new one may
    repeat or leave out as much as is said."""

    came_back: int = 0
    repeated_ms: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    skipped_ms: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))


def _walk(call: Call) -> _Walked:
    """Frame after frame as they were heard. Of a response that was left, what was missing then is found by
    `_unheard_ms`."""
    walked = _Walked()
    made = responses(call)
    heard: set[tuple[int, int, int, int]] = set()
    left: set[tuple[int, int]] = set()
    last: Frame | None = None
    opened_ms = [leg.open_ms for leg in call.legs if leg.open_ms is not None]
    for frame in call.heard:
        leg = bisect(opened_ms, frame.at_ms)
        key = (*frame.response_key, frame.item, frame.frame)
        if key in heard:
            walked.repeated_ms[leg] += frame.ms
        heard.add(key)
        if last is None or frame.response_key != last.response_key:
            if frame.response_key in left:
                walked.came_back += 1
            elif frame.item == 0:
                walked.skipped_ms[leg] += FRAME_MS * frame.frame
            if last is not None:
                left.add(last.response_key)
        elif frame.item == last.item:
            walked.skipped_ms[leg] += FRAME_MS * max(0, frame.frame - last.frame - 1)
        elif frame.item > last.item:
            of_last = _frames(made.get(frame.response_key), last.item)
            walked.skipped_ms[leg] += FRAME_MS * (max(0, of_last - last.frame - 1) + frame.frame)
        last = frame
    return walked


def _frames(response: Response | None, index: int) -> int:
    """How many frames the model made of one item."""
    items = [] if response is None else [item for item in response.items if item.index == index]
    return items[0].frames if items else 0


def _unheard_ms(call: Call, faults_ms: Sequence[float]) -> float:
    """What is missing at the end of responses that came to theirs and that nobody cut; whole ones too. Not
    where the owner that was to have them did not live to: they were being made when it was hit, or a later
    session has said their words, or the apology was spoken instead."""
    last_of = {frame.response_key: frame for frame in call.heard}
    at_end = call.heard[-1] if call.heard else None
    missing_ms = 0.0
    for key, response in responses(call).items():
        if not response.is_complete or response.cut_ms is not None or not response.items:
            continue
        if _is_said_later(call, key[0], response) or _went_to_nobody(call, key[0], response, faults_ms):
            continue
        last = last_of.get(key)
        if last is None:
            began_ms = response.done_ms or response.created_ms
            if call.ended_ms - began_ms > ENDED_IN_IT_MS:
                missing_ms += FRAME_MS * sum(item.frames for item in response.items)
            continue
        if last is at_end and call.ended_ms - last.at_ms < ENDED_IN_IT_MS:
            continue
        left_ms = left_of_ms(response, last)
        is_stopped = any(0 <= at_ms - last.at_ms <= STOPPED_BY_MS for at_ms in call.clears_ms)
        if not (is_stopped and (left_ms <= MARGIN_MS or _is_cut_unsaid(call, key[0], last.at_ms))):
            missing_ms += left_ms
    return missing_ms


def _is_cut_unsaid(call: Call, session: int, at_ms: float) -> bool:
    """Whether the caller cut what an earlier session had made: there is nobody left who could be told that it
    was cut."""
    is_over = any(
        each.number == session and each.closed_ms is not None and each.closed_ms < at_ms
        for each in call.sessions
    )
    return is_over and any(each.voice.start_ms <= at_ms <= each.voice.end_ms for each in call.said)


def _went_to_nobody(call: Call, session: int, response: Response, faults_ms: Sequence[float]) -> bool:
    if any(each.kind == "apology" and each.span.end_ms > response.created_ms for each in call.other):
        return True
    ended_ms = response.created_ms if response.done_ms is None else response.done_ms
    was_hit = any(response.created_ms < at_ms < ended_ms for at_ms in faults_ms)
    return was_hit and any(frame.session > session for frame in call.heard)


def _is_said_later(call: Call, session: int, response: Response) -> bool:
    words = response.items[0].clip
    return any(
        words and frame.clip == words and frame.session > session and frame.frame == 0 for frame in call.heard
    )


def _is_taken_back(call: Call, at_ms: float) -> bool:
    """Whether what came to Twilio then was cleared before a frame of it had passed. One that came behind the
    clear is among what was heard."""
    return any(-ROUNDED_MS <= cleared_ms - at_ms < FRAME_MS for cleared_ms in call.clears_ms)


def _greeted_again(call: Call) -> int:
    """How often the words of the first response that was heard were begun again by another."""
    begun = [frame for frame in call.heard if frame.frame == 0]
    if not begun:
        return 0
    first = begun[0]
    return sum(each.clip == first.clip and each.response_key != first.response_key for each in begun)


def _answered_again(call: Call) -> int:
    """How often the words of a response that was made to its end, and heard to it, were begun again by a
    later session without a word of the caller in between: its brain did not know what another one had
    said."""
    made = responses(call)
    lost_ms = {each.number: each.closed_ms for each in call.sessions if each.closed_ms is not None}
    begun = {frame.response_key: frame for frame in call.heard if frame.frame == 0 and frame.item == 0}
    ended = {frame.response_key: frame for frame in call.heard}
    again = 0
    for (key, first), (later, next_first) in itertools.pairwise(list(begun.items())[1:]):
        response, other = made.get(key), made.get(later)
        if response is None or other is None or later[0] <= key[0] or first.clip != next_first.clip:
            continue
        is_whole = response.is_complete and ended[key].frame + 1 >= _frames(response, ended[key].item)
        closed_ms = lost_ms.get(key[0], inf)
        was_made = response.done_ms is not None and response.done_ms < min(
            other.created_ms, closed_ms - UNREAD_MS
        )
        is_asked = any(response.created_ms < said.started_ms < other.created_ms for said in call.said)
        again += is_whole and was_made and not is_asked
    return again
