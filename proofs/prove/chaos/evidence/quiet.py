"""How long a caller heard nothing while sound was owed, and how the call ended.

Why it exists: a take-over is as good as the silence that it costs. Owns: I4 (every call ends as it should or
in spoken words, no silence above 5 s) and the silence that a row allows. Pure. Must not know: how a call
changes hands.

What is owed, and since when, is judged as in `make prove-silence` (proofs/prove/listening/ear.py). The
conversation itself takes time too: a model thinks before it answers. That much is taken from the same moment
of calls that were not hit, or of the same call before the fault; the rest is the fault's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from proofs.prove.chaos.evidence.finding import Bounds, Finding
from proofs.prove.chaos.evidence.order import left_of_ms, responses
from proofs.prove.chaos.evidence.shapes import Call, Evidence, Frame, Response
from proofs.prove.listening.ear import Cause, Debt, Kind, Recording, Sound, listen
from proofs.prove.listening.spans import Span

LONGEST_MS: Final = 5_000.0
JOIN_MS: Final = 1.0
"""Frames no further apart than this are one sound."""

USUAL_MS: Final = {Cause.PICK_UP: 2_600.0, Cause.TURN: 1_400.0, Cause.KEY: 1_400.0, Cause.BREAK: 0.0}
"""Where no call of the row shows what is usual."""

CHANCE_MS: Final = 40.0
"""So much longer than all healthy calls of a row an answer may take to begin by chance: the end of a turn
lies anywhere within a frame, and so does the beginning of the answer. A hole inside an answer is no
chance."""

OPENING_MS: Final = 1_500.0
"""Where no session was opened after the fault: the longest there is."""

Usual = Mapping[tuple[Cause, int], float]
"""Cause, and the how manieth of that cause in its call → the longest that it took without a fault."""

UNOPENED: Final = (Cause.PICK_UP, 0)
"""In place of the first one: the greeting without the opening of its session, which chance draws for each
call."""


def quiet(evidence: Evidence, bounds: Bounds, known: Usual) -> Iterator[Finding]:
    """I4, and the silence of each call that was hit. `known`: what is usual in such calls, as a row without a
    fault has shown; the row's own calls know better."""
    debts = {call.call_sid: listen(recording(call)).debts for call in evidence.calls}
    usual = {**known, **usual_of(evidence)}
    for call in evidence.calls:
        own = debts[call.call_sid]

        def found(what: str, figure: float, bound: float, unit: str, call: Call = call) -> Finding:
            return Finding(
                promise="I4", what=what, figure=figure, bound=bound, unit=unit, where=call.call_sid
            )

        is_hit = call.is_hit and bool(evidence.faults_ms)
        allowed = allowed_ms(call, evidence, bounds) if is_hit else 0.0
        may_lack_ms = bounds.skipped_ms if is_hit else 0.0
        # An ingress that stands still plays no clip: of its calls its own bound holds, with what is usual.
        longest_ms = max(LONGEST_MS, allowed + max(USUAL_MS.values()))
        if is_hit and bounds.ends_by_fault:
            continue
        yield found("longest silence", max((debt.quiet_ms for debt in own), default=0.0), longest_ms, "ms")
        yield found(
            "ends in silence or in an error", float(not _ended_well(call, own, may_lack_ms)), 0, "times"
        )
        if is_hit:
            fault_ms = evidence.faults_ms[0]
            silence_ms = _fault_ms(own, fault_ms, usual, _opening_without_ms(call, fault_ms, bounds))
            yield found("silence by the fault", silence_ms, allowed, "ms")


def recording(call: Call) -> Recording:
    """A call as the ear wants it."""
    other = [Sound(_KINDS[each.kind], each.span) for each in call.other if each.kind in _KINDS]
    answered_ms = call.ended_ms if call.answered_ms is None else call.answered_ms
    return Recording(
        answered_at_ms=answered_ms,
        ended_at_ms=call.ended_ms,
        sounds=sorted([*_answers(call), *other], key=lambda sound: sound.span),
        speech=[said.voice for said in call.said],
        keys=[],
        # Another number rings: the caller hears that, and nobody else could be heard.
        down=[each.span for each in call.other if each.kind == "ringing"],
    )


def usual_of(evidence: Evidence) -> Usual:
    """What the row's own healthy moments took."""
    fault_ms = min(evidence.faults_ms, default=float("inf"))
    found: dict[tuple[Cause, int], float] = {}
    for call in evidence.calls:
        for place, debt in _numbered(listen(recording(call)).debts):
            is_healthy = not call.is_hit or debt.span.end_ms < fault_ms
            if is_healthy and debt.paid_by is Kind.ANSWER and debt.cause is not Cause.BREAK:
                found[place] = max(found.get(place, 0.0), debt.quiet_ms)
                if debt.cause is Cause.PICK_UP:
                    without_ms = debt.quiet_ms - _opening_ms(call)
                    found[UNOPENED] = max(found.get(UNOPENED, 0.0), without_ms)
    return found


