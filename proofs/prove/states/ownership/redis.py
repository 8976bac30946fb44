"""What Redis holds of one call, and what each script makes of it.

Why it exists: the walk needs thousands of Redises a second, and the real scripts need somebody who says what
they should have done. Owns: the model of each script that decides who has a call. Pure. Must not know: who
asks, what gets lost on the way, what must hold.

A request is a tuple: the script's name, then its arguments. `execute` returns another Redis and an answer.
Roles are numbers: 0 brain, 1 egress. Moments are left out: what is due may be due at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Request = tuple[str | int | bool, ...]

OK, FENCED, ABSENT = "OK", "FENCED", "ABSENT"
ATTACHED, DETACHED, ENDED = "attached", "detached", "ended"

ATTEMPTS_MOST = 3
"""Owners that may fail at a call; whoever claims it after them turns it away in words."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The guards. Each can be switched off, to see what it is for."""

    owner_compared: bool = True
    """Fences compare the owner as well as the epoch."""
    epochs_by_time: bool = True
    """An epoch is at least the server's time, not only the last one and one."""
    outranked: bool = True
    """Ingress answers an epoch below its highest."""
    deadlines: bool = True
    """What ends unless a new stream comes is written down in Redis, where anybody sees it."""
    raises_when_seen: bool = True
    """An owner that has seen its own epoch, or a higher one, elsewhere gets another when it claims again."""
    own_numbers: bool = False
    """The last digits of an epoch are its owner's own: two workers never get the same one."""
    disowned_again: bool = True
    """The calls of the dead are looked for as long as they are dead, not only when they die."""
    looked_after: bool = True
    """A worker looks for calls that name it and that it does not know."""
    attempts_returned: bool = True
    """A worker that gives a call back in good order has not failed at it."""
    newer_stream_wins: bool = True
    """A stream is newer than another if its token is: its ingress writes over the card of an older one, and
    an older one is not attached after it."""
    replays_refused: bool = True
    """A stream that another ingress shows again is no repetition."""
    ends_name_leg: bool = True
    """What ends a call for want of a stream ends it only while that is so."""
    detached_with_deadline: bool = True
    """DETACH writes the shortest deadline in the same step: its ingress may die before DEFER."""
    streams_compared: bool = True
    """A leg is its number and its stream: after a failover two streams may have had the same number."""
    heir_time_ends: bool = True
    """A new call whose heir does not come is taken by another worker."""
    sweeps_wait: bool = True
    """After Redis was away, whoever holds a socket says so before a deadline of then ends the call."""


class Role(NamedTuple):
    """Who has a role."""

    owner: str = ""
    epoch: int = 0
    attempts: int = 0


class Card(NamedTuple):
    """The call's card."""

    state: str
    leg: int
    stream: int
    ingress: str
    roles: tuple[Role, ...]
    outcome: str = ""
    ends_as: str = ""
    """The outcome, if its deadline comes."""


class Redis(NamedTuple):
    """All of one call in one lane."""

    card: Card | None = None
    calls: frozenset[int] = frozenset()
    """Roles to whom the entry of a new call may still be handed."""
    heir: str = ""
    """Whom that entry names: the brain that expected the call."""
    rings: bool = False
    """An entry of `ringing` may still be handed to a brain."""
    expected_by: str = ""
    """The last brain that read it, until the call is attached."""
    orphans: tuple[tuple[int, str], ...] = ()
    """Entries of `orphans`: role and heir."""
    owned: frozenset[tuple[int, str]] = frozenset()
    """Role and worker of each `owned` set that names the call."""
    slot: bool = False
    deadline: bool = False
    issued: int = 0
    """The nonce that the next stream shows; 0: none is issued."""
    spent: frozenset[tuple[int, int, str]] = frozenset()
    """Nonce, stream, and the ingress at which it was shown."""


class Answer(NamedTuple):
    """What a script answers: of a fence also whom the card names; of CLAIM attempts, of ATTACH and DETACH
    the leg in `epoch`."""

    kind: str
    owner: str = ""
    epoch: int = 0
    attempts: int = 0


EMPTY = Redis()

OWN = 16
"""With `own_numbers` the rest of an epoch divided by this is its worker's own: four boots of four letters."""


