"""Reads a lane, the count of all calls, and all workers, for the janitor.

Why it exists: rules are asked of one look at everything. Owns: how it is read, a hundred cards or
a thousand places at a time, so that neither Redis nor this loop stands still for it. Must not know: what is
wrong with what it finds.

A key that holds something else than it must is as good as none: the rules say what is missing then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from ingress.janitor.sight import ROLES, BeatsSeen, CardSeen, Consumer, CountSeen, LaneSeen
from shared.contract import record
from shared.contract.errors import ContractError, EntryError
from shared.contract.keys import ADMITTED, WORKERS, Keys
from shared.contract.streams import hooks
from shared.contract.streams.calls import read_call, read_orphan
from shared.contract.views import JanitorView
from shared.contract.worker import PULSE, read_pulse
from shared.ownership.each_lane import each_lane
from shared.store.client import Store, Value
from shared.store.errors import STORE_ERRORS, is_of_the_key, is_of_the_moment
from shared.store.writing.outboxes import asking

CARDS_AT_ONCE = 100
PLACES_AT_ONCE = 1000
ENTRIES_MOST = 1000
"""Of `calls` and `orphans`: what waits beyond that makes offers that change nothing."""


async def read_beats(store: Store, keys: Keys, known: Collection[str] = ()) -> BeatsSeen:
    """The beats of all workers. `known`: those of the last look, for one at which nobody says who there is.
    Raises STORE_ERRORS; on a Cluster not because one of its servers is of no use. Cancelling is safe.

    There each beat may stand on another server, of which it is asked whether it would take one; so is that of
    the list: where it takes no names, who is missing there may live.
    """
    is_whole = True
    try:
        names = sorted(member.decode(errors="replace") for member in await store.smembers(WORKERS))
    except STORE_ERRORS as error:
        if not store.is_cluster or not is_of_the_moment(error):
            raise
        names, is_whole = sorted(known), False
    reads: list[tuple[Value, ...]] = [("HMGET", keys.worker(name), *PULSE) for name in names]
    probed = [WORKERS, *(keys.worker(name) for name in names)] if store.is_cluster else []
    answers = await store.ask_each([*reads, *(asking(key) for key in probed)])
    told = dict(zip(names, answers[: len(names)], strict=True))
    failing = {name for name, answer in told.items() if _is_away(answer)}
    if failing and not store.is_cluster:
        raise told[min(failing)]
    refusing = {key for key, answer in zip(probed, answers[len(names) :], strict=True) if _is_away(answer)}
    return BeatsSeen(
        beats={name: _beat(answer) for name, answer in told.items() if name not in failing},
        unheard=frozenset(name for name in names if name in failing or keys.worker(name) in refusing),
        is_whole=is_whole and WORKERS not in refusing,
    )


async def read_lane(store: Store, keys: Keys, lane: int, workers: Iterable[str]) -> LaneSeen:
    """A lane. `workers`: those that are known; others are found on the cards. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    groups = [
        *((stream, role) for stream in (keys.calls(lane), keys.orphans(lane)) for role in ROLES),
        (keys.ringing(lane), ROLES[0]),
        (keys.hooks(lane), hooks.GROUP),
    ]
    async with store.pipeline(transaction=False) as pipe:
        for key in (keys.slots(lane), keys.live(lane), keys.deadlines(lane)):
            pipe.zrange(key, 0, -1)
        for key in (keys.calls(lane), keys.orphans(lane)):
            pipe.xrange(key, count=ENTRIES_MOST)
        for stream, group in groups:
            pipe.xinfo_consumers(stream, group)
        slots, live, deadlines, calls, orphans, *consumers = _well(await pipe.execute(raise_on_error=False))
    known = await _lists(store, keys, lane, workers)
    named = {
        *_texts(slots),
        *_texts(live),
        *_texts(deadlines),
        *(sid for one in known.values() for sid in one),
    }
    cards = await _cards(store, keys, lane, sorted(named))
    on_cards = {worker for card in cards.values() if card is not None for worker in card.names()}
    others = await _lists(store, keys, lane, on_cards - known.keys())
    return LaneSeen(
        cards=cards,
        slots=frozenset(_texts(slots)),
        live=frozenset(_texts(live)),
        deadlines=frozenset(_texts(deadlines)),
        offered=frozenset([*_new(calls), *_orphans(orphans)]),
        owned={**known, **others},
        consumers=tuple(
            Consumer(stream, group, each["name"].decode(errors="replace"), each["pending"])
            for (stream, group), found in zip(groups, consumers, strict=True)
            for each in found
        ),
    )


