"""What is written while a call lives, one function a script: APPEND, TRIM, TURN, FIGURES, HOOK_AGAIN.

Why it exists: as steps.py, for what goes through the outbox and is answered later. Owns: names and types of
the scripts' arguments. Pure. Must not know: when something is written, what follows from an answer.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.contract import record
from shared.contract.entry import after
from shared.contract.keys import CALL_TTL_MS, Keys
from shared.contract.lua import scripts
from shared.contract.lua.scripts import Answer, Args, Refusal, ScriptCall, read_answer, read_refusal
from shared.contract.steps import Held, Leg
from shared.contract.streams import control, history, hooks
from shared.contract.streams.control import Message, message_fields
from shared.contract.streams.doorbell import Why
from shared.contract.streams.history import HistoryEntry, history_fields
from shared.contract.streams.hooks import Hook, hook_fields
from shared.contract.streams.reply import ReplyEntry, reply_fields


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who writes: the owner of a role of a call, by its name and epoch. Without a role only an ended call
    refuses."""

    call_sid: str
    role: str = ""
    worker: str = ""
    epoch: int = 0


def under(call: ScriptCall, epoch: int) -> ScriptCall:
    """The same write of an owner under another epoch: it has claimed the call again. What stands in the entry
    itself stays."""
    role, worker, _, *rest = call.args
    return replace(call, args=(role, worker, epoch, *rest))


# Streams.


def append_reply(keys: Keys, owner: Speaker, entry: ReplyEntry, *, wake: bool) -> ScriptCall:
    """A piece of the reply. `wake`: egress's doorbell rings with it."""
    fields = reply_fields(entry)
    return _append(
        keys, owner, keys.reply(owner.call_sid), fields, wake="egress" if wake else "", why=Why.REPLY
    )


def append_history(keys: Keys, owner: Speaker, entry: HistoryEntry) -> ScriptCall:
    """An entry of the history."""
    fields = history_fields(entry)
    return _append(keys, owner, keys.history(owner.call_sid), fields, maxlen=history.MAXLEN)


def append_control(
    keys: Keys, speaker: Speaker, message: Message, *, sender: str, number: str, wake: str
) -> ScriptCall:
    """A control message; the doorbells of the roles in `wake` ring with it ("brain", "egress" or both)."""
    epoch = speaker.epoch if speaker.role else None
    fields = message_fields(message, sender=sender, number=number, epoch=epoch)
    key = keys.control(speaker.call_sid)
    return _append(keys, speaker, key, fields, maxlen=control.MAXLEN, wake=wake, creates=False)


def _append(
    keys: Keys,
    speaker: Speaker,
    key: str,
    fields: Sequence[bytes],
    *,
    maxlen: int = 0,
    wake: str = "",
    why: Why = Why.CONTROL,
    creates: bool = True,
) -> ScriptCall:
    ttl_ms = CALL_TTL_MS if creates else 0
    who = (speaker.role, speaker.worker, speaker.epoch)
    args: Args = (*who, ttl_ms, maxlen, wake, why.value, *fields)
    return ScriptCall(keys.lane(speaker.call_sid), scripts.APPEND, (keys.card(speaker.call_sid), key), args)


# The card, and the heads of streams.


def write_card(keys: Keys, owner: Speaker, *records: object) -> ScriptCall:
    """Writes records of card.py."""
    card = keys.card(owner.call_sid)
    return _trim(keys, owner, card, "", records)


def trim_reply(keys: Keys, owner: Speaker, keep_from_id: str, *records: object) -> ScriptCall:
    """Forgets what was heard, up to `keep_from_id` ("" = nothing), and writes records of card.py, in one
    step."""
    return _trim(keys, owner, keys.reply(owner.call_sid), keep_from_id, records)


def _trim(keys: Keys, owner: Speaker, key: str, keep_from_id: str, records: Sequence[object]) -> ScriptCall:
    args: Args = (owner.role, owner.worker, owner.epoch, keep_from_id, *_flat(records))
    return ScriptCall(keys.lane(owner.call_sid), scripts.TRIM, (keys.card(owner.call_sid), key), args)