def allowed_ms(call: Call, evidence: Evidence, bounds: Bounds) -> float:
    """The bound of the silence in one call: what the row allows, with opening and boot as they were."""
    allowed = bounds.silence_ms
    fault_ms = evidence.faults_ms[0]
    if bounds.with_opening:
        openings = [each.opening_ms for each in call.sessions if each.opened_ms >= fault_ms]
        allowed += max(openings, default=OPENING_MS) + _thought_ms(call, fault_ms)
    if bounds.with_boot and evidence.back_ms is not None:
        allowed += evidence.back_ms - fault_ms
    return allowed


# Private.

_KINDS: Final = {"clip": Kind.CLIP, "apology": Kind.APOLOGY}


def _answers(call: Call) -> Iterator[Sound]:
    made = responses(call)
    first: Frame | None = None
    last: Frame | None = None
    for frame in call.heard:
        if first is not None and last is not None:
            is_one = frame.response_key == last.response_key and frame.at_ms - last.at_ms - last.ms <= JOIN_MS
            if not is_one:
                yield _sound(first, last, made)
                first = None
        first = frame if first is None else first
        last = frame
    if first is not None and last is not None:
        yield _sound(first, last, made)


def _sound(first: Frame, last: Frame, made: Mapping[tuple[int, int], Response]) -> Sound:
    response = made.get(last.response_key)
    name = f"{last.session}.{last.response}"
    span = Span(first.at_ms, last.at_ms + last.ms)
    return Sound(Kind.ANSWER, span, name, owes_more=response is not None and _owes_more(last, response))


def _owes_more(last: Frame, response: Response) -> bool:
    if response.cut_ms is not None:
        return False
    frames = {item.index: item.frames for item in response.items}
    is_last = last.item == max(frames, default=0) and last.frame + 1 >= frames.get(last.item, 0)
    return not (is_last and response.is_complete)


def _thought_ms(call: Call, fault_ms: float) -> float:
    """How long the model had thought, by the fault, about an answer of which nothing was heard: another
    session begins with that anew, as with its opening."""
    heard = {frame.response_key for frame in call.heard}
    longest_ms = 0.0
    for session in call.sessions:
        for each in session.responses:
            is_owed = each.cut_ms is None and (each.done_ms is None or bool(each.items))
            if is_owed and each.created_ms < fault_ms and (session.number, each.number) not in heard:
                thought_ms = fault_ms if each.first_audio_ms is None else min(fault_ms, each.first_audio_ms)
                longest_ms = max(longest_ms, thought_ms - each.created_ms)
    return longest_ms


def _numbered(debts: Sequence[Debt]) -> Iterator[tuple[tuple[Cause, int], Debt]]:
    count: dict[Cause, int] = {}
    for debt in debts:
        count[debt.cause] = count.get(debt.cause, 0) + 1
        yield (debt.cause, count[debt.cause]), debt


def _opening_ms(call: Call) -> float:
    """Of the session that greets."""
    return min(call.sessions, key=lambda session: session.opened_ms).opening_ms if call.sessions else 0.0


def _opening_without_ms(call: Call, fault_ms: float, bounds: Bounds) -> float | None:
    """What of the greeting would have been the opening's without the fault: that of the session that was
    under way by then, or the only one. None: it had not begun, and the row allows another one's."""
    if not call.sessions:
        return None if bounds.with_opening else 0.0
    first = min(call.sessions, key=lambda session: session.opened_ms)
    has_begun = first.opened_ms - first.opening_ms < fault_ms
    return first.opening_ms if has_begun or not bounds.with_opening else None


def _fault_ms(debts: Sequence[Debt], fault_ms: float, usual: Usual, opening_ms: float | None) -> float:
    """The longest silence since the fault, without what is usual there. `opening_ms`: what of a greeting
    would have been the opening's; None: nobody knows, and the fault has all of it."""
    longest_ms = 0.0
    for place, debt in _numbered(debts):
        if debt.span.end_ms > fault_ms:
            usual_ms = usual.get(place, USUAL_MS[debt.cause])
            if debt.cause is Cause.PICK_UP:
                greeted_ms = usual.get(UNOPENED, USUAL_MS[debt.cause] - OPENING_MS)
                before_ms = max(0.0, fault_ms - debt.span.start_ms)
                usual_ms = greeted_ms + (before_ms if opening_ms is None else opening_ms)
            over_ms = debt.quiet_ms - usual_ms
            is_chance = debt.cause is not Cause.BREAK and over_ms <= CHANCE_MS
            longest_ms = max(longest_ms, 0.0 if is_chance else over_ms)
    return longest_ms


def _ended_well(call: Call, debts: Sequence[Debt], may_lack_ms: float) -> bool:
    """By the caller who was content, by the farewell, or in spoken words. `may_lack_ms`: so much of the end
    of the last answer may have been left out, and then nothing more of it is owed."""
    if any(each.kind == "apology" for each in call.other):
        return True
    return call.is_finished and (
        not debts or debts[-1].paid_by is not None or _lacks_no_more(call, debts[-1], may_lack_ms)
    )


def _lacks_no_more(call: Call, debt: Debt, may_lack_ms: float) -> bool:
    last = call.heard[-1] if call.heard else None
    response = None if last is None else responses(call).get(last.response_key)
    if debt.cause is not Cause.BREAK or last is None or response is None:
        return False
    return response.is_complete and left_of_ms(response, last) <= may_lack_ms
