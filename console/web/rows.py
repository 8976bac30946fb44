"""What the pages show of live and past calls and of workers: one row each. Pure.

Why it exists: what a template decides nobody tests. Owns: which figures a row has, their words, what is bad.
Must not know: HTML, Redis. Words and numbers go through `hiding` here, so that a template has none that may
not be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.archive.kept import KeptCall
from console.calls import firing, takeovers
from console.calls.ended import EndedCall
from console.calls.firing import LATE_MS, Late
from console.calls.live import AnyCall, AnyWorker, LiveCall, UnreadableCall, UnreadableWorker
from console.text import NONE, duration, millis
from console.web.hiding import Shows
from console.web.reading import LastLine, Seen
from shared.audio import FRAME_MS
from shared.contract.card import CallState, TalkPhase
from shared.contract.worker import ROLES
from shared.figures.prices import shown

SLOW_RESPONSE_MS = 2_000
"""A caller who waits longer for an answer wonders."""

LIVE_MOST = 60
"""Rows: a page stays below 100 KB, and what is pushed once a second too."""

LAST_CHARS = 120
"""Of the newest words: their end is what is being said."""

OLD_MS = 1_000
"""A backlog whose oldest is older than this says so; of the caller's it has a colour. A model makes a reply
faster than anybody listens: what waits of it is how it should be."""

PHASES = {
    TalkPhase.LISTENING.value: "listens",
    TalkPhase.THINKING.value: "thinks",
    TalkPhase.SPEAKING.value: "speaks",
    TalkPhase.TOOL.value: "runs a tool",
    TalkPhase.HOLD.value: "on hold",
    TalkPhase.MOVING.value: "away",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its unit, and whether it is worth a colour."""

    words: str
    is_bad: bool = False


