"""What is going on right now, read from Redis: live calls, workers; and the few things an operator may do.

Why it exists: `calls`, `show`, `top` and `doctor` show the same truth; it is read in one place, with few
round trips. Owns: reading cards, lengths of streams and workers; sending what operators ask for. Must not
know: how anything is shown. Every write here is one that `redis-cli` could do (docs/operating.md).

What cannot be read has a type of its own, with the problem in words: it is shown, and counts in no figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.contract import keys as key_names
from shared.contract import record, window
from shared.contract.card import CallState, Owners, PeopleView
from shared.contract.entry import text_of
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.contract.streams.control import OPERATOR, HangUp, Say, operator_command
from shared.contract.streams.doorbell import Why, ring_command
from shared.contract.streams.journal import JournalEntry, read_journal
from shared.contract.window import PipelineFigures
from shared.contract.worker import ROLES, Beat
from shared.ownership import steps, workers
from shared.store.client import Store

ALIVE_WITHIN_MS = 3_000
"""A beat comes every half second; rivals judge by 2 s, and a person may be a little slower."""

DEFAULT_AGENT = "default"
"""Who answers until a brain has said who does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """One call, as its card and streams say."""

    call_sid: str
    card: PeopleView
    fields: Mapping[str, str] = field(repr=False)
    """All that stands on the card, as text."""
    pipeline: PipelineFigures | None
    """The figures of the last window (docs/operating.md); None before the first."""
    pipeline_problem: str = ""
    """Why there are no figures, where some were written and cannot be read."""
    caller_q: int
    """Entries of `caller`: frames of 20 ms that the model has not got."""
    reply_q: int
    """Entries of `reply`: pieces of model audio that the caller has not heard."""

    @property
    def agent(self) -> str:
        """Who answers."""
        return self.card.agent or DEFAULT_AGENT

    @property
    def verdict(self) -> str:
        """Whose fault the last window was; empty before the first."""
        return self.card.verdict or ""

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


class NoSuchCall(LookupError):
    """No live or recent call fits; the text says which there are."""


# Reading.


async def make_keys(store: Store) -> Keys:
    """The keys of this deployment: the number of lanes stands in Redis. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    lanes = await store.hget(key_names.CONFIG, "lanes")
    return Keys(int(lanes) if lanes else 1)


async def read_calls(store: Store, keys: Keys) -> list[AnyCall]:
    """All live calls, oldest first; those that cannot be read at the end. Raises STORE_ERRORS.

    Cancelling is safe.
    """
    sids: list[str] = []
    for lane in range(keys.lanes):
        sids += [member.decode() for member in await store.zrange(keys.live(lane), 0, -1)]
    return sorted(await _read(store, keys, sids), key=_by_age)


async def find_call(store: Store, keys: Keys, text: str) -> AnyCall:
    """A call by its SID, or by enough of its beginning or end. Raises NoSuchCall, STORE_ERRORS.

    Cancelling is safe.
    """
    if key_names.CALL_SID.fullmatch(text):
        found = await _read(store, keys, [text])  # Also one that has ended within the last hour.
        if found:
            return found[0]
    calls = await read_calls(store, keys)
    fitting = [c for c in calls if c.call_sid.startswith(text) or c.call_sid.endswith(text)]
    if text and len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(call.call_sid for call in (fitting or calls)[:5])
    if fitting and text:
        raise NoSuchCall(f"{len(fitting)} calls fit {text!r}: {listed}. Give more of the SID.")
    live = f"Live are: {listed}." if calls else "There is no live call."
    raise NoSuchCall(f"expected the SID of a call, or a part that only one has, got {text!r}. {live}")


async def read_newest_journal(store: Store, keys: Keys, call_sid: str, count: int) -> list[JournalEntry]:
    """The newest lines of a call's journal, oldest first. Raises STORE_ERRORS. Cancelling is safe."""
    if not count:
        return []
    found = await store.xrevrange(keys.journal(call_sid), count=count)
    return [read_journal(entry_id, fields) for entry_id, fields in reversed(found)]


