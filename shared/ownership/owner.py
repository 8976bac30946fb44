"""Who owns a call: ATTACH, CLAIM, RELEASE, END, and the fenced writes of an owner.

Why it exists: a call outlives each of our processes, so that two of them may believe that they own it.
Every write of an owner is checked, in Redis and in one step, against the epoch on the call's card.

Owns: the calls of the scripts and the shapes of their answers. Must not know: what a role does with a
call, or when it should let go of it.

The rare steps (attach, claim, release, end) are awaited through redis-py; each is idempotent, so that
one whose answer was lost is simply asked again. Fenced writes go through the outbox and answer later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from redis.exceptions import NoScriptError

from shared.clock import wall_ms
from shared.contract import scripts
from shared.contract.entries import ReplyEntry, ReplyKind, Why, reply_fields
from shared.contract.keys import CALL_TTL_MS, ENDED_TTL_MS, WORKER_TTL_MS, Keys
from shared.contract.scripts import Answer, Script, read_answer
from shared.figures.counters import Counts
from shared.store.client import Store
from shared.store.outbox import Outbox

Card = dict[str, str]
"""The card's fields as text; DESIGN section 4 lists them, docs/operating.md explains them."""

TURN_MAX_ENTRIES = b"120"
"""60 s of an open turn, half a second an entry."""


@dataclass(slots=True)
class OwnershipCounters:
    """A process's calls as they come and go between owners."""

    claims: int = 0
    """Calls taken."""
    claims_refused: int = 0
    """Calls that another worker had taken first, or that were over."""
    releases: int = 0
    """Calls given back for another worker to take."""
    losses: Counts = field(default_factory=lambda: Counts("answer", ("fenced", "absent")))
    """Calls let go of because a write was refused. fenced: a newer owner has it, or it has ended; absent:
    Redis has forgotten it."""

    def lost(self, answer: Answer) -> None:
        """A call was let go of, since a fenced write got this answer."""
        if answer is not Answer.OK:
            self.losses[answer.name.lower()] += 1


@dataclass(frozen=True, slots=True)
class Attached:
    """ATTACH's answer: `leg` of this media stream, or why it was refused (used, ended, too_many)."""

    leg: int
    is_new: bool
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """CLAIM's answer. `card` is the call's card when `answer` is OK."""

    answer: Answer
    epoch: int
    card: Card


@dataclass(frozen=True, slots=True)
class Reservation:
    """RESERVE's answer: the nonce of the token and its expiry, or why there is no slot (full, ended)."""

    nonce: str
    expires_at_ms: int
    refused: str = ""


async def run_script(
    store: Store, script: Script, keys: Sequence[str], args: Sequence[str | int | bytes]
) -> Any:
    """EVALSHA, loading the script if Redis forgot it. Raises STORE_ERRORS."""
    try:
        return await cast(Any, store.evalsha(script.sha, len(keys), *keys, *args))
    except NoScriptError:
        await store.script_load(script.text)
        return await cast(Any, store.evalsha(script.sha, len(keys), *keys, *args))


async def read_card(store: Store, keys: Keys, call_sid: str) -> Card:
    """The card of a call; empty if there is none. Raises STORE_ERRORS."""
    found = await cast(Any, store.hgetall(keys.card(call_sid)))
    return {name.decode(): value.decode(errors="replace") for name, value in found.items()}


# ------------------------------------------------------------------------------------- the rare steps


