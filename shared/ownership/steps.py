"""The rare steps of a call, awaited: RESERVE, EXPECT, ATTACH, DETACH, DEFER, CLAIM, RELEASE,
DISOWN, END, RESCUE; and reading the card.

Why it exists: shared/contract/steps.py and claiming.py say what a step is, redis-py carries it. Owns:
sending, loading a script that Redis forgot, the time of a step. Must not know: what follows from an answer.

Each step is idempotent: one whose answer was lost is simply asked again. All raise STORE_ERRORS. Cancelling
one leaves it unknown: it may have been done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, TypeVar

from redis.exceptions import NoScriptError

from shared.clock import wall_ms
from shared.contract import claiming, record, steps
from shared.contract.card import StreamEnd
from shared.contract.claiming import Claim
from shared.contract.keys import ADMITTED, SPEECH, Keys, sound_key
from shared.contract.lua.scripts import Answer, ScriptCall, read_answer
from shared.contract.speech import AUDIO, BOOK, SpeechBook, in_frames, read_speech
from shared.contract.steps import Attached, Deadline, GoneStream, Kept, Leg, NewStream, Rescue, Reservation
from shared.contract.streams import calls
from shared.contract.streams.calls import Orphaned, Person, Ringing
from shared.store.client import Store
from shared.store.errors import STORE_ERRORS

V = TypeVar("V")


async def run(store: Store, call: ScriptCall) -> Any:
    """A script's reply, as redis-py gives it."""
    script = call.script
    try:
        return await store.evalsha(script.sha, len(call.keys), *call.keys, *call.args)
    except NoScriptError:
        await store.script_load(script.text, call.keys[0])
        return await store.evalsha(script.sha, len(call.keys), *call.keys, *call.args)


async def reserve(
    store: Store,
    keys: Keys,
    call_sid: str,
    *,
    nonce: str,
    expires_at_ms: int,
    rings: Ringing | None = None,
    person: Person | None = None,
) -> Reservation:
    """The token of a call that has a place. The same answer while it is unspent. `rings`: what brains are
    told of a call that gets its first token. `person`: what they may know of its caller before there is a
    stream."""
    step = steps.reserve(
        keys,
        call_sid,
        wall_ms=wall_ms(),
        nonce=nonce,
        expires_at_ms=expires_at_ms,
        rings=rings,
        person=person,
    )
    return steps.read_reserve(await run(store, step))


async def expect(store: Store, keys: Keys, call_sid: str, *, worker: str, entry: str) -> bool:
    """A brain opens a session for a call that rings; False: it has its stream, or no token. `entry`: what it
    was handed of `ringing`, which goes."""
    return steps.read_expect(await run(store, steps.expect(keys, call_sid, worker=worker, entry=entry)))


async def attach(store: Store, keys: Keys, stream: NewStream, *, max_resumes: int) -> Attached:
    """A media stream of a call has opened and showed its token."""
    step = steps.attach(keys, stream, wall_ms=wall_ms(), max_resumes=max_resumes)
    return steps.read_attach(await run(store, step))


async def detach(
    store: Store,
    keys: Keys,
    leg: Leg,
    *,
    ingress: str,
    cause: str,
    deadlines: Mapping[str, Deadline],
    stream_end: StreamEnd | None = None,
) -> GoneStream:
    """The media stream of a leg is gone. Answers what is planned next, or FENCED. `deadlines`: when it ends
    if it gets no other, by the plan. `stream_end`: how far it came, where that is known."""
    step = steps.detach(
        keys, leg, ingress=ingress, cause=cause, wall_ms=wall_ms(), deadlines=deadlines, stream_end=stream_end
    )
    return steps.read_detach(await run(store, step))


async def claim(
    store: Store,
    keys: Keys,
    call_sid: str,
    *,
    role: str,
    worker: str,
    seen: int = 0,
    again: bool = False,
    new_entry: str = "",
    orphan_entry: str = "",
) -> Claim:
    """Takes a role of a call that nobody has, or that Redis has lost, with an epoch above `seen`; with
    `again` also one that it has."""
    step = claiming.claim(
        keys,
        call_sid,
        role=role,
        worker=worker,
        wall_ms=wall_ms(),
        seen=seen,
        again=again,
        new_entry=new_entry,
        orphan_entry=orphan_entry,
    )
    return claiming.read_claim(await run(store, step))


