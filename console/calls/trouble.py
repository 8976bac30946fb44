"""What is wrong with a call, in words, and whose fault its last window was. Pure.

Why it exists: the verdict on a card is egress's word, and an egress that is dead says nothing: its last word
stands there and reads as if all were well. So no word is shown without asking how old it is and whether its
writer lives. Owns: who still has a call, when a verdict is too old and what takes its place, which calls come
first on every screen, the words for that. Must not know: Redis, how a beat is observed (beats.py), how
anything is shown.

No two hosts' clocks are compared: how old a window is, is told by its writer's own clock (the time in its
last beat), and how old that beat is by ours.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shared.contract import record, window
from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.views import PeopleView, SpokenView
from shared.contract.window import BrainWindow, IngressWindow, PipelineFigures
from shared.contract.worker import ROLES
from shared.figures import diagnosis
from shared.figures.diagnosis import STALE_MS, Figures, RoleFigures

OWED_MS = 2_000
"""Sound that is owed for longer is told to people: callers start to wonder."""

ALIVE_WITHIN_MS = 3_000
"""A beat comes every half second; rivals judge by 2 s, and a person may be a little slower."""

UNOWNED_MS = 2_000
"""A call is claimed within a second: for this long nobody need own a new one."""

LOST_MS = 15_000
"""An owner that lives and has said nothing of a call for five windows does not have it any more."""

AWAY_MS = 60_000
"""Without a stream, ingress waits for another one for half a minute at most, and says nothing meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A process as it was seen last."""

    at_ms: int
    """Its own wall clock, in its last beat."""
    silent_ms: int
    """Since that beat, by the observer's clock."""

    @property
    def is_alive(self) -> bool:
        """Whether it has shown itself just now."""
        return self.silent_ms < ALIVE_WITHIN_MS

    def since_ms(self, at_ms: int) -> int:
        """How long ago this process's own clock said `at_ms`."""
        return max(0, self.at_ms - at_ms + self.silent_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """All processes, by their names."""

    seen: Mapping[str, Seen]
    unreadable: frozenset[str] = frozenset()
    """Those whose beat cannot be read: nobody can tell whether they live, and none is blamed."""

    @property
    def is_anybody_alive(self) -> bool:
        """Whether there is any process at all that shows a beat."""
        return bool(self.unreadable) or any(each.is_alive for each in self.seen.values())


class Hold(enum.Enum):
    """How an owner stands to its call."""

    HAS = enum.auto()
    SILENT = enum.auto()
    """It lives, and has said nothing of the call for two windows."""
    GONE = enum.auto()
    """Its process shows no beat."""
    NOBODY = enum.auto()
    """The role has no owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a role of a call."""

    role: str
    worker: str
    hold: Hold
    quiet_ms: int = 0
    """Since it last said something of the call; 0 where it need not, or where nobody can tell."""

    @property
    def is_missing(self) -> bool:
        """Whether the role is done by nobody."""
        return self.hold in (Hold.GONE, Hold.NOBODY)

    @property
    def has_lost_it(self) -> bool:
        """Whether there is nobody who could end the call."""
        return self.is_missing or (self.hold is Hold.SILENT and self.quiet_ms > LOST_MS)


class Severity(enum.IntEnum):
    """How bad it is: the worst comes first."""

    QUIET = 1
    """An owner says nothing of the call."""
    OWED = 2
    """The caller waits for sound."""
    MISSING = 3
    """A role is done by nobody."""
    GHOST = 4
    """Nobody has the call at all."""
    BLIND = 5
    """No process shows a beat at all: nobody can tell who has it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a call."""

    severity: Severity
    words: str
    role: str = ""
    """The one that is missing, of which the caller notices most; or that is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a call stands."""

    verdict: str
    """Whose fault the last window was, or who is missing; empty before the first window."""
    why: str
    holders: tuple[Holder, ...]
    """One a role, in the order of ROLES; none of a call that is over."""
    trouble: Trouble | None = None

    @property
    def is_ghost(self) -> bool:
        """Whether nobody has the call at all."""
        return self.trouble is not None and self.trouble.severity is Severity.GHOST

    @property
    def is_bad(self) -> bool:
        """Whether an operator should look."""
        return self.trouble is not None or self.verdict not in ("", diagnosis.OK)

    @property
    def is_told(self) -> bool:
        """Whether the figures of egress's last window are of now; of a call that is over they are its
        last."""
        egress = self.of("egress")
        return egress is None or egress.hold is Hold.HAS

    def of(self, role: str) -> Holder | None:
        """Who has a role; None of a call that is over."""
        return next((each for each in self.holders if each.role == role), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What stands on a call's card: what was said of it, and by whom. None: nothing yet, or nothing that can
    be read."""

    card: PeopleView
    attached_at_ms: int
    """When its stream was opened."""
    ingress: IngressWindow | None
    brain: BrainWindow | None
    egress: PipelineFigures | None
    problems: Mapping[str, str]
    """By role: why its word cannot be read."""

    def at_ms(self, role: str) -> int:
        """When somebody in this role last spoke of the call, or began to have it, by that one's clock."""
        if role == "ingress":
            is_its_own = self.ingress is not None and self.ingress.worker == self.card.ingress
            return max(self.attached_at_ms, self.ingress.at_ms if self.ingress and is_its_own else 0)
        told = {"brain": self.brain, "egress": self.egress}[role]
        return self.card.started_at_ms if told is None else told.at_ms


def said(card: PeopleView, fields: Mapping[str, str]) -> Said:
    """By a card: what its view says, and all its fields. Raises ContractError."""
    windows = record.read(SpokenView, fields)
    ingress, ingress_problem = _load(IngressWindow, windows.w_ingress)
    brain, brain_problem = _load(BrainWindow, windows.w_brain)
    egress, egress_problem = _load(PipelineFigures, card.pipeline)
    problems = {"ingress": ingress_problem, "brain": brain_problem, "egress": egress_problem}
    return Said(
        card=card,
        attached_at_ms=windows.attached_at_ms,
        ingress=ingress,
        brain=brain,
        egress=egress,
        problems={role: problem for role, problem in problems.items() if problem},
    )


def judge(found: Said, crew: Crew, now_ms: int) -> Standing:
    """How a call stands. `now_ms`: wall clock, for what no process's own clock can tell."""
    card = found.card
    if card.state is CallState.ENDED:
        why = "" if found.egress is None else found.egress.why
        return Standing(verdict=card.verdict or "", why=why, holders=())
    holders = tuple(_holder(role, found, crew, now_ms) for role in ROLES)
    trouble = _trouble(card, holders, crew, _age_ms(card, crew, now_ms))
    verdict, why = _verdict(found, holders, trouble)
    return Standing(verdict=verdict, why=why, holders=holders, trouble=trouble)


def order(standing: Standing | None) -> tuple[bool, int]:
    """Sorts what is in trouble first, the worst at the head."""
    trouble = None if standing is None else standing.trouble
    return trouble is None, 0 if trouble is None else -trouble.severity


# Private.

W = TypeVar("W", BrainWindow, IngressWindow, PipelineFigures)


def _load(kind: type[W], text: str | None) -> tuple[W | None, str]:
    """What a role said, or why it cannot be read."""
    if text is None:
        return None, ""
    try:
        return window.load(kind, text), ""
    except ContractError as error:
        return None, str(error)


def _age_ms(card: PeopleView, crew: Crew, now_ms: int) -> int:
    """How long the call has lasted, if it can be by the clock of the process that says when it began."""
    writer = crew.seen.get(card.ingress)
    return max(0, now_ms - card.started_at_ms) if writer is None else writer.since_ms(card.started_at_ms)


# Who has it.


def _holder(role: str, found: Said, crew: Crew, now_ms: int) -> Holder:
    card = found.card
    worker = {"ingress": card.ingress, "brain": card.brain, "egress": card.egress}[role]
    if not worker:
        return Holder(role=role, worker="", hold=Hold.NOBODY)
    seen = crew.seen.get(worker)
    if seen is None or not seen.is_alive:
        is_gone = worker not in crew.unreadable
        return Holder(role=role, worker=worker, hold=Hold.GONE if is_gone else Hold.HAS)
    # Without a stream nobody in ingress has anything to say; of what cannot be read nobody knows the time.
    if role in found.problems or (role == "ingress" and card.state is not CallState.ATTACHED):
        return Holder(role=role, worker=worker, hold=Hold.HAS)
    quiet_ms = seen.since_ms(found.at_ms(role))
    hold = Hold.SILENT if quiet_ms > STALE_MS else Hold.HAS
    return Holder(role=role, worker=worker, hold=hold, quiet_ms=quiet_ms)


# What is wrong.


def _trouble(card: PeopleView, holders: Sequence[Holder], crew: Crew, age_ms: int) -> Trouble | None:
    if not crew.is_anybody_alive:
        return Trouble(Severity.BLIND, "no process shows a beat: all ended, or Redis takes no writes")
    if _is_ghost(card, holders, age_ms):
        return Trouble(Severity.GHOST, "a ghost: nobody has this call any more")
    missing = _missing(card, holders, age_ms)
    if missing:
        return Trouble(Severity.MISSING, _words(missing), missing[0].role)
    owed_ms = card.owed_ms or 0
    if card.state is CallState.ATTACHED and owed_ms >= OWED_MS:
        return Trouble(
            Severity.OWED, f"owed sound for {owed_ms / 1000:.1f} s: {card.owed_cause or 'unknown'}"
        )
    silent = next((each for each in reversed(holders) if each.hold is Hold.SILENT), None)
    if silent is not None:
        return Trouble(Severity.QUIET, no_word(silent), silent.role)
    return None


def no_word(holder: Holder) -> str:
    """An owner that lives has said nothing of the call."""
    return f"no word from {_short(holder.worker)} for {holder.quiet_ms / 1000:.0f} s"


def _is_ghost(card: PeopleView, holders: Sequence[Holder], age_ms: int) -> bool:
    if age_ms < LOST_MS:
        return False
    ingress, *others = holders
    if not all(each.has_lost_it for each in others):
        return False
    if card.state is CallState.ATTACHED:
        return ingress.has_lost_it
    # Whether the one that held its stream last still waits for the next one, nothing says.
    return ingress.is_missing or age_ms > AWAY_MS


def _missing(card: PeopleView, holders: Sequence[Holder], age_ms: int) -> list[Holder]:
    """Roles that nobody does, of which the caller notices most first."""
    found = [each for each in holders if each.is_missing]
    if card.state is not CallState.ATTACHED:
        found = [each for each in found if each.role != "ingress"]  # There is no stream to hold.
    if age_ms < UNOWNED_MS:
        found = [each for each in found if each.hold is Hold.GONE]
    return sorted(found, key=lambda each: _NOTICED.index(each.role))


_NOTICED = ("egress", "brain", "ingress")
_EFFECTS = {
    "egress": "caller hears nothing",
    "brain": "nobody answers",
    "ingress": "nobody holds the line",
}


def _words(missing: Sequence[Holder]) -> str:
    """Who is gone, and what the caller notices of it."""
    gone = [_short(each.worker) for each in missing if each.hold is Hold.GONE]
    vacant = [f"no {each.role}" for each in missing if each.hold is Hold.NOBODY]
    causes = [f"{' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} gone"] if gone else []
    return f"{' and '.join([*causes, *vacant])}: {_EFFECTS[missing[0].role]}"


def _short(worker: str) -> str:
    """`egress-0`."""
    return worker.partition("@")[0]


# Whose fault it is.


def _verdict(found: Said, holders: Sequence[Holder], trouble: Trouble | None) -> tuple[str, str]:
    """The verdict to be shown, and why."""
    if trouble is not None and trouble.severity in (Severity.GHOST, Severity.BLIND):
        return "no owner" if trouble.severity is Severity.GHOST else "no beat", trouble.words
    if trouble is not None and trouble.severity is Severity.MISSING:
        return f"no {trouble.role}", trouble.words
    if "egress" in found.problems:
        return "", found.problems["egress"]  # How old its verdict is, nobody can tell.
    egress = holders[ROLES.index("egress")]
    if egress.hold is Hold.SILENT:
        return _without_egress(found, holders)
    # Before egress has spoken nothing stands on the card.
    verdict, why = ("", "") if found.egress is None else (found.egress.verdict, found.egress.why)
    if trouble is not None and verdict in ("", diagnosis.OK):
        return diagnosis.OWED if trouble.severity is Severity.OWED else f"cpu({trouble.role})", trouble.words
    return verdict, why


def _without_egress(found: Said, holders: Sequence[Holder]) -> tuple[str, str]:
    """The same rule as egress's own, on what the others said; it is never `ok`, since egress is silent."""
    windows: dict[str, BrainWindow | IngressWindow | None] = {
        "brain": found.brain,
        "ingress": found.ingress,
        "egress": None,
    }
    roles = []
    for each in holders:
        told = windows[each.role]
        if told is not None and (told.worker != each.worker or each.hold is not Hold.HAS):
            told = None
        roles.append(
            RoleFigures(
                role=each.role,
                lag_ms=None if told is None else told.lag_ms,
                redis_ms=None if told is None else told.redis_ms,
                redis_refusal="" if told is None else told.redis_refusal,
                age_ms=each.quiet_ms,
            )
        )
    verdict = diagnosis.judge(Figures(roles=tuple(roles), is_playing=False))
    return verdict.name, verdict.why