async def reserve(
    store: Store, keys: Keys, call_sid: str, *, limit: int, lease_ms: int, nonce: str, expires_at_ms: int
) -> Reservation:
    """A slot in the call's lane and the token that goes with it. The same answer while it is unspent."""
    lane = keys.lane(call_sid)
    reply = await run_script(
        store,
        scripts.RESERVE,
        [keys.slots(lane), keys.token(call_sid), keys.card(call_sid)],
        [call_sid, limit, lease_ms, wall_ms(), nonce, expires_at_ms, CALL_TTL_MS],
    )
    word = reply[0].decode()
    if word != "OK":
        return Reservation("", 0, word.lower())
    return Reservation(reply[1].decode(), int(reply[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStream:
    """What ingress knows of a media stream at its `start`."""

    call_sid: str
    stream_sid: str
    ingress: str
    nonce: str
    caller_number: str
    called_number: str
    agent: str
    called_line: str = ""
    """The called number in full. It is ours, not a person's, and chooses the agent's profile."""


async def attach(store: Store, keys: Keys, stream: NewStream, *, max_resumes: int) -> Attached:
    lane = keys.lane(stream.call_sid)
    reply = await run_script(
        store,
        scripts.ATTACH,
        [
            keys.card(stream.call_sid),
            keys.token(stream.call_sid),
            keys.calls(lane),
            keys.live(lane),
            keys.slots(lane),
        ],
        [
            stream.call_sid,
            stream.stream_sid,
            stream.ingress,
            wall_ms(),
            stream.nonce,
            stream.caller_number,
            stream.called_number,
            stream.agent,
            CALL_TTL_MS,
            max_resumes,
            stream.called_line,
        ],
    )
    if reply[0] != b"OK":
        return Attached(0, False, reply[1].decode())
    return Attached(int(reply[1]), reply[2] == b"1")


async def detach(
    store: Store, keys: Keys, call_sid: str, *, leg: int, ingress: str, cause: str
) -> tuple[Answer, str]:
    """The media stream of a leg is gone. Answers what is planned next (resume, say, …), or FENCED."""
    answer, rest = read_answer(
        await run_script(store, scripts.DETACH, [keys.card(call_sid)], [leg, ingress, cause, wall_ms()])
    )
    return answer, rest[0].decode() if answer is Answer.OK else ""


async def claim(
    store: Store,
    keys: Keys,
    call_sid: str,
    *,
    role: str,
    worker: str,
    expected_owner: str = "",
    expected_epoch: int = 0,
    entry_id: str = "",
) -> Claim:
    """Takes a role of a call if the card still says what was expected. Safe to repeat."""
    lane = keys.lane(call_sid)
    answer, rest = read_answer(
        await run_script(
            store,
            scripts.CLAIM,
            [keys.card(call_sid), keys.calls(lane)],
            [role, worker, expected_owner, expected_epoch, entry_id, wall_ms(), WORKER_TTL_MS],
        )
    )
    if answer is not Answer.OK:
        return Claim(answer, 0, {})
    words = [word.decode(errors="replace") for word in rest[1:]]
    return Claim(answer, int(rest[0]), dict(zip(words[::2], words[1::2], strict=True)))


async def release(
    store: Store, keys: Keys, call_sid: str, *, role: str, worker: str, epoch: int, rival: str = ""
) -> Answer:
    """Empties the owner field, and rings the doorbell of `rival` in the same step."""
    answer, _ = read_answer(
        await run_script(
            store, scripts.RELEASE, [keys.card(call_sid)], [role, worker, epoch, wall_ms(), rival]
        )
    )
    return answer


async def end(
    store: Store,
    keys: Keys,
    call_sid: str,
    *,
    outcome: str,
    by: str,
    if_detached_leg: int | None = None,
    tell: bool = False,
) -> tuple[Answer, bool]:
    """Ends a call; True for the first comer. With `if_detached_leg`: only if that leg is still the last
    one and its stream is gone. `tell`: the user's systems are to hear of it (webhooks)."""
    lane = keys.lane(call_sid)
    leg = "" if if_detached_leg is None else if_detached_leg
    answer, rest = read_answer(
        await run_script(
            store,
            scripts.END,
            [keys.card(call_sid), keys.live(lane), keys.slots(lane), keys.hooks(lane)],
            [call_sid, outcome, by, wall_ms(), ENDED_TTL_MS, leg, "1" if tell else "", CALL_TTL_MS],
        )
    )
    return answer, answer is Answer.OK and rest[0] == b"1"


# ------------------------------------------------------------------------------------ the fenced writes

OnAnswer = Callable[[Answer], None]
"""Called with what the fence said. A refusal by Redis itself (out of memory) does not call it."""


@dataclass(slots=True)
class Owner:
    """An owner's pen: fenced writes for one call, role and epoch, all through the outbox.

    `on_fenced` is called once for each write that was refused: the owner must let go of the call.
    """

    outbox: Outbox
    keys: Keys
    call_sid: str
    role: str
    epoch: int
    on_fenced: OnAnswer

    def _write(
        self,
        script: Script,
        keys: list[str],
        args: list[bytes],
        *,
        urgent: bool,
        then: Callable[[], None] | None,
    ) -> None:
        def judge(reply: Any) -> None:
            if isinstance(reply, Exception):
                return  # Counted by the outbox; the position in the entry tells readers of the gap.
            answer, _ = read_answer(reply)
            if answer is not Answer.OK:
                self.on_fenced(answer)
            elif then is not None:
                then()

        lane = self.keys.lane(self.call_sid)
        self.outbox.script(lane, script, keys, args, on_reply=judge, urgent=urgent)

    def append(
        self,
        part: str,
        fields: Sequence[bytes],
        *,
        maxlen: int = 0,
        wake: str = "",
        why: Why = Why.CONTROL,
        create: bool = True,
        urgent: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Adds an entry to one of the call's streams; `wake` names roles whose doorbell rings with it."""
        args = [
            self.role.encode(),
            b"%d" % self.epoch,
            b"%d" % (CALL_TTL_MS if create else 0),
            b"%d" % maxlen,
            wake.encode(),
            why.value.encode(),
            *fields,
        ]
        keys = [self.keys.card(self.call_sid), self.keys.part(self.call_sid, part)]
        self._write(scripts.APPEND, keys, args, urgent=urgent, then=then)

    def reply(self, entry: ReplyEntry, *, wake: bool, then: Callable[[], None] | None = None) -> None:
        """An entry of `reply`; a flush never waits."""
        self.append(
            "reply",
            reply_fields(entry),
            wake="egress" if wake else "",
            why=Why.REPLY,
            urgent=wake or entry.kind is ReplyKind.FLUSH,
            then=then,
        )

    def trim(self, part: str, keep_from_id: str, card: dict[str, str | int] | None = None) -> None:
        """Forgets entries before `keep_from_id` ("" = none) and writes card fields, in one step."""
        args = [self.role.encode(), b"%d" % self.epoch, keep_from_id.encode()]
        for name, value in (card or {}).items():
            args += (name.encode(), str(value).encode())
        keys = [self.keys.card(self.call_sid), self.keys.part(self.call_sid, part)]
        self._write(scripts.TRIM, keys, args, urgent=False, then=None)

    def card(self, fields: dict[str, str | int], *, urgent: bool = False) -> None:
        """Writes fields of the card."""
        args = [self.role.encode(), b"%d" % self.epoch, b""]
        for name, value in fields.items():
            args += (name.encode(), str(value).encode())
        card_key = self.keys.card(self.call_sid)
        self._write(scripts.TRIM, [card_key, card_key], args, urgent=urgent, then=None)

    def move_turn(self, last_id: str) -> None:
        """Moves caller audio up to and including `last_id` ("" = none yet) into the open turn."""
        self._turn(b"move", last_id, after(last_id) if last_id else "0")

    def close_turn(self) -> None:
        """The turn is in history: its audio goes."""
        self._turn(b"close", "", "0")

    def _turn(self, op: bytes, last_id: str, keep_from_id: str) -> None:
        sid = self.call_sid
        args = [b"%d" % self.epoch, op, last_id.encode(), keep_from_id.encode(), b"%d" % CALL_TTL_MS]
        keys = [self.keys.card(sid), self.keys.caller(sid), self.keys.turn(sid)]
        self._write(scripts.TURN, keys, [*args, TURN_MAX_ENTRIES], urgent=False, then=None)


def after(entry_id: str) -> str:
    """The smallest entry id above `entry_id`: XTRIM MINID keeps what it names."""
    ms, _, seq = entry_id.partition("-")
    return f"{ms}-{int(seq or 0) + 1}"