def execute(redis: Redis, request: Request, time: int, rules: Rules) -> tuple[Redis, Answer]:
    """Carries out a request at a time of the server."""
    name, *args = request
    return _SCRIPTS[str(name)](redis, rules, time, *args)  # type: ignore[operator, no-any-return]


def reserve(r: Redis, rules: Rules, time: int, rings: bool = False) -> tuple[Redis, Answer]:
    """A slot, and a nonce: the same one while it is unspent. `rings`: brains are told of a new call that gets
    its first one."""
    if r.card is not None and r.card.state == ENDED:
        return r, Answer(FENCED)
    if not r.issued:
        r = r._replace(expected_by="", rings=r.rings or (rings and r.card is None))
    nonce = r.issued or 1 + max((nonce for nonce, _, _ in r.spent), default=0)
    return r._replace(slot=True, issued=nonce), Answer(OK, epoch=nonce)


def expect(r: Redis, rules: Rules, time: int, role: int, worker: str) -> tuple[Redis, Answer]:
    """A brain has read that the call rings, and opens a session: it is the heir, if the stream comes."""
    r = r._replace(rings=False)
    if r.card is not None:
        return r, Answer(FENCED)
    if not r.issued:
        return r, Answer(ABSENT)
    return r._replace(expected_by=worker), Answer(OK)


def attach(
    r: Redis, rules: Rules, time: int, stream: int, ingress: str, nonce: int, roles: int
) -> tuple[Redis, Answer]:
    """A stream has opened. Repeated by the same ingress it changes nothing."""
    card = r.card
    if card is not None and card.stream == stream and card.state != ENDED:
        if card.ingress == ingress or not rules.replays_refused:
            return r, Answer(OK, epoch=card.leg)
        return r, Answer(FENCED, "used")
    if any(nonce == spent for spent, _, _ in r.spent):
        return r, Answer(FENCED, "used")
    if card is not None and card.state == ENDED:
        return r, Answer(FENCED, ENDED)
    if card is not None and rules.newer_stream_wins and stream < card.stream:
        return r, Answer(FENCED, "older")
    spent = r.spent | {(nonce, stream, ingress)}
    owned = frozenset(each for each in r.owned if each[0] >= 0) | {(-1, ingress)}
    heir = r.expected_by
    r = r._replace(spent=spent, issued=0, expected_by="", slot=True, deadline=False, owned=owned)
    if card is None:
        card = Card(ATTACHED, 1, stream, ingress, (Role(),) * roles)
        return r._replace(card=card, calls=frozenset(range(roles)), heir=heir), Answer(OK, epoch=1)
    leg = card.leg + 1
    card = card._replace(state=ATTACHED, leg=leg, stream=stream, ingress=ingress, ends_as="")
    open_again = tuple((role, "") for role, has in enumerate(card.roles) if not has.owner and has.epoch)
    return r._replace(card=card, orphans=r.orphans + open_again), Answer(OK, epoch=leg)


def detach(r: Redis, rules: Rules, time: int, leg: int, stream: int) -> tuple[Redis, Answer]:
    """The stream of a leg is gone."""
    card = r.card
    if card is None:
        return r, Answer(ABSENT)
    if card.state == ENDED or not _is_leg(card, rules, leg, stream):
        return r, Answer(FENCED, epoch=card.leg)
    card = card._replace(state=DETACHED)
    r = r._replace(card=card, owned=frozenset(each for each in r.owned if each[0] >= 0))
    if rules.detached_with_deadline and not r.deadline:
        r = r._replace(card=card._replace(ends_as="no_new_stream"), deadline=True)
    return r, Answer(OK, epoch=leg)


def defer(r: Redis, rules: Rules, time: int, leg: int, stream: int, outcome: str) -> tuple[Redis, Answer]:
    """The call ends with this outcome unless a new stream comes in time."""
    card = r.card
    if card is None:
        return r, Answer(ABSENT)
    if card.state != DETACHED or not _is_leg(card, rules, leg, stream):
        return r, Answer(FENCED, epoch=card.leg)
    return r._replace(card=card._replace(ends_as=outcome), deadline=True), Answer(OK)