NOTHING = Figure(words=NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """One live call."""

    call_sid: str
    short: str
    caller: str
    called: str
    agent: str
    age: str
    phase: str
    phase_class: str
    phase_age: str
    last_by: str
    last_words: str
    response: Figure
    owed: Figure
    caller_backlog: Figure
    reply_backlog: Figure
    verdict: str
    why: str
    owners: tuple[str, ...]
    cost: str
    trouble: str
    is_bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTable:
    """What the page of live calls shows of them."""

    rows: tuple[LiveRow, ...]
    left_out: int
    """Calls that fit and are not shown."""
    wanted: str
    trouble: str


def live_table(seen: Seen, now_wall_ms: int, shows: Shows, wanted: str = "") -> LiveTable:
    """In the order of the look, those in trouble first; `wanted`: those only in whose SID or agent that
    is."""
    fitting = [call for call in seen.look.calls if _fits(call, wanted)]
    found = (
        _live_row(call, seen.last_lines.get(call.call_sid), now_wall_ms, shows)
        for call in fitting[:LIVE_MOST]
    )
    return LiveTable(
        rows=tuple(found), left_out=max(0, len(fitting) - LIVE_MOST), wanted=wanted, trouble=seen.trouble
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """One process."""

    name: str
    short: str
    is_alive: bool
    state: str
    calls: str
    share: int
    """Of its calls in its capacity, per cent."""
    lag: Figure
    late: Figure
    """Frames that left late, of an egress process."""
    taken_over: int
    """Of its live calls, those that others had before it."""
    beat: Figure
    version: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGroup:
    """The processes of one role."""

    role: str
    calls: int
    capacity: int
    workers: tuple[WorkerLine, ...]


def fleet(workers: Sequence[AnyWorker], calls: Sequence[AnyCall] = ()) -> list[RoleGroup]:
    """By role, in the order of a frame's way; what cannot be read stands at the end.

    `calls`: the live ones, by which it is told how their processes fare.
    """
    late, taken = firing.frames_late(calls), _taken_by(calls)
    groups = []
    for role in (*ROLES, ""):
        mine = [each for each in workers if _role(each) == role]
        if not mine:
            continue
        beats = [each.beat for each in mine if not isinstance(each, UnreadableWorker)]
        groups.append(
            RoleGroup(
                role=role or "other",
                calls=sum(beat.calls for beat in beats),
                capacity=sum(beat.capacity for beat in beats),
                workers=tuple(
                    _worker_line(each, late.get(each.name), taken.get(each.name, 0)) for each in mine
                ),
            )
        )
    return groups


def taken_over(calls: Iterable[AnyCall]) -> int:
    """Live calls that have changed hands."""
    live = (call for call in calls if isinstance(call, LiveCall))
    return sum(1 for call in live if any(count > 1 for count in takeovers.claims(call.fields).values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """One call that is over."""

    call_sid: str
    short: str
    ended_at_ms: int
    lasted: str
    caller: str
    called: str
    agent: str
    outcome: str
    cause: str
    owed: Figure
    cost: str


def ended_row(call: EndedCall, shows: Shows) -> PastRow:
    """One of those that Redis still has."""
    card = call.card
    return PastRow(
        call_sid=call.call_sid,
        short=short_sid(call.call_sid),
        ended_at_ms=call.ended_at_ms,
        lasted=duration(call.lasted_ms),
        caller=shows.number(card.from_number) or NONE,
        called=shows.number(card.to_number) or NONE,
        agent=card.agent,
        outcome=card.outcome or "",
        cause=card.cause or "",
        owed=owed_figure(card.owed_ms or 0, card.owed_cause or ""),
        cost=shown(card.cost_micros),
    )


def kept_row(call: KeptCall, shows: Shows) -> PastRow:
    """One of the archive."""
    return PastRow(
        call_sid=call.call_sid,
        short=short_sid(call.call_sid),
        ended_at_ms=call.ended_at_ms,
        lasted=duration(call.lasted_ms),
        caller=shows.number(call.from_number) or NONE,
        called=shows.number(call.to_number) or NONE,
        agent=call.agent,
        outcome=call.outcome,
        cause=call.cause,
        owed=owed_figure(call.owed_ms, ""),
        cost=shown(call.cost_micros),
    )


def short_sid(call_sid: str) -> str:
    """Enough of a SID to tell it from others on a page."""
    return f"…{call_sid[-6:]}"


def owed_figure(owed_ms: int, cause: str) -> Figure:
    """Sound that the caller waits for."""
    if not owed_ms:
        return NOTHING
    return Figure(words=f"{owed_ms / 1000:.1f} s {cause}".strip(), is_bad=owed_ms > OLD_MS)


def owners_of(owners: Mapping[str, str]) -> tuple[str, ...]:
    """`ingress-0`, `brain-1`, `egress-0`; a dash for nobody."""
    return tuple(_short(owner) or NONE for owner in owners.values())


# Private.


def _short(worker: str) -> str:
    return worker.partition("@")[0]


def _fits(call: AnyCall, wanted: str) -> bool:
    return wanted in call.call_sid or (isinstance(call, LiveCall) and wanted in call.agent)


def _live_row(call: AnyCall, last: LastLine | None, now_wall_ms: int, shows: Shows) -> LiveRow:
    if isinstance(call, UnreadableCall):
        return _unreadable(call)
    card, figures, standing = call.card, call.pipeline, call.standing
    phase = card.phase or ""
    since_ms = 0 if card.phase_at_ms is None else max(0, now_wall_ms - card.phase_at_ms)
    response_ms = card.response_ms
    is_attached = card.state is not CallState.DETACHED
    return LiveRow(
        call_sid=call.call_sid,
        short=short_sid(call.call_sid),
        caller=shows.number(card.from_number) or NONE,
        called=shows.number(card.to_number) or NONE,
        agent=call.agent,
        age=duration(call.age_ms(now_wall_ms)),
        phase=PHASES.get(phase, phase or NONE) if is_attached else PHASES[TalkPhase.MOVING],
        phase_class=phase if phase in PHASES else "",
        phase_age=duration(since_ms) if phase else "",
        last_by="" if last is None else ("caller" if last.by_caller else "agent"),
        last_words="" if last is None else _end_of(shows.words(last.text)),
        response=NOTHING if response_ms is None else Figure(
            words=millis(response_ms), is_bad=response_ms > SLOW_RESPONSE_MS
        ),
        owed=owed_figure(card.owed_ms or 0, card.owed_cause or ""),
        caller_backlog=_backlog(call.caller_q * FRAME_MS, call.caller_q * FRAME_MS, is_bad_if_old=True),
        reply_backlog=NOTHING
        if figures is None
        else _backlog(figures.reply_q_ms, figures.tx_q_age_ms, is_bad_if_old=False),
        verdict=call.verdict or NONE,
        why=standing.why,
        owners=owners_of(call.owners),
        cost=shown(card.cost_micros),
        trouble="" if standing.trouble is None else standing.trouble.words,
        is_bad=standing.is_bad,
    )  # fmt: skip


def _end_of(words: str) -> str:
    return words if len(words) <= LAST_CHARS else f"…{words[1 - LAST_CHARS :]}"


def _backlog(waiting_ms: float, oldest_ms: float, *, is_bad_if_old: bool) -> Figure:
    if not waiting_ms:
        return Figure(words="0 ms")
    words = millis(waiting_ms)
    is_old = oldest_ms > OLD_MS
    said = f"{words}, oldest {millis(oldest_ms)}" if is_old else words
    return Figure(words=said, is_bad=is_old and is_bad_if_old)


def _unreadable(call: UnreadableCall) -> LiveRow:
    return LiveRow(
        call_sid=call.call_sid, short=short_sid(call.call_sid), caller=NONE, called=NONE, agent=NONE,
        age=NONE, phase=NONE, phase_class="", phase_age="", last_by="", last_words="", response=NOTHING,
        owed=NOTHING, caller_backlog=NOTHING, reply_backlog=NOTHING, verdict=NONE, why="",
        owners=(NONE,) * len(ROLES), cost=NONE, trouble=call.problem, is_bad=True,
    )  # fmt: skip


def _taken_by(calls: Iterable[AnyCall]) -> Mapping[str, int]:
    """By process, how many of its live calls have changed hands to it."""
    found: Counter[str] = Counter()
    for call in calls:
        if isinstance(call, LiveCall):
            claims = takeovers.claims(call.fields)
            found.update(call.owners[role] for role, count in claims.items() if count > 1)
    return found


def _role(worker: AnyWorker) -> str:
    if isinstance(worker, UnreadableWorker):
        return ""
    return worker.beat.role if worker.beat.role in ROLES else ""


def _worker_line(worker: AnyWorker, late: Late | None, taken_over: int) -> WorkerLine:
    if isinstance(worker, UnreadableWorker):
        return WorkerLine(
            name=worker.name, short=_short(worker.name), is_alive=False, state="unreadable", calls=NONE,
            share=0, lag=NOTHING, late=NOTHING, taken_over=taken_over, beat=NOTHING, version=NONE,
            problem=worker.problem,
        )  # fmt: skip
    beat = worker.beat
    state = "draining" if beat.draining else "ready"
    share = round(100 * beat.calls / beat.capacity) if beat.capacity else 0
    return WorkerLine(
        name=worker.name,
        short=_short(worker.name),
        is_alive=worker.is_alive,
        state=state if worker.is_alive else "gone",
        calls=f"{beat.calls} of {beat.capacity}",
        share=min(100, share),
        lag=Figure(words=f"{beat.loop_lag_ms:.1f} ms", is_bad=beat.loop_lag_ms > LATE_MS),
        late=NOTHING if late is None else Figure(words=f"{late.late} of {late.sent}", is_bad=late.is_bad),
        taken_over=taken_over,
        beat=Figure(words=millis(worker.beat_age_ms), is_bad=not worker.is_alive),
        version=beat.version,
    )