async def read_count(store: Store, keys: Keys) -> CountSeen:
    """The count of all calls, and who is on the line in any lane; of those that are in one of the two only,
    their cards. Raises STORE_ERRORS; a lane of a Cluster that does not answer is left out, and its calls have
    no cards here. Cancelling is safe."""
    places = await _places(store)
    live: set[str] = set()
    cards: dict[str, CardSeen | None] = {}
    by_lane: dict[int, list[str]] = {}

    async def look(lane: int) -> None:
        live.update(await _live(store, keys, lane))

    async def read(lane: int) -> None:
        cards.update(await _cards(store, keys, lane, by_lane[lane]))

    unseen = await each_lane(store, range(keys.lanes), look)
    for call_sid in sorted(places.keys() ^ live):
        lane = keys.lane(call_sid)
        if lane not in unseen:
            by_lane.setdefault(lane, []).append(call_sid)
    unseen |= await each_lane(store, list(by_lane), read)
    if unseen and not store.is_cluster:
        raise next(iter(unseen.values()))
    return CountSeen(places=places, live=frozenset(live), cards=cards)


# Private.


async def _places(store: Store) -> dict[str, float]:
    """Those that are renewed meanwhile may be missed: they are on the line."""
    found: dict[str, float] = {}
    start = 0
    try:
        while True:
            some = await store.redis.zrange(ADMITTED, start, start + PLACES_AT_ONCE - 1, withscores=True)
            found |= {member.decode(errors="replace"): float(ends_ms) for member, ends_ms in some}
            if len(some) < PLACES_AT_ONCE:
                return found
            start += PLACES_AT_ONCE
    except ResponseError as error:
        if not is_of_the_key(error):
            raise
        return {}


async def _live(store: Store, keys: Keys, lane: int) -> list[str]:
    try:
        return _texts(await store.zrange(keys.live(lane), 0, -1))
    except ResponseError as error:
        if not is_of_the_key(error):
            raise
        return []


def _well(answers: Sequence[Any]) -> list[Any]:
    """A refusal of one key is nothing found; one of the server is of all of them."""
    for answer in answers:
        if _is_away(answer):
            raise answer
    return [[] if isinstance(answer, Exception) else answer for answer in answers]


def _texts(members: Iterable[bytes]) -> list[str]:
    return [member.decode(errors="replace") for member in members]


def _is_away(answer: Any) -> bool:
    """Whether it says how a server is, and nothing of what stands there."""
    return isinstance(answer, Exception) and is_of_the_moment(answer)


def _beat(answer: Any) -> int | None:
    if isinstance(answer, Exception):
        return None
    try:
        pulse = read_pulse(answer)
    except ContractError:
        return None
    return None if pulse is None else pulse.beat


async def _lists(store: Store, keys: Keys, lane: int, workers: Iterable[str]) -> dict[str, frozenset[str]]:
    asked = sorted(workers)
    async with store.pipeline(transaction=False) as pipe:
        for worker in asked:
            pipe.smembers(keys.owned(lane, worker))
        answers = _well(await pipe.execute(raise_on_error=False)) if asked else []
    return {worker: frozenset(_texts(found)) for worker, found in zip(asked, answers, strict=True)}


async def _cards(store: Store, keys: Keys, lane: int, calls: Sequence[str]) -> dict[str, CardSeen | None]:
    found: dict[str, CardSeen | None] = {}
    for start in range(0, len(calls), CARDS_AT_ONCE):
        asked = calls[start : start + CARDS_AT_ONCE]
        async with store.pipeline(transaction=False) as pipe:
            for call_sid in asked:
                pipe.hmget(keys.card_in(lane, call_sid), record.names(JanitorView))
            answers = _well(await pipe.execute(raise_on_error=False))
        for call_sid, values in zip(asked, answers, strict=True):
            found[call_sid] = _card(values)
        await asyncio.sleep(0)
    return found


def _card(values: Sequence[bytes | None]) -> CardSeen | None:
    view = record.read_values(JanitorView, values) if values else None
    if view is None or view.state is None:
        return None
    return CardSeen(
        state=view.state,
        leg=view.leg or "",
        stream_sid=view.stream_sid or "",
        ingress=view.ingress or "",
        brain=view.brain or "",
        egress=view.egress or "",
        plan=view.plan or "",
        has_deadline=view.deadline_leg is not None,
    )


def _new(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> Iterable[tuple[str, str]]:
    for _, fields in entries:
        try:
            call_sid = read_call(_flat(fields)).call_sid
        except EntryError:
            continue  # Whoever is handed it takes it out.
        for role in ROLES:
            yield call_sid, role


def _orphans(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> Iterable[tuple[str, str]]:
    for _, fields in entries:
        try:
            orphan = read_orphan(_flat(fields))
        except EntryError:
            continue  # The same.
        yield orphan.call_sid, orphan.role


def _flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [word for pair in (fields or {}).items() for word in pair]