def end(
    r: Redis,
    rules: Rules,
    time: int,
    outcome: str,
    leg: int = 0,
    stream: int = 0,
    whatever_state: bool = False,
) -> tuple[Redis, Answer]:
    """The call is over; the first comer's outcome stands. With a leg (0: none) only if that is the last one,
    and has a deadline that stands, unless `whatever_state`."""
    card = r.card
    if card is None:
        return r._replace(slot=False, deadline=False), Answer(ABSENT)
    if card.state == ENDED:
        return r._replace(slot=False, deadline=False), Answer(OK, card.outcome)
    is_due = r.deadline if rules.deadlines else card.state == DETACHED
    is_wanted = _is_leg(card, rules, leg, stream) and (is_due or whatever_state)
    if leg and not is_wanted:
        return r, Answer(FENCED, epoch=card.leg)
    card = card._replace(state=ENDED, outcome=outcome, ends_as="")
    return r._replace(card=card, slot=False, deadline=False, owned=frozenset()), Answer(OK, outcome)


def claim(
    r: Redis, rules: Rules, time: int, role: int, worker: str, seen: int, entry: str
) -> tuple[Redis, Answer]:
    """A worker takes a role. `seen`: the highest epoch that it knows of. `entry`: "calls", or "orphans" and
    the heir, or nothing: what it was handed."""
    card = r.card
    if card is None:
        return _settled(r, role, entry), Answer(ABSENT)
    if card.state == ENDED:
        return _settled(r, role, entry), Answer(FENCED, ENDED)
    has = card.roles[role]
    is_repeated = has.owner == worker and (seen < has.epoch or not rules.raises_when_seen)
    if is_repeated:
        return _settled(r, role, entry), Answer(OK, worker, has.epoch, has.attempts)
    if has.owner not in ("", worker) and seen <= has.epoch:
        return _settled(r, role, entry), Answer(FENCED, has.owner, has.epoch)
    epoch = max(has.epoch + 1, seen + 1, time if rules.epochs_by_time else 0)
    if rules.own_numbers:
        epoch += (_own_number(worker) - epoch) % OWN
    # Who has seen a higher epoch had the role when Redis lost it, and has not failed at it.
    attempts = has.attempts + (not has.owner and seen <= has.epoch)
    owned = r.owned - {(role, has.owner)} | {(role, worker)}
    taken = Role(worker, epoch, attempts)
    r = _settled(r._replace(card=_with(card, role, taken), owned=owned), role, entry)
    return r, Answer(OK, worker, epoch, attempts)


def release(
    r: Redis, rules: Rules, time: int, role: int, worker: str, epoch: int, heir: str
) -> tuple[Redis, Answer]:
    """An owner gives a role back, for an heir or for anybody."""
    refused = _fence(r, role, worker, epoch, owner_compared=True)
    if refused is not None:
        return r, refused
    assert r.card is not None
    has = r.card.roles[role]
    attempts = max(0, has.attempts - 1) if rules.attempts_returned else has.attempts
    card = _with(r.card, role, has._replace(owner="", attempts=attempts))
    return _orphaned(r._replace(card=card), role, worker, heir), Answer(OK)


def disown(r: Redis, rules: Rules, time: int, role: int, dead: str) -> tuple[Redis, Answer]:
    """A dead worker's call is anybody's, if `owned` lists it and its card still names that worker."""
    card = r.card
    if (role, dead) not in r.owned:
        return r, Answer(OK)
    if card is None or card.state == ENDED or card.roles[role].owner != dead:
        return r._replace(owned=r.owned - {(role, dead)}), Answer(OK)
    card = _with(card, role, card.roles[role]._replace(owner=""))
    return _orphaned(r._replace(card=card), role, dead, ""), Answer(OK)


def append(r: Redis, rules: Rules, time: int, role: int, worker: str, epoch: int) -> tuple[Redis, Answer]:
    """An owner's write: APPEND, and by the same fence TRIM and TURN."""
    return r, _fence(r, role, worker, epoch, owner_compared=rules.owner_compared) or Answer(OK)


