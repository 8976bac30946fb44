"""What is wrong with a lane, and what would mend it. Pure.

Why it exists: a rule that ends calls must be readable by itself, and be asked of any state that Redis may be
in. Owns: each rule, and for how long what it sees must stand (patience.py counts). Must not know: Redis,
clocks, how anything is carried out.

Everything that is proposed is checked once more by the script that does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ingress.janitor.sight import ATTACHED, ROLES, CardSeen, CrewSeen, LaneSeen
from shared.contract.card import Next

SILENT_MS = 10_000.0
"""A worker whose beat has not moved for so long counts as missing; it comes every half second."""

MISSED_S = 50.0
"""An owner is missing for so long before its call ends, so that it was silent for a minute: takers-over need
two seconds, Twilio's answer to a lost stream five, the restart of a deployment less than thirty."""

SETTLED_S = 30.0
"""What is under way is done by then: a reservation lasts ten seconds, a claim is asked again for ten."""

OFFERED_S = 10.0
"""Between a RELEASE and the claim that follows it a role is nobody's, and in no stream only for a moment."""

BY_CALLER = frozenset({Next.APOLOGY.value, Next.HANG_UP.value})
"""Plans of calls that are on their way out: they need no owner, and have a deadline."""


@dataclass(frozen=True, slots=True)
class Condemn:
    """A call ends, unless it gets a stream within seconds. Its stream as it was seen: whoever takes a role of
    it meanwhile changes nothing."""

    call_sid: str
    state: str
    leg: str
    stream_sid: str
    ingress: str
    why: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return MISSED_S


@dataclass(frozen=True, slots=True)
class Offer:
    """A role that nobody has is offered again."""

    call_sid: str
    role: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return OFFERED_S


@dataclass(frozen=True, slots=True)
class Relist:
    """The list of a worker is made to say of a call what its card says."""

    worker: str
    call_sid: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return OFFERED_S


@dataclass(frozen=True, slots=True)
class Free:
    """A slot, or a place in a list, of a call that is not there."""

    call_sid: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return SETTLED_S


@dataclass(frozen=True, slots=True)
class Disown:
    """A dead worker's calls are for others to claim: of its own role nobody lives who would see to it."""

    worker: str
    role: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return MISSED_S


@dataclass(frozen=True, slots=True)
class Dismiss:
    """A consumer of a group is nobody any more."""

    stream: str
    group: str
    consumer: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return MISSED_S


@dataclass(frozen=True, slots=True)
class Forget:
    """A name in the list of workers shows no beat: its host never came back."""

    worker: str

    @property
    def after_s(self) -> float:
        """For how long it must have been seen."""
        return MISSED_S


Wrong = Condemn | Offer | Relist | Free | Disown | Dismiss


def judge(lane: LaneSeen, crew: CrewSeen) -> list[Wrong]:
    """All that is wrong at this moment; nothing of it need be wrong for long."""
    found: list[Wrong] = []
    for call_sid, card in lane.cards.items():
        if card is None or not card.is_live:
            if call_sid in lane.slots or call_sid in lane.live or call_sid in lane.deadlines:
                found.append(Free(call_sid))
            continue
        why = _why_condemned(call_sid, card, lane, crew)
        if why:
            found.append(Condemn(call_sid, card.state, card.leg, card.stream_sid, card.ingress, why))
        elif card.plan not in BY_CALLER:
            found += [
                Offer(call_sid, role)
                for role in ROLES
                if not card.owner(role) and (call_sid, role) not in lane.offered
            ]
    found += _lists(lane)
    found += _dead(lane, crew)
    found += _consumers(lane, crew)
    return list(dict.fromkeys(found))


def names(crew: CrewSeen) -> list[Forget]:
    """Names that stand for nobody. The list of workers is of no lane."""
    return [Forget(worker) for worker in sorted(crew.absent)]


# Private.


def _why_condemned(call_sid: str, card: CardSeen, lane: LaneSeen, crew: CrewSeen) -> str:
    """Why nobody will ever end the call; empty: somebody has it, or it ends by itself."""
    if card.has_deadline and call_sid in lane.deadlines:
        return ""
    if card.has_deadline:
        return "deadline_lost"
    if card.state != ATTACHED:
        return "no_deadline"
    return "ingress_silent" if crew.is_missing(card.ingress) else ""


def _lists(lane: LaneSeen) -> Iterator[Relist]:
    """Lists that do not say what the cards say. Both ways: a call that is missing is in nobody's way to be
    found when its owner is dead, or does not know it."""
    named: dict[str, set[str]] = {}
    for call_sid, card in lane.cards.items():
        if card is not None and card.is_live:
            for worker in card.names():
                named.setdefault(worker, set()).add(call_sid)
    for worker in sorted({*named, *lane.owned}):
        for call_sid in sorted(lane.owned.get(worker, frozenset()) ^ named.get(worker, set())):
            yield Relist(worker, call_sid)


def _dead(lane: LaneSeen, crew: CrewSeen) -> Iterator[Disown]:
    for worker, calls in sorted(lane.owned.items()):
        role = worker.partition("-")[0]
        if calls and role in ROLES and crew.is_missing(worker):
            yield Disown(worker, role)


def _consumers(lane: LaneSeen, crew: CrewSeen) -> Iterator[Dismiss]:
    """Dispatch names its consumers by the instance, couriers by the worker."""
    for each in lane.consumers:
        if not each.pending and crew.is_missing(each.name) and each.name not in crew.instances:
            yield Dismiss(each.stream, each.group, each.name)
