"""How brain and egress take calls: orphans first, then new ones, one at a time, and only with room.

Why it exists: pulling is admission. A worker that is full or draining does not read, so the call goes to
one that has room, without anybody measuring load. A call that has lost its owner has a caller on the line: it
goes before new ones, and there is some room for it above the capacity. A call that only rings is read in the
same way by whoever can do something for it before its stream is there: it is its heir then.

Owns: the consumer groups on `calls`, `orphans` and `ringing`, the blocking read, the CLAIM, turning away a
call that too many owners have failed at. Must not know: what a role does with the call it gets, who is dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from redis.exceptions import ResponseError

from shared import resp
from shared.clock import now_ms
from shared.contract import record
from shared.contract.card import Next, Plan
from shared.contract.claiming import MOST_ATTEMPTS, Claim
from shared.contract.entry import to_dict, written_ms
from shared.contract.errors import ContractError, EntryError
from shared.contract.lua.scripts import NO_EPOCH, Answer
from shared.contract.streams import calls, pairs
from shared.contract.streams.hooks import Event
from shared.contract.streams.journal import Kind
from shared.contract.views import TurnedAwayView
from shared.contract.writes import Speaker
from shared.ownership import steps
from shared.ownership.counters import Where
from shared.ownership.owned_watch import CallHolder, OwnedWatch
from shared.ownership.turning_away import turn_away
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS, LinkLost, is_of_the_key
from shared.store.inbox import Entry
from shared.store.reach.link import RedisLink, ReplyError

BLOCK_MS = 500
HEIR_BLOCK_MS = 100
"""While an orphan waits for its heir: nobody rings when its time is over."""

BLOCK_MARGIN_S = 2.0
ABANDONED_MS = 1000
"""A new call that another worker was handed and has not claimed for this long is taken over. So is one that
was left to its heir: whoever was handed it takes it then."""

HEIR_FIRST_MS = 500
"""A call is left to its heir for this long; so is an orphan that another worker was handed and did not
claim."""

FULL_PAUSE_S = 0.05
RETRY_PAUSE_S = 0.3

ROOM_SHARE, ROOM_LEAST = 10, 2
"""Above its capacity a worker takes orphans only: a tenth of it more, and two at least."""

REMEMBERED = 4096
"""Calls whose epochs are kept after we had them."""

TURN_AWAY_TRIES = 30
QUARANTINED = "quarantined"
"""The outcome of a call that too many owners have failed at."""

OnCall = Callable[[str, Claim], None]
"""Called with each call that is now ours; it starts the work and returns."""


class Expecting(Protocol):
    """A role that does something for calls which ring."""

    def expected_calls(self) -> int:
        """How many it expects: each has its place here, unless it is another's in the end."""

    def on_ringing(self, call: calls.Ringing) -> None:
        """We are this call's heir from now on; it starts the work and returns."""


