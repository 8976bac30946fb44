"""The rare steps of a call, one function a script: RESERVE, ATTACH, DETACH, CLAIM, RELEASE, END, RESTORE,
RESCUE.

Why it exists: a script knows its arguments by their place only; here each has a name and a type, and each
answer a shape. Owns: that. Pure. Must not know: how a script is sent, what follows from its answer. Each step
is idempotent: one whose answer was lost is simply asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.contract import scripts
from shared.contract.keys import CALL_TTL_MS, ENDED_MOST, ENDED_TTL_MS, WORKER_TTL_MS, Keys
from shared.contract.scripts import Answer, ScriptCall, read_answer


@dataclass(frozen=True, slots=True)
class Reservation:
    """RESERVE's answer: the nonce of the token and its expiry, or why there is no slot (full, ended)."""

    nonce: str
    expires_at_ms: int
    refused: str = ""


def reserve(
    keys: Keys, call_sid: str, *, wall_ms: int, limit: int, lease_ms: int, nonce: str, expires_at_ms: int
) -> ScriptCall:
    """A slot in the call's lane and the token that goes with it. The same answer while it is unspent."""
    lane = keys.lane(call_sid)
    return ScriptCall(
        lane,
        scripts.RESERVE,
        (keys.slots(lane), keys.token(call_sid), keys.card(call_sid)),
        (call_sid, limit, lease_ms, wall_ms, nonce, expires_at_ms, CALL_TTL_MS),
    )