async def read_workers(store: Store) -> list[AnyWorker]:
    """All workers that have not been forgotten, by name. Raises STORE_ERRORS. Cancelling is safe."""
    seconds, micros = await store.time()
    now_ms = seconds * 1000 + micros // 1000
    found: list[AnyWorker] = []
    for seen in await workers.read_workers(store, Keys()):
        if seen.beat is not None:
            age_ms = max(0, now_ms - seen.beat.at_ms)
            found.append(WorkerRow(name=seen.name, beat=seen.beat, beat_age_ms=age_ms))
        elif seen.problem:
            found.append(UnreadableWorker(name=seen.name, problem=seen.problem))
    return found


# Asking.


async def say(store: Store, keys: Keys, call_sid: str, text: str, *, force: bool = False) -> bool:
    """Makes the model say something. False if there is no such call any more. Raises STORE_ERRORS.

    Cancelled, it may have been said.
    """
    return await _tell(store, keys, call_sid, Say(text=text, force=force))


async def hang_up(store: Store, keys: Keys, call_sid: str) -> bool:
    """Ends a call. False if there is no such call any more. Raises STORE_ERRORS.

    Cancelled, it may have been asked for.
    """
    return await _tell(store, keys, call_sid, HangUp(reason=OPERATOR, farewell=""))


async def drain(store: Store, keys: Keys, worker: str) -> bool:
    """Takes a worker out: no new calls. False if nobody listens to that doorbell. Raises STORE_ERRORS.

    Cancelled, it may have been asked for.
    """
    return await store.execute(ring_command(keys, 0, worker, "", Why.DRAIN)) is not None


# Private.


async def _tell(store: Store, keys: Keys, call_sid: str, message: Say | HangUp) -> bool:
    if await store.execute(operator_command(keys, call_sid, message)) is None:
        return False
    try:
        owners = await steps.read_view(store, keys, call_sid, Owners)
    except ContractError:
        return True  # Nobody can be rung; whoever has the call looks once a second.
    if owners is None:
        return False
    if owners.brain:
        ring = ring_command(keys, keys.lane(call_sid), owners.brain, call_sid, Why.CONTROL)
        await store.execute(ring)
    return owners.state is not CallState.ENDED


async def _read(store: Store, keys: Keys, sids: Sequence[str]) -> list[AnyCall]:
    async with store.pipeline(transaction=False) as pipe:
        for sid in sids:
            pipe.hgetall(keys.card(sid))
            pipe.xlen(keys.caller(sid))
            pipe.xlen(keys.reply(sid))
        answers = await pipe.execute()
    calls: list[AnyCall] = []
    for index, sid in enumerate(sids):
        card, caller, reply = answers[index * 3 : index * 3 + 3]
        if card:
            calls.append(_call(sid, text_of(card), int(caller), int(reply)))
    return calls


def _call(call_sid: str, fields: Mapping[str, str], caller_q: int, reply_q: int) -> AnyCall:
    try:
        card = record.read(PeopleView, fields)
    except ContractError as error:
        return UnreadableCall(call_sid=call_sid, fields=fields, problem=str(error))
    pipeline, problem = _pipeline(card.pipeline)
    return LiveCall(
        call_sid=call_sid,
        card=card,
        fields=fields,
        pipeline=pipeline,
        pipeline_problem=problem,
        caller_q=caller_q,
        reply_q=reply_q,
    )


def _pipeline(text: str | None) -> tuple[PipelineFigures | None, str]:
    if text is None:
        return None, ""
    try:
        return window.load(PipelineFigures, text), ""
    except ContractError as error:
        return None, str(error)


def _by_age(call: AnyCall) -> tuple[bool, int, str]:
    if isinstance(call, UnreadableCall):
        return True, 0, call.call_sid
    return False, call.card.started_at_ms, call.call_sid