def room_for_orphans(capacity: int) -> int:
    """How many calls a worker may have when it takes one that has lost its owner."""
    return capacity + max(ROOM_LEAST, capacity // ROOM_SHARE)


def watch_owned(process: Process, holder: CallHolder) -> OwnedWatch:
    """Whoever has our role and dies is disowned from now on, older boots of our own instance first."""
    watch = OwnedWatch(
        process.store,
        process.keys,
        process.settings.lanes,
        process.worker.role,
        process.name,
        holder,
        process.neighbours.standings,
        process.guard,
        process.ownership,
        process.log,
    )
    process.neighbours.on_dead = watch.on_dead
    return watch


class Dispatch:
    """Takes calls of one lane for a role. `live_calls`: how many the process has now. `host`: who is told of
    calls that ring; None: they are not read."""

    def __init__(
        self, process: Process, lane: int, *, live_calls: Callable[[], int], on_call: OnCall,
        host: Expecting | None = None,
    ) -> None:  # fmt: skip
        self._process = process
        self._role = process.worker.role
        self._calls, self._orphans = process.keys.calls(lane), process.keys.orphans(lane)
        self._ringing = process.keys.ringing(lane)
        self._host = host
        self._task = f"dispatch-{lane}"
        self._live_calls = live_calls
        self._on_call = on_call
        self._looked_at_ms = 0.0
        self._heir_until_ms = 0.0
        """A call that was handed to us waits for its heir until then."""
        self._server_ahead_ms = 0.0
        """What Redis's clock shows more than ours: entries bear its time, which no host's clock need agree
        with."""

    async def run(self) -> None:
        """Takes calls until the process drains. What it was handed and did not take, others take: cancelling
        it is safe."""
        process = self._process
        while not process.draining:
            link: RedisLink | None = None
            try:
                await self._make_groups()
                link = await process.servers.way(self._calls).open(name=f"{process.name}:calls")
                await self._take(link)
            except STORE_ERRORS as error:
                process.redis_fails(self._task, f"{type(error).__name__}: {error}")
                await asyncio.sleep(RETRY_PAUSE_S)
            finally:
                if link is not None:
                    link.close()

    # Private.

    async def _make_groups(self) -> None:
        for key in self._all():
            try:
                await self._process.store.xgroup_create(key, self._role, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def _take(self, link: RedisLink) -> None:
        seconds, micros = _checked(await link.ask(resp.pack([b"TIME"]), timeout_s=BLOCK_MARGIN_S))
        self._server_ahead_ms = int(seconds) * 1000 + int(micros) / 1000 - now_ms()
        # What an older boot was handed, or we before the connection was lost.
        await self._read(link, self._all(), "0")
        while not self._process.draining:
            wanted = self._wanted()
            if not wanted:
                self._process.redis_works(self._task)  # As far as is known: its link has been opened.
                await asyncio.sleep(FULL_PAUSE_S)
                continue
            await self._read(link, wanted, ">")
            self._process.redis_works(self._task)
            now = now_ms()
            if now - self._looked_at_ms >= HEIR_FIRST_MS / 2:
                self._looked_at_ms = now
                await self._take_abandoned(link)

    def _all(self) -> list[str]:
        return [self._orphans, self._calls, *(() if self._host is None else (self._ringing,))]

    def _wanted(self) -> list[str]:
        """What there is room for. Calls that are only expected keep no other one out: they may not come."""
        live, capacity = self._live_calls(), self._process.capacity
        if live >= capacity:
            return [self._orphans] if live < room_for_orphans(capacity) else []
        if self._host is None or live + self._host.expected_calls() >= capacity:
            return [self._orphans, self._calls]
        return self._all()

    async def _read(self, link: RedisLink, wanted: list[str], start: str) -> None:
        """One entry of each stream, the orphan first; `start` is "0" for what we were handed before."""
        block_ms = HEIR_BLOCK_MS if now_ms() < self._heir_until_ms else BLOCK_MS
        # Named by the instance: a next boot finds what this one was handed, and names do not pile up.
        words = [b"XREADGROUP", b"GROUP", self._role.encode(), self._process.worker.instance.encode()]
        count = b"1" if start == ">" else b"100"
        words += (b"COUNT", count, b"BLOCK", b"%d" % block_ms, b"STREAMS")
        words += [key.encode() for key in wanted] + [start.encode()] * len(wanted)
        reply = _checked(await link.ask(resp.pack(words), timeout_s=block_ms / 1000 + BLOCK_MARGIN_S))
        found = {key.decode(): entries for key, entries in reply or ()}
        for key in wanted:
            for entry in found.get(key, ()):
                await self._guarded(key, entry, is_late=False)

    async def _take_abandoned(self, link: RedisLink) -> None:
        """What its heir has not claimed, or the worker that was handed it: one after another, all there is
        room for. A group that ends together leaves as many as it had calls."""
        for key in (self._orphans, self._calls):
            idle_ms = HEIR_FIRST_MS if key == self._orphans else ABANDONED_MS
            consumer = self._process.worker.instance.encode()
            words = [b"XAUTOCLAIM", key.encode(), self._role.encode(), consumer, b"%d" % idle_ms, b"0"]
            ask = resp.pack([*words, b"COUNT", b"1"])
            while key in self._wanted() and not self._process.draining:
                found = _checked(await link.ask(ask, timeout_s=BLOCK_MARGIN_S))[1]
                if not found:
                    break
                for entry in found:  # Its idle time begins anew: it does not come twice.
                    await self._guarded(key, entry, is_late=True)

    async def _guarded(self, key: str, entry: Entry, *, is_late: bool) -> None:
        """One entry must not end the worker, nor come again for ever."""
        try:
            await self._handed(key, entry, is_late=is_late)
            return
        except STORE_ERRORS as error:
            if not is_of_the_key(error, _call_of(entry)):
                raise
            bug: Exception = error
        except Exception as error:  # noqa: BLE001 - met at this call, whatever it is
            bug = error
        self._process.guard.caught(Where.DISPATCH, _call_of(entry), bug)
        await self._process.store.xack(key, self._role, entry[0])
        await self._process.store.xdel(key, entry[0])

    async def _handed(self, key: str, entry: Entry, *, is_late: bool) -> None:
        """Claims what an entry offers, if it is for us. `is_late`: its heir has had its time."""
        entry_id, fields = entry
        if self._process.draining:
            return
        try:
            if key == self._ringing:
                await self._expect(calls.read_ringing(fields) if fields else None, entry_id)
            elif fields and key == self._calls:
                new = calls.read_call(fields)
                # A heir is a brain: others need not wait for it.
                if is_late or self._host is None or not self._waits_for(new.heir, entry_id):
                    await self._claim(new.call_sid, new_entry=entry_id.decode())
                else:
                    self._heir_until_ms = now_ms() + ABANDONED_MS + HEIR_FIRST_MS
            elif fields:
                await self._take_orphan(calls.read_orphan(fields), entry_id, is_late=is_late)
        except EntryError as error:
            self._process.log.error("bad_calls_entry", entry_id=entry_id.decode(), reason=str(error))
            await self._process.store.xdel(key, entry_id)

    async def _take_orphan(self, orphan: calls.Orphan, entry_id: bytes, *, is_late: bool) -> None:
        if orphan.role != self._role:
            await self._process.store.xack(self._orphans, self._role, entry_id)
        elif not is_late and self._waits_for(orphan.heir, entry_id):
            self._heir_until_ms = now_ms() + 2 * HEIR_FIRST_MS
        else:
            await self._claim(orphan.call_sid, orphan_entry=entry_id.decode())

    async def _expect(self, call: calls.Ringing | None, entry_id: bytes) -> None:
        """A call rings, and is ours if its stream comes. One that rang for too long is nobody's; nor is one
        that there is no room for any more: it goes its way without an heir. None: RESERVE has taken the
        entry out, being too old."""
        process, host = self._process, self._host
        is_old = self._age_ms(entry_id) >= calls.RINGING_MS
        if call is None or host is None or is_old or self._ringing not in self._wanted():
            await process.store.xack(self._ringing, self._role, entry_id)
            await process.store.xdel(self._ringing, entry_id)
            return
        entry = entry_id.decode()
        if await steps.expect(process.store, process.keys, call.call_sid, worker=process.name, entry=entry):
            host.on_ringing(call)

    def _waits_for(self, heir: str, entry_id: bytes) -> bool:
        """Whether another worker is to have it first. Not one that was an older boot of ours, or is dead; nor
        if the entry has stood there for as long as it is left to an heir: nobody was there to read it."""
        process = self._process
        if heir in ("", process.name) or heir.partition("#")[0] == process.worker.instance:
            return False
        if any(each.worker == heir and each.is_dead for each in process.neighbours.standings()):
            return False
        return self._age_ms(entry_id) < HEIR_FIRST_MS

    def _age_ms(self, entry_id: bytes) -> float:
        """Of an entry, by Redis's clock."""
        return now_ms() + self._server_ahead_ms - written_ms(entry_id)

    async def _claim(self, call_sid: str, *, new_entry: str = "", orphan_entry: str = "") -> None:
        claim = await claim_free(self._process, call_sid, new_entry=new_entry, orphan_entry=orphan_entry)
        if claim is not None:
            await self._hand_over(call_sid, claim)

    async def _hand_over(self, call_sid: str, claim: Claim) -> None:
        """The call is the role's. One that it cannot even begin with is given back, and the attempt
        counts."""
        process = self._process
        try:
            self._on_call(call_sid, claim)
        except Exception as bug:  # noqa: BLE001 - met at this call, whatever it is
            process.guard.caught(Where.DISPATCH, call_sid, bug)
            await steps.release(
                process.store, process.keys, call_sid, role=self._role, worker=process.name,
                epoch=claim.epoch, why=calls.Orphaned.BUG,
            )  # fmt: skip


async def claim_free(
    process: Process, call_sid: str, *, seen: int = 0, again: bool = False, new_entry: str = "",
    orphan_entry: str = "",
) -> Claim | None:  # fmt: skip
    """Claims our role of a call that nobody has, or that Redis has lost; None if it was refused, if its card
    cannot be read, or if it was turned away. `seen`: an epoch of it that others told us of. `again`: it is
    ours, and is to get a higher one. Raises STORE_ERRORS.

    Cancelling it leaves it unknown: it may have been claimed, and the claim is simply repeated.
    """
    role, claimed = process.worker.role, process.claimed
    if call_sid in process.turning_away:
        return None  # It was offered to us a second time, and ends.
    claim = await steps.claim(
        process.store,
        process.keys,
        call_sid,
        role=role,
        worker=process.name,
        seen=max(seen, claimed.get(call_sid, 0)),
        again=again,
        new_entry=new_entry,
        orphan_entry=orphan_entry,
    )
    if claim.answer is not Answer.OK:
        if claim.refusal is not None and claim.refusal.epoch == NO_EPOCH:
            # One spoilt card must not end a worker with all its calls.
            process.ownership.unread(
                ContractError("Owners", f"{role}_epoch", "a whole number", None),
                process.log.bind(call=call_sid),
            )
            return None
        process.ownership.claims_refused += 1
        return None
    claimed.pop(call_sid, None)
    claimed[call_sid] = claim.epoch
    if len(claimed) > REMEMBERED:
        del claimed[next(iter(claimed))]
    if call_sid in process.turning_away:
        return None
    if claim.attempts(role) > MOST_ATTEMPTS:
        process.turning_away.add(call_sid)
        process.ownership.quarantined += 1
        process.log.error("call_quarantined", call=call_sid, attempts=claim.attempts(role))
        process.spawn_for(call_sid, _quarantine(process, call_sid, claim), "quarantine")
        return None
    process.ownership.claims += 1
    return claim


# Private.


async def _quarantine(process: Process, call_sid: str, claim: Claim) -> None:
    """The caller hears the apology of the agent that answered, and the call ends. Cancelling it leaves the
    call to ingress, which apologises for the silence."""
    try:
        await _turn_away(process, call_sid, claim)
    finally:
        process.turning_away.discard(call_sid)


async def _turn_away(process: Process, call_sid: str, claim: Claim) -> None:
    process.journal.note(call_sid, Kind.QUARANTINED, attempts=claim.attempts(process.worker.role))
    speaker = Speaker(call_sid, process.worker.role, process.name, claim.epoch)
    plan = Plan(next=Next.APOLOGY, next_arg="", cause=QUARANTINED)
    told = Event.ENDED in process.settings.told_events
    for _ in range(TURN_AWAY_TRIES):
        try:
            await turn_away(
                process.store, process.keys, speaker, plan, by=process.name, tell=told,
                kept=process.settings.kept,
            )  # fmt: skip
            break
        except STORE_ERRORS:
            await asyncio.sleep(RETRY_PAUSE_S)
    try:
        card = record.read(TurnedAwayView, claim.card)
    except ContractError:
        return  # Ingress closes the stream when it sees that the call has ended.
    pair = pairs.close(call_sid, card.leg, card.brain_epoch, QUARANTINED)
    for command in pairs.out_commands(process.keys, card.ingress, process.name.encode(), now_ms(), [pair]):
        process.outbox.send(command, urgent=True)


def _call_of(entry: Entry) -> str:
    """As it stands there; empty where it does not."""
    found = to_dict(entry[1] or [])
    return found.get(b"call", b"").decode(errors="replace")


def _checked(reply: Any) -> Any:
    if isinstance(reply, ReplyError):
        # NOGROUP after a FLUSHALL, UNBLOCKED after a DEL: begin again, from the group's creation.
        raise LinkLost(f"Redis refused a dispatch read: {reply}")
    return reply