def read_reserve(reply: Sequence[bytes | int]) -> Reservation:
    """Raises ValueError for what is no answer of RESERVE."""
    match list(reply):
        case [b"OK", bytes(nonce), bytes(expiry)]:
            return Reservation(nonce.decode(), int(expiry))
        case [b"FULL" | b"ENDED" as why, *_]:
            return Reservation("", 0, why.decode().lower())
    raise ValueError(f"expected OK, FULL or ENDED, got {reply!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStream:
    """What ingress knows of a media stream at its start."""

    call_sid: str
    stream_sid: str
    ingress: str
    nonce: str
    caller_number: str
    called_number: str
    agent: str
    called_line: str = ""
    """The called number in full. It is ours, not a person's, and chooses the agent's profile."""
    caller_line: str = field(default="", repr=False)
    """The caller's number in full, for tools and webhooks: it goes into a key of its own."""


@dataclass(frozen=True, slots=True)
class Attached:
    """ATTACH's answer: `leg` of this media stream, or why it was refused (used, ended, too_many)."""

    leg: int
    is_new: bool
    refused: str = ""
    owed_ms: int = 0
    """Silence that its caller had heard while sound was owed, by the card; and what for."""
    owed_cause: str = ""


def attach(keys: Keys, stream: NewStream, *, wall_ms: int, max_resumes: int) -> ScriptCall:
    """A media stream of a call has opened and showed its token."""
    sid = stream.call_sid
    lane = keys.lane(sid)
    return ScriptCall(
        lane,
        scripts.ATTACH,
        (keys.card(sid), keys.token(sid), keys.calls(lane), keys.live(lane), keys.slots(lane)),
        (
            sid, stream.stream_sid, stream.ingress, wall_ms, stream.nonce, stream.caller_number,
            stream.called_number, stream.agent, CALL_TTL_MS, max_resumes, stream.called_line,
            stream.caller_line,
        ),
    )  # fmt: skip


def read_attach(reply: Sequence[bytes]) -> Attached:
    """Raises ValueError for what is no answer of ATTACH."""
    match [word.decode() for word in reply]:
        case ["OK", leg, is_new, owed_ms, owed_cause]:
            return Attached(int(leg), is_new == "1", owed_ms=int(owed_ms), owed_cause=owed_cause)
        case ["REFUSED", why]:
            return Attached(0, False, why)
    raise ValueError(f"expected OK or REFUSED, got {reply!r}")


def detach(keys: Keys, call_sid: str, *, leg: int, ingress: str, cause: str, wall_ms: int) -> ScriptCall:
    """The media stream of a leg is gone."""
    args = (leg, ingress, cause, wall_ms)
    return ScriptCall(keys.lane(call_sid), scripts.DETACH, (keys.card(call_sid),), args)


def read_detach(reply: object) -> tuple[Answer, str]:
    """And what is planned next (a card.Next), where the answer is OK. Raises ValueError."""
    answer, rest = read_answer(reply)
    return answer, rest[0].decode() if answer is Answer.OK else ""


@dataclass(frozen=True, slots=True)
class Claim:
    """CLAIM's answer. `card` is the call's card when `answer` is OK: for the views of card.py."""

    answer: Answer
    epoch: int
    card: Mapping[str, str]
    caller_number: str = field(default="", repr=False)
    """In full, for a brain; empty for the others, and where it is gone."""


def claim(
    keys: Keys,
    call_sid: str,
    *,
    role: str,
    worker: str,
    wall_ms: int,
    expected_owner: str = "",
    expected_epoch: int = 0,
    entry_id: str = "",
) -> ScriptCall:
    """Takes a role of a call if the card still says what was expected."""
    lane = keys.lane(call_sid)
    return ScriptCall(
        lane,
        scripts.CLAIM,
        (keys.card(call_sid), keys.calls(lane)),
        (role, worker, expected_owner, expected_epoch, entry_id, wall_ms, WORKER_TTL_MS),
    )


def read_claim(reply: object) -> Claim:
    """Raises ValueError."""
    answer, rest = read_answer(reply)
    if answer is not Answer.OK:
        return Claim(answer, 0, {})
    number, *words = [word.decode(errors="replace") for word in rest[1:]]
    return Claim(answer, int(rest[0]), dict(zip(words[::2], words[1::2], strict=True)), number)


def release(
    keys: Keys, call_sid: str, *, role: str, worker: str, epoch: int, wall_ms: int, rival: str = ""
) -> ScriptCall:
    """Empties the owner field, and rings the doorbell of `rival` in the same step."""
    args = (role, worker, epoch, wall_ms, rival)
    return ScriptCall(keys.lane(call_sid), scripts.RELEASE, (keys.card(call_sid),), args)


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of calls that have ended."""

    ttl_ms: int = ENDED_TTL_MS
    """How long: card, control, journal, history."""
    most: int = ENDED_MOST
    """Calls that a lane lists; the oldest is left out."""


def end(
    keys: Keys,
    call_sid: str,
    *,
    outcome: str,
    by: str,
    wall_ms: int,
    if_detached_leg: int | None = None,
    tell: bool = False,
    kept: Kept | None = None,
    cause: str = "",
) -> ScriptCall:
    """Ends a call. With `if_detached_leg`: only if that leg is still the last one and its stream is gone.
    `tell`: the user's systems are to hear of it (hooks), and the caller's number stays until they have.
    `kept`: what stays, by the settings; None: by their defaults. `cause`: why, where no plan on the card says
    it."""
    kept = kept or Kept()
    lane = keys.lane(call_sid)
    leg = "" if if_detached_leg is None else if_detached_leg
    return ScriptCall(
        lane,
        scripts.END,
        (keys.card(call_sid), keys.live(lane), keys.slots(lane), keys.hooks(lane), keys.ended(lane)),
        (
            call_sid, outcome, by, wall_ms, kept.ttl_ms, leg, "1" if tell else "", CALL_TTL_MS, kept.most,
            cause, NUMBER_TTL_MS if tell else 0,
        ),
    )  # fmt: skip


def read_end(reply: object) -> tuple[Answer, bool]:
    """And whether we were the first comer, whose outcome stands. Raises ValueError."""
    answer, rest = read_answer(reply)
    return answer, answer is Answer.OK and rest[0] == b"1"


@dataclass(frozen=True, slots=True)
class Rescue:
    """RESCUE's answer. Neither ours nor settled, and no time left: the call is not where it was."""

    is_ours: bool
    is_settled: bool = False
    left_ms: int = 0
    """How long it is another ingress's business."""


def rescue(
    keys: Keys, call_sid: str, *, leg: int, worker: str, lease_ms: int, wall_ms: int, came: str = ""
) -> ScriptCall:
    """Takes it on itself to ask the carrier for a leg whose ingress is dead; `came`: what came of it."""
    args = (leg, worker, lease_ms, came, wall_ms)
    return ScriptCall(keys.lane(call_sid), scripts.RESCUE, (keys.card(call_sid),), args)


def read_rescue(reply: object) -> Rescue:
    """Raises ValueError."""
    answer, rest = read_answer(reply)
    if answer is Answer.OK:
        return Rescue(is_ours=True)
    why = rest[0].decode() if rest else ""
    if why.isdigit():
        return Rescue(is_ours=False, left_ms=max(1, int(why)))
    return Rescue(is_ours=False, is_settled=why == "settled")


NUMBER = "caller"
"""The one field of the key that holds the caller's number in full."""

NUMBER_TTL_MS = 21 * 3_600_000
"""How long it stays after the end of a call that is told of: an hour longer than couriers try."""

EPOCH_LEAP = 1000
"""Added to the epochs that ingress saw: it may not have seen the last of them, and they must never fall."""


@dataclass(frozen=True, slots=True)
class Held:
    """Who had a role of a call, as far as ingress knows. `worker` is empty where it cannot tell."""

    worker: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What ingress knows of a live call whose card is gone."""

    stream: NewStream
    leg: int
    brain: Held
    egress: Held
    cut: int
    last_frame: int
    started_at_ms: int
    """When the call's first stream was opened; wall time."""
    resumes: int
    attempts: int


def restore(keys: Keys, call: Restored, *, wall_ms: int) -> ScriptCall:
    """Redis came back empty under a live call: the holder of its socket writes the card again. Owners that
    are known stay owners, with a higher epoch, and are rung; a role without one is dispatched."""
    stream = call.stream
    sid = stream.call_sid
    lane = keys.lane(sid)
    return ScriptCall(
        lane,
        scripts.RESTORE,
        (keys.card(sid), keys.calls(lane), keys.live(lane), keys.slots(lane), keys.token(sid)),
        (
            sid, call.leg, stream.stream_sid, stream.ingress, wall_ms, stream.caller_number,
            stream.called_number, stream.agent, CALL_TTL_MS, call.brain.epoch + EPOCH_LEAP,
            call.egress.epoch + EPOCH_LEAP, call.cut, call.last_frame, stream.called_line,
            call.started_at_ms, call.resumes, call.attempts, stream.nonce, call.brain.worker,
            call.egress.worker, WORKER_TTL_MS, stream.caller_line,
        ),
    )  # fmt: skip