async def release(
    store: Store,
    keys: Keys,
    call_sid: str,
    *,
    role: str,
    worker: str,
    epoch: int,
    heir: str = "",
    why: Orphaned = Orphaned.RELEASED,
) -> Answer:
    """Gives a role back, for `heir` to claim, or for whoever comes first."""
    step = claiming.release(
        keys, call_sid, role=role, worker=worker, epoch=epoch, wall_ms=wall_ms(), heir=heir, why=why
    )
    return read_answer(await run(store, step))[0]


async def disown(store: Store, keys: Keys, lane: int, *, role: str, dead: str, by: str) -> list[str]:
    """A worker is dead: what it owned of `role` in a lane is for others to claim. Answers those calls."""
    step = claiming.disown(keys, lane, role=role, dead=dead, by=by, wall_ms=wall_ms())
    return claiming.read_disown(await run(store, step))


async def defer(store: Store, keys: Keys, leg: Leg, deadline: Deadline) -> Answer:
    """A call whose stream is gone ends after this time, unless it has another one by then."""
    return read_answer(await run(store, steps.defer(keys, leg, deadline)))[0]


async def end(
    store: Store,
    keys: Keys,
    call_sid: str,
    *,
    outcome: str,
    by: str,
    if_due: Leg | None = None,
    tell: bool = False,
    kept: Kept | None = None,
    cause: str = "",
) -> tuple[Answer, bool]:
    """Ends a call, and gives its place back; True for the first comer. With `if_due`: only if a deadline
    still stands for that leg. `tell`: the user's systems are to hear of it (webhooks). `kept`: what stays of
    it, by the settings. `cause`: why, where no plan on the card says it."""
    step = steps.end(
        keys,
        call_sid,
        outcome=outcome,
        by=by,
        wall_ms=wall_ms(),
        if_due=if_due,
        tell=tell,
        kept=kept,
        cause=cause,
    )
    answer, is_first = steps.read_end(await run(store, step))
    if answer is not Answer.FENCED:
        # Of another slot of a Cluster, so a step of its own. One that was missed is made up for by whoever
        # holds the count against the cards.
        with contextlib.suppress(*STORE_ERRORS):
            await store.zrem(ADMITTED, call_sid)
    return answer, is_first


async def rescue(store: Store, keys: Keys, leg: Leg, *, worker: str, lease_ms: int, came: str = "") -> Rescue:
    """Takes it on itself to ask the carrier for a leg whose ingress is dead; `came`: what came of it."""
    step = steps.rescue(keys, leg, worker=worker, lease_ms=lease_ms, wall_ms=wall_ms(), came=came)
    return steps.read_rescue(await run(store, step))


async def read_card(store: Store, keys: Keys, call_sid: str) -> dict[str, str]:
    """The card of a call, for a view of card.py; empty if there is none."""
    return await store.hgetall_text(keys.card(call_sid))


async def read_view(store: Store, keys: Keys, call_sid: str, view: type[V]) -> V | None:
    """What a view of card.py sees of a call's card; None if there is none. Raises ContractError too."""
    found = await store.hmget(keys.card(call_sid), record.names(view))
    return None if all(value is None for value in found) else record.read_values(view, found)


async def read_number(store: Store, keys: Keys, call_sid: str) -> str:
    """The caller's number in full, for the user's own systems; empty if it is gone."""
    found = await store.hget(keys.number(call_sid), steps.NUMBER)
    return "" if found is None else found.decode(errors="replace")


async def read_person(store: Store, keys: Keys, call_sid: str) -> Person | None:
    """Who calls, as the first webhook wrote it down; None: it did not."""
    return calls.read_person(await store.hmget(keys.number(call_sid), calls.PERSON))


async def read_sound(store: Store, sound_id: str) -> bytes:
    """A sound of the user's, in whole frames; empty: the brains have told of none such."""
    return in_frames(await store.hget(sound_key(sound_id), AUDIO) or b"")


async def read_speech_book(store: Store) -> SpeechBook | None:
    """What the brains have told of the agents; None if they have not. Raises ContractError too."""
    found = await store.hget(SPEECH, BOOK)
    return None if found is None else read_speech(found)