@dataclass(frozen=True, slots=True)
class CallerMove:
    """Of one call: what the model got leaves `caller` for `turn`, which is cut to what must be kept."""

    keys: tuple[str, str, str]
    """See `caller_keys`."""
    epoch: int
    last_id: str
    """The last entry that leaves; empty: none does, `turn` is only cut."""
    audio: bytes
    """What leaves, as one piece."""
    keep_from: str
    """The first entry of `turn` to keep."""


def caller_keys(keys: Keys, call_sid: str) -> tuple[str, str, str]:
    """What a move of a call touches."""
    return keys.card(call_sid), keys.caller(call_sid), keys.turn(call_sid)


def move_callers(lane: int, brain: str, moves: Sequence[CallerMove]) -> ScriptCall:
    """The moves of many calls of one lane, all of one brain, in one step."""
    names: list[str] = []
    args: list[str | int | bytes] = [CALL_TTL_MS, brain]
    for move in moves:
        names += move.keys
        first_kept = after(move.last_id) if move.last_id else ""
        args += (move.epoch, move.last_id, first_kept, move.audio, move.keep_from)
    return ScriptCall(lane, scripts.TURN, tuple(names), tuple(args))


class Moved(enum.Enum):
    """What became of a call's move, where no fence refused it."""

    DONE = "done"
    NOT_YET = "not yet"
    """Redis refused it, and nothing has moved: ask again."""


def read_moves(reply: Sequence[Sequence[bytes]]) -> list[Moved | Refusal]:
    """What became of each call's move. Raises ValueError for what is no answer of TURN."""
    return [Moved.NOT_YET if said == [b"REFUSED"] else read_refusal(said) or Moved.DONE for said in reply]


def write_leg(keys: Keys, leg: Leg, *records: object) -> ScriptCall:
    """Ingress: writes records of card.py, if the call still has this leg."""
    args: Args = (leg.number, leg.stream_sid, leg.token_expires_s, *_flat(records))
    return ScriptCall(keys.lane(leg.call_sid), scripts.FIGURES, (keys.card(leg.call_sid),), args)


@dataclass(frozen=True, slots=True)
class LegFacts:
    """What FIGURES answers of a live call: what ingress cannot know by itself."""

    started_at_ms: int
    resumes: int
    brain: Held
    egress: Held


def read_leg(reply: object) -> tuple[Answer, LegFacts | None]:
    """And what the card says, where the answer is OK and the card says all of it. Raises ValueError."""
    answer, rest = read_answer(reply)
    if answer is not Answer.OK:
        return answer, None
    started, resumes, *held = [word.decode() for word in rest]
    brain, egress = held[:4], held[4:]
    if not all((started, resumes, brain[1], egress[1])):
        return answer, None  # A card that its readers cannot read either.
    try:
        return answer, LegFacts(int(started), int(resumes), _held(*brain), _held(*egress))
    except ValueError:
        return answer, None  # The same.


# Webhooks.


def hook_again(keys: Keys, hook: Hook, *, entry_id: str, courier: str) -> ScriptCall:
    """A webhook that was not taken is written back with its due time, if the courier still has it."""
    lane = keys.lane(hook.call_sid)
    args: Args = (hooks.GROUP, entry_id, courier, hooks.MAXLEN, CALL_TTL_MS, *hook_fields(hook))
    return ScriptCall(lane, scripts.HOOK_AGAIN, (keys.hooks(lane),), args)


# Private.


def _held(worker: str, epoch: str, claims: str, attempts: str) -> Held:
    """Of a card that an older version made, claims are the epoch."""
    return Held(worker, int(epoch), int(claims or epoch), int(attempts or 0))


def _flat(records: Sequence[object]) -> list[bytes]:
    return [word for each in records for word in record.flat(each)]
