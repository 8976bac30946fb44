"""What is going on right now, read from Redis: live calls, workers; and the few things an operator may do.

Why it exists: `calls`, `show`, `top` and `doctor` show the same truth; it is read in one place, with few
round trips. Owns: reading cards, lengths of streams and workers; sending what operators ask for. Must not
know: how anything is shown. Every write here is one that `redis-cli` could do (docs/operating.md).

What cannot be read has a type of its own, with the problem in words: it is shown, and counts in no figure.
How a call stands (trouble.py) is judged as it is read, by the beats of its owners at the same look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from console.calls import trouble
from console.calls.beats import BeatSeen, BeatWatch
from console.calls.trouble import ALIVE_WITHIN_MS, Crew, Said, Seen, Standing
from shared.clock import now_ms
from shared.contract import keys as key_names
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.entry import text_of
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.contract.streams.control import OPERATOR, HangUp, Listen, Say, operator_command
from shared.contract.streams.doorbell import Why, ring_command
from shared.contract.streams.journal import JournalEntry, read_journal
from shared.contract.views import Owners, PeopleView
from shared.contract.window import PipelineFigures
from shared.contract.worker import ROLES, Beat
from shared.ownership import steps, workers
from shared.store.client import Store

NO_CARD = "it is listed as live, and its card is gone: a ghost"

LOOK_AGAIN_S = 0.8
"""A worker that lives shows another beat within this."""

DEFAULT_AGENT = "default"
"""Who answers until a brain has said who does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """One call, as its card and streams say."""

    call_sid: str
    card: PeopleView
    fields: Mapping[str, str] = field(repr=False)
    """All that stands on the card, as text."""
    said: Said = field(repr=False)
    """What each role said of it last."""
    standing: Standing
    """Who has it, and what is wrong with it."""
    caller_q: int
    """Entries of `caller`: frames of 20 ms that the model has not got."""
    reply_q: int
    """Entries of `reply`: pieces of model audio that the caller has not heard."""

    @property
    def agent(self) -> str:
        """Who answers."""
        return self.card.agent or DEFAULT_AGENT

    @property
    def pipeline(self) -> PipelineFigures | None:
        """The figures of the last window (docs/operating.md); None before the first, and where the last one
        is of a time that is over."""
        return self.said.egress if self.standing.is_told else None

    @property
    def verdict(self) -> str:
        """Whose fault the last window was, or who is missing; empty before the first."""
        return self.standing.verdict

    @property
    def is_ghost(self) -> bool:
        """Whether nobody has it any more."""
        return self.standing.is_ghost

    @property
    def owners(self) -> dict[str, str]:
        """Who has the call, by role; empty for nobody."""
        return dict(zip(ROLES, (self.card.ingress, self.card.brain, self.card.egress), strict=True))

    def age_ms(self, now_wall_ms: int) -> int:
        """How long the call has lasted, or had when it ended."""
        until_ms = now_wall_ms if self.card.ended_at_ms is None else self.card.ended_at_ms
        return max(0, until_ms - self.card.started_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableCall:
    """A call whose card lacks what its writers always write, or holds what cannot be read."""

    call_sid: str
    fields: Mapping[str, str] = field(repr=False)
    problem: str

    @property
    def is_ghost(self) -> bool:
        """Whether nothing of it is left but its place among the live."""
        return not self.fields


AnyCall = LiveCall | UnreadableCall


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """One process, by its own beat."""

    name: str
    beat: Beat
    beat_age_ms: int

    @property
    def is_alive(self) -> bool:
        """Whether it has shown itself just now."""
        return self.beat_age_ms < ALIVE_WITHIN_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableWorker:
    """A process whose beat cannot be read."""

    name: str
    problem: str


AnyWorker = WorkerRow | UnreadableWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All calls and workers at one moment."""

    calls: list[AnyCall]
    workers: list[AnyWorker]


class NoSuchCall(LookupError):
    """No live or recent call fits; the text says which there are."""


def call_of(call_sid: str, fields: Mapping[str, str]) -> AnyCall:
    """A call that is over, by its card alone, wherever that was kept."""
    return _call(call_sid, fields, 0, 0, Crew(seen={}), 0)


def by_urgency(call: AnyCall) -> tuple[bool, tuple[bool, int], int, str]:
    """Sorts calls: in trouble, then by age; at the end those that cannot be read."""
    if isinstance(call, UnreadableCall):
        return True, (True, 0), 0, call.call_sid
    return False, trouble.order(call.standing), call.card.started_at_ms, call.call_sid


# Reading.


async def make_keys(store: Store) -> Keys:
    """The keys of this deployment: the number of lanes stands in Redis. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    lanes = await store.hget(key_names.CONFIG, "lanes")
    return Keys(int(lanes) if lanes else 1, spread=store.is_cluster)


async def look(store: Store, keys: Keys, watch: BeatWatch) -> Look:
    """All live calls, those in trouble first, then the oldest, those that cannot be read at the end; and all
    workers. Raises STORE_ERRORS: tell `watch` that it missed that look.

    Cancelling is safe.
    """
    sids: list[str] = []
    for lane in range(keys.lanes):
        sids += [member.decode() for member in await store.zrange(keys.live(lane), 0, -1)]
    at_ms, read = await _read_workers(store)
    found = _by_own_clock(watch, read)
    calls = await _read(store, keys, sids, _crew(found), at_ms)
    return Look(calls=sorted(calls, key=by_urgency), workers=found)


async def look_closely(store: Store, keys: Keys) -> Look:
    """As `look`, for who looks once only: where an owner of a call seems silent, that is looked at again,
    since the first look can only compare wall clocks. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    watch = BeatWatch()
    found = await look(store, keys, watch)
    silent = {row.name for row in found.workers if isinstance(row, WorkerRow) and not row.is_alive}
    if any(not silent.isdisjoint(call.owners.values()) for call in found.calls if isinstance(call, LiveCall)):
        await asyncio.sleep(LOOK_AGAIN_S)
        found = await look(store, keys, watch)
    return found


async def read_calls(store: Store, keys: Keys) -> list[AnyCall]:
    """The calls of one look. Raises STORE_ERRORS. Cancelling is safe."""
    return (await look(store, keys, BeatWatch())).calls


async def find_call(store: Store, keys: Keys, text: str) -> AnyCall:
    """A call by its SID, or by enough of its beginning or end. Raises NoSuchCall, STORE_ERRORS.

    Cancelling is safe.
    """
    calls = (await look_closely(store, keys)).calls
    fitting = [c for c in calls if c.call_sid.startswith(text) or c.call_sid.endswith(text)]
    if text and len(fitting) == 1:
        return fitting[0]
    if key_names.CALL_SID.fullmatch(text):
        ended = await read_call(store, keys, text)  # As long as something of it stays.
        if ended is not None:
            return ended
    listed = ", ".join(call.call_sid for call in (fitting or calls)[:5])
    if fitting and text:
        raise NoSuchCall(f"{len(fitting)} calls fit {text!r}: {listed}. Give more of the SID.")
    live = f"Live are: {listed}." if calls else "There is no live call."
    raise NoSuchCall(f"expected the SID of a call, or a part that only one has, got {text!r}. {live}")


async def read_call(store: Store, keys: Keys, call_sid: str) -> AnyCall | None:
    """A call by its whole SID, live or over; None if nothing of it stays. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    at_ms, read = await _read_workers(store)
    (found,) = await _read(store, keys, [call_sid], _crew(read), at_ms)
    return None if isinstance(found, UnreadableCall) and not found.fields else found


async def is_listed(store: Store, keys: Keys, call_sid: str) -> bool:
    """Whether a call is among the live ones. Raises STORE_ERRORS. Cancelling is safe."""
    return await store.zscore(keys.live(keys.lane(call_sid)), call_sid) is not None


async def read_newest_journal(store: Store, keys: Keys, call_sid: str, count: int) -> list[JournalEntry]:
    """The newest lines of a call's journal, oldest first. Raises STORE_ERRORS. Cancelling is safe."""
    if not count:
        return []
    found = await store.xrevrange(keys.journal(call_sid), count=count)
    return [read_journal(entry_id, fields) for entry_id, fields in reversed(found)]


async def read_workers(store: Store) -> list[AnyWorker]:
    """All workers that have not been forgotten, by name; their age by wall clocks. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    _, found = await _read_workers(store)
    return found


# Asking.


async def say(store: Store, keys: Keys, call_sid: str, text: str, *, force: bool = False) -> bool:
    """Makes the model say something. False if there is no such call any more. Raises STORE_ERRORS.

    Cancelled, it may have been said.
    """
    return await _tell(store, keys, call_sid, Say(text=text, force=force))


async def ask_to_hang_up(store: Store, keys: Keys, call_sid: str) -> bool:
    """Asks the brain to end a call. False if there is no such call any more. Raises STORE_ERRORS.

    Cancelled, it may have been asked for.
    """
    return await _tell(store, keys, call_sid, HangUp(reason=OPERATOR, farewell=""))


async def listen(store: Store, keys: Keys, call_sid: str) -> bool:
    """Says that somebody listens to a call, for LISTEN_MS. False if there is no such call any more. Raises
    STORE_ERRORS.

    Cancelled, it may have been said.
    """
    return await _tell(store, keys, call_sid, Listen())


async def drain(store: Store, keys: Keys, worker: str) -> bool:
    """Takes a worker out: no new calls. False if nobody listens to that doorbell. Raises STORE_ERRORS.

    Cancelled, it may have been asked for.
    """
    return await store.execute(ring_command(keys, 0, worker, "", Why.DRAIN)) is not None


# Private.


async def _tell(store: Store, keys: Keys, call_sid: str, message: Say | HangUp | Listen) -> bool:
    # Looked at before it is told: a brain that obeys at once has ended the call by the next look.
    try:
        owners = await steps.read_view(store, keys, call_sid, Owners)
    except ContractError:
        brain = ""  # Nobody can be rung; whoever has the call looks once a second.
    else:
        if owners is None or owners.state is CallState.ENDED:
            return False
        brain = owners.brain
    if await store.execute(operator_command(keys, call_sid, message)) is None:
        return False
    if brain:
        await store.execute(ring_command(keys, keys.lane(call_sid), brain, call_sid, Why.CONTROL))
    return True


async def _read_workers(store: Store) -> tuple[int, list[AnyWorker]]:
    """The server's wall clock, and the workers."""
    seconds, micros = await store.time()
    at_ms = seconds * 1000 + micros // 1000
    found: list[AnyWorker] = []
    for seen in await workers.read_workers(store, Keys()):
        if seen.beat is not None:
            age_ms = max(0, at_ms - seen.beat.at_ms)
            found.append(WorkerRow(name=seen.name, beat=seen.beat, beat_age_ms=age_ms))
        elif seen.problem:
            found.append(UnreadableWorker(name=seen.name, problem=seen.problem))
    return at_ms, found


def _by_own_clock(watch: BeatWatch, found: Sequence[AnyWorker]) -> list[AnyWorker]:
    """The workers, with their silence by the clock of whoever looks."""
    beats = {
        row.name: BeatSeen(row.beat.beat, row.beat_age_ms) for row in found if isinstance(row, WorkerRow)
    }
    silent_ms = watch.look(now_ms(), beats)
    return [
        replace(row, beat_age_ms=silent_ms[row.name]) if isinstance(row, WorkerRow) else row for row in found
    ]


def _crew(found: Sequence[AnyWorker]) -> Crew:
    rows = [row for row in found if isinstance(row, WorkerRow)]
    return Crew(
        seen={row.name: Seen(at_ms=row.beat.at_ms, silent_ms=row.beat_age_ms) for row in rows},
        unreadable=frozenset(row.name for row in found if isinstance(row, UnreadableWorker)),
    )


async def _read(store: Store, keys: Keys, sids: Sequence[str], crew: Crew, at_ms: int) -> list[AnyCall]:
    async with store.pipeline(transaction=False) as pipe:
        for sid in sids:
            pipe.hgetall(keys.card(sid))
            pipe.xlen(keys.caller(sid))
            pipe.xlen(keys.reply(sid))
        answers = await pipe.execute()
    calls: list[AnyCall] = []
    for index, sid in enumerate(sids):
        card, caller, reply = answers[index * 3 : index * 3 + 3]
        calls.append(_call(sid, text_of(card), int(caller), int(reply), crew, at_ms))
    return calls


def _call(
    call_sid: str, fields: Mapping[str, str], caller_q: int, reply_q: int, crew: Crew, at_ms: int
) -> AnyCall:
    if not fields:
        return UnreadableCall(call_sid=call_sid, fields=fields, problem=NO_CARD)
    try:
        card = record.read(PeopleView, fields)
        said = trouble.said(card, fields)
    except ContractError as error:
        return UnreadableCall(call_sid=call_sid, fields=fields, problem=str(error))
    return LiveCall(
        call_sid=call_sid,
        card=card,
        fields=fields,
        said=said,
        standing=trouble.judge(said, crew, at_ms),
        caller_q=caller_q,
        reply_q=reply_q,
    )