def served(r: Redis, rules: Rules, time: int, role: int, worker: str, epoch: int) -> tuple[Redis, Answer]:
    """An owner has served for a while: those before it are forgotten."""
    refused = _fence(r, role, worker, epoch, owner_compared=rules.owner_compared)
    if refused is not None:
        return r, refused
    assert r.card is not None
    has = r.card.roles[role]
    return r._replace(card=_with(r.card, role, has._replace(attempts=0))), Answer(OK)


def figures(r: Redis, rules: Rules, time: int, leg: int, stream: int) -> tuple[Redis, Answer]:
    """Ingress asks whether its stream is still the call's."""
    card = r.card
    if card is None or _is_outrun(card, rules, leg, stream):
        return r, Answer(ABSENT)
    if card.state == ENDED or not _is_leg(card, rules, leg, stream):
        return r, Answer(FENCED, card.state, card.leg)
    return r, Answer(OK)


def restore(
    r: Redis, rules: Rules, time: int, leg: int, stream: int, ingress: str, nonce: int, *held: str | int
) -> tuple[Redis, Answer]:
    """Redis came back without the call, or with an older leg of it: the holder of its socket writes the card
    again. `held`: owner and epoch of each role, as ingress knows them."""
    card = r.card
    if card is not None and not _is_outrun(card, rules, leg, stream):
        return r, Answer(OK, epoch=0)
    roles: list[Role] = []
    for role in range(len(held) // 2):
        owner, epoch = str(held[2 * role]), int(held[2 * role + 1])
        has = Role() if card is None else card.roles[role]
        roles.append(Role(owner, epoch, has.attempts) if epoch > has.epoch or card is None else has)
    orphans = tuple((role, "") for role, has in enumerate(roles) if not has.owner)
    owned = frozenset((role, has.owner) for role, has in enumerate(roles) if has.owner) | {(-1, ingress)}
    r = r._replace(
        card=Card(ATTACHED, leg, stream, ingress, tuple(roles)),
        orphans=r.orphans + orphans, owned=owned, slot=True, deadline=False,
        spent=r.spent | {(nonce, stream, ingress)}, issued=0 if r.issued == nonce else r.issued,
    )  # fmt: skip
    return r, Answer(OK, epoch=1)


_SCRIPTS: Mapping[str, object] = {
    script.__name__: script
    for script in (
        reserve, expect, attach, detach, defer, end, claim, release, disown, append, served, figures, restore,
    )
}  # fmt: skip

# Private.


def _with(card: Card, role: int, has: Role) -> Card:
    return card._replace(roles=(*card.roles[:role], has, *card.roles[role + 1 :]))


def _is_leg(card: Card, rules: Rules, leg: int, stream: int) -> bool:
    return card.leg == leg and (card.stream == stream or not rules.streams_compared)


def _is_outrun(card: Card, rules: Rules, leg: int, stream: int) -> bool:
    return rules.newer_stream_wins and card.stream < stream and card.leg <= leg and card.state != ENDED


def _fence(r: Redis, role: int, worker: str, epoch: int, *, owner_compared: bool) -> Answer | None:
    card = r.card
    if card is None:
        return Answer(ABSENT)
    if card.state == ENDED:
        return Answer(FENCED, ENDED)
    has = card.roles[role]
    if has.epoch != epoch or (owner_compared and has.owner != worker):
        return Answer(FENCED, has.owner, has.epoch)
    return None


def _orphaned(r: Redis, role: int, worker: str, heir: str) -> Redis:
    return r._replace(orphans=(*r.orphans, (role, heir)), owned=r.owned - {(role, worker)})


def _own_number(worker: str) -> int:
    return "abcd".index(worker[0]) * 4 + int(worker[1:]) % 4


def _settled(r: Redis, role: int, entry: str) -> Redis:
    if entry == "calls" and role in r.calls:
        others = () if r.card is None or r.card.state == ENDED else r.card.roles
        is_done = all(has.owner for of, has in enumerate(others) if of != role)
        left = frozenset() if is_done else r.calls - {role}
        return r._replace(calls=left, heir=r.heir if left else "")
    if entry.startswith("orphans"):
        handed = (role, entry.removeprefix("orphans"))
        if handed in r.orphans:
            at = r.orphans.index(handed)
            return r._replace(orphans=r.orphans[:at] + r.orphans[at + 1 :])
    return r
