"""The lists of who owns what: those of the dead are emptied, and our own names nothing that we do not
know."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from shared.contract.claiming import Claim
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Answer
from shared.contract.streams.calls import Orphaned, read_orphan
from shared.logs.log import get_log
from shared.ownership import owned_watch, steps
from shared.ownership.counters import OwnershipCounters
from shared.ownership.liveness import How, WorkerStanding, WorkerState
from shared.ownership.owned_watch import GONE_LOOKS, UNKNOWN_LOOKS, UNREADABLE_LOOKS, OwnedWatch
from shared.store.client import Store
from tests.shared.ownership.test_steps import CALL, attached, flat
from tests.support.guards import a_guard

KEYS = Keys(1)
SELF, OTHER = "brain-0@h#self", "brain-1@h#1"


@dataclass(slots=True)
class Holding:
    """A role that says what it knows, and notes what it is to claim."""

    known: set[str] = field(default_factory=set)
    room: bool = True
    asked: list[tuple[str, int]] = field(default_factory=list)

    def knows(self, call_sid: str) -> bool:
        return call_sid in self.known

    def has_room(self) -> bool:
        return self.room

    def claim_again(self, call_sid: str, seen: int) -> None:
        self.asked.append((call_sid, seen))


@dataclass(slots=True)
class Watching:
    """A watch whose looks the test takes."""

    store: Store
    holding: Holding = field(default_factory=Holding)
    standings: list[WorkerStanding] = field(default_factory=list)
    counters: OwnershipCounters = field(default_factory=OwnershipCounters)
    watch: OwnedWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = OwnedWatch(
            self.store,
            KEYS,
            1,
            "brain",
            SELF,
            self.holding,
            lambda: self.standings,
            a_guard(),
            self.counters,
            get_log(),
        )

    def see(self, state: WorkerState | None) -> None:
        """How the other worker stands; None: it shows nothing."""
        self.standings = [] if state is None else [WorkerStanding(OTHER, state, 0.0)]

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await self.watch._look()


async def claimed(store: Store, worker: str) -> Claim:
    claim = await steps.claim(store, KEYS, CALL, role="brain", worker=worker)
    assert claim.answer is Answer.OK
    return claim


async def owner(store: Store) -> str:
    return (await steps.read_card(store, KEYS, CALL))["brain"]


async def orphans(store: Store) -> list[Orphaned]:
    return [read_orphan(flat(fields)).why for _, fields in await store.xrange(KEYS.orphans(0))]


async def test_a_dead_workers_calls_are_given_free_at_once(any_store: Store) -> None:
    """Also those of an older boot, that no neighbour has ever seen."""
    await attached(any_store)
    await claimed(any_store, OTHER)
    here = Watching(any_store)
    await here.watch.on_dead(OTHER, How.OLDER_BOOT)
    assert await owner(any_store) == ""
    assert await orphans(any_store) == [Orphaned.DEAD]
    assert here.counters.disowned == 1


async def test_a_claim_that_arrives_after_its_workers_death_is_found(any_store: Store) -> None:
    """The lists of the dead are looked at as long as they are dead; found once, it is given free once."""
    await attached(any_store)
    here = Watching(any_store)
    await here.watch.on_dead(OTHER, How.SILENT)
    here.see(WorkerState.SILENT)
    await claimed(any_store, OTHER)
    await here.look(2)
    assert await owner(any_store) == ""
    assert await orphans(any_store) == [Orphaned.DEAD]


async def test_who_lives_again_keeps_what_it_claims(any_store: Store) -> None:
    """It was cut off, and shows itself: its new claims are its own."""
    await attached(any_store)
    here = Watching(any_store)
    await here.watch.on_dead(OTHER, How.SILENT)
    here.see(WorkerState.BEATING)
    await claimed(any_store, OTHER)
    await here.look(GONE_LOOKS + 1)
    assert await owner(any_store) == OTHER


async def test_what_a_worker_left_behind_is_given_free(any_store: Store) -> None:
    """One that left without giving a call back; but not in the moment in which an emptied Redis shows
    nobody."""
    await attached(any_store)
    await claimed(any_store, OTHER)
    here = Watching(any_store)
    here.see(WorkerState.BEATING)
    await here.look()
    here.see(None)
    await here.look(GONE_LOOKS - 1)
    assert await owner(any_store) == OTHER
    await here.look()
    assert await owner(any_store) == ""


async def test_the_long_gone_are_forgotten(any_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each look would ask for all that ever were; of too many the oldest go first."""
    monkeypatch.setattr(owned_watch, "FORGOTTEN_LOOKS", 4)
    here = Watching(any_store)
    await here.watch.on_dead(OTHER, How.SILENT)
    await here.look(2)
    assert here.watch._others == {}
    monkeypatch.setattr(owned_watch, "OTHERS_MOST", 1)
    for name in ("a", "b"):
        await here.watch.on_dead(name, How.SILENT)
    await here.look()
    assert list(here.watch._others) == ["b"]


async def test_a_call_that_names_us_and_that_we_do_not_know_is_claimed_again(any_store: Store) -> None:
    """Above the epoch of the card; not while the answer to its claim may be under way, and not what we
    serve."""
    await attached(any_store)
    claim = await claimed(any_store, SELF)
    here = Watching(any_store)
    here.holding.known.add(CALL)
    await here.look(UNKNOWN_LOOKS)
    here.holding.known.clear()
    await here.look(UNKNOWN_LOOKS - 1)
    assert here.holding.asked == []
    await here.look()
    assert here.holding.asked == [(CALL, claim.epoch)]
    assert here.counters.found == 1


async def test_without_room_such_a_call_is_given_back(any_store: Store) -> None:
    """Whoever has room takes it."""
    await attached(any_store)
    await claimed(any_store, SELF)
    here = Watching(any_store, Holding(room=False))
    await here.look(UNKNOWN_LOOKS)
    assert await orphans(any_store) == [Orphaned.RELEASED]
    assert here.holding.asked == []
    assert not await any_store.exists(KEYS.owned(0, SELF))


async def test_a_list_of_another_time_is_put_right_by_the_claim(any_store: Store) -> None:
    """Our list names a call that another has, that is over, or that nobody knows any more."""
    await attached(any_store)
    await claimed(any_store, OTHER)
    await any_store.sadd(KEYS.owned(0, SELF), CALL)
    here = Watching(any_store)
    await here.look(UNKNOWN_LOOKS)
    (asked,) = here.holding.asked
    assert asked == (CALL, 0)
    assert here.counters.found == 0
    refused = await steps.claim(any_store, KEYS, CALL, role="brain", worker=SELF, seen=0, again=True)
    assert refused.answer is Answer.FENCED
    assert not await any_store.exists(KEYS.owned(0, SELF))


async def test_a_card_that_cannot_be_read_is_left_alone_for_a_while(any_store: Store) -> None:
    """One line a minute, not one a second."""
    await attached(any_store)
    await claimed(any_store, SELF)
    await any_store.hset(KEYS.card(CALL), "brain_epoch", "x")
    here = Watching(any_store)
    await here.look(UNKNOWN_LOOKS + 5)
    assert here.counters.contract_errors == 1
    await here.look(UNREADABLE_LOOKS)
    assert here.counters.contract_errors == 2
    assert here.holding.asked == []
