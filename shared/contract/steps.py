"""The rare steps of a call, one function a script: RESERVE, EXPECT, ATTACH, DETACH, DEFER, DUE, END,
RESTORE, RESCUE.

Why it exists: a script knows its arguments by their place only; here each has a name and a type, and each
answer a shape. Owns: that. Pure. Must not know: how a script is sent, what follows from its answer, who
serves a call (claiming). Each step is idempotent: one whose answer was lost is simply asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.contract.card import StreamEnd
from shared.contract.entry import whole
from shared.contract.keys import CALL_TTL_MS, ENDED_MOST, ENDED_TTL_MS, WORKER_TTL_MS, Keys
from shared.contract.lua import scripts
from shared.contract.lua.scripts import ENDED, Answer, ScriptCall, read_answer
from shared.contract.streams.calls import CALLER, PERSON_TTL_MS, RINGING_MS, Person, Ringing


@dataclass(frozen=True, slots=True)
class Reservation:
    """RESERVE's answer: the nonce of the token and its expiry, or why there is none (ended)."""

    nonce: str
    expires_at_ms: int
    refused: str = ""


def reserve(
    keys: Keys,
    call_sid: str,
    *,
    wall_ms: int,
    nonce: str,
    expires_at_ms: int,
    rings: Ringing | None = None,
    person: Person | None = None,
) -> ScriptCall:
    """The token of a call that has a place. The same answer while it is unspent. `rings`: what brains are
    told of a call that gets its first token; None: nothing. `person`: what is written down of its caller;
    None: nothing before there is a stream."""
    lane = keys.lane(call_sid)
    told = ("", "", "") if rings is None else ("1", rings.agent, rings.called)
    known = ("", "") if person is None else (person.caller, person.written)
    return ScriptCall(
        lane,
        scripts.RESERVE,
        (keys.slots(lane), keys.token(call_sid), keys.card(call_sid), keys.ringing(lane)),
        (
            call_sid, wall_ms, nonce, expires_at_ms, CALL_TTL_MS, *told, RINGING_MS, *known, PERSON_TTL_MS,
        ),
    )  # fmt: skip


def read_reserve(reply: Sequence[bytes]) -> Reservation:
    """Raises ValueError for what is no answer of RESERVE."""
    match list(reply):
        case [b"OK", bytes(nonce), bytes(expiry)]:
            return Reservation(nonce.decode(), int(expiry))
        case [b"ENDED"]:
            return Reservation("", 0, ENDED)
    raise ValueError(f"expected OK or ENDED, got {reply!r}")


def expect(keys: Keys, call_sid: str, *, worker: str, entry: str) -> ScriptCall:
    """A brain opens a session for a call that rings. `entry`: what it was handed of `ringing`, which goes."""
    lane = keys.lane(call_sid)
    return ScriptCall(
        lane,
        scripts.EXPECT,
        (keys.card(call_sid), keys.token(call_sid), keys.ringing(lane)),
        (worker, entry),
    )


def read_expect(reply: Sequence[bytes]) -> bool:
    """Whether the call is to be expected: it has a token, and no stream yet. Raises ValueError for what is no
    answer of EXPECT."""
    match list(reply):
        case [b"OK"]:
            return True
        case [b"LATE" | b"ABSENT"]:
            return False
    raise ValueError(f"expected OK, LATE or ABSENT, got {reply!r}")


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
    token_expires_s: int = 0
    """When the token that it showed expires. Of two streams of a call the newer one's expires later."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A media stream of a call, by number and by name: where Redis lost one, another may have got its
    number."""

    call_sid: str
    number: int
    stream_sid: str
    token_expires_s: int = 0
    """0: not known; then it is newer than no other."""


@dataclass(frozen=True, slots=True)
class Attached:
    """ATTACH's answer: `leg` of this media stream, or why it was refused (used, ended, older, too_many)."""

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
        (
            keys.card(sid), keys.token(sid), keys.calls(lane), keys.live(lane), keys.slots(lane),
            keys.orphans(lane), keys.deadlines(lane),
        ),
        (
            sid, stream.stream_sid, stream.ingress, wall_ms, stream.nonce, stream.caller_number,
            stream.called_number, stream.agent, CALL_TTL_MS, max_resumes, stream.called_line,
            stream.caller_line, WORKER_TTL_MS, stream.token_expires_s,
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


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a call ends that gets no other stream, and how."""

    after_ms: int
    outcome: str


def detach(
    keys: Keys,
    leg: Leg,
    *,
    ingress: str,
    cause: str,
    wall_ms: int,
    deadlines: Mapping[str, Deadline],
    stream_end: StreamEnd | None = None,
) -> ScriptCall:
    """The media stream of a leg is gone. `deadlines`: by what is planned (a card.Next); the first one stands
    for what is not named. `stream_end`: how far it came; None: whoever asks does not know."""
    lane = keys.lane(leg.call_sid)
    word = "" if stream_end is None else stream_end.word()
    args: list[str | int] = [leg.number, leg.stream_sid, ingress, cause, wall_ms, CALL_TTL_MS, word]
    for planned, deadline in deadlines.items():
        args += (planned, deadline.after_ms, deadline.outcome)
    return ScriptCall(lane, scripts.DETACH, (keys.card(leg.call_sid), keys.deadlines(lane)), tuple(args))


class GoneStream(NamedTuple):
    """DETACH's answer; where it is OK, what is planned next (a card.Next)."""

    answer: Answer
    planned: str = ""
    is_asked_for: bool = False
    """Another ingress had taken us for dead, and the carrier was asked for the call (RESCUE)."""


def read_detach(reply: object) -> GoneStream:
    """Raises ValueError."""
    answer, rest = read_answer(reply)
    if answer is not Answer.OK:
        return GoneStream(answer)
    return GoneStream(answer, rest[0].decode(), rest[1] == b"1")


# Deadlines.

DUE_MOST = 100
DUE_AGAIN_MS = 10_000
"""A call whose end was not carried out by whom was told of it, is told of again after this."""


def defer(keys: Keys, leg: Leg, deadline: Deadline) -> ScriptCall:
    """A detached call ends after this time, unless it has another stream by then: whatever DETACH wrote."""
    lane = keys.lane(leg.call_sid)
    names = (keys.card(leg.call_sid), keys.deadlines(lane))
    until = (deadline.after_ms, deadline.outcome, CALL_TTL_MS)
    return ScriptCall(lane, scripts.DEFER, names, (leg.number, leg.stream_sid, *until))


def due(keys: Keys, lane: int) -> ScriptCall:
    """The calls of a lane whose deadline has passed."""
    return ScriptCall(lane, scripts.DUE, (keys.deadlines(lane),), (DUE_MOST, DUE_AGAIN_MS))


@dataclass(frozen=True, slots=True)
class Due:
    """A call whose deadline has passed. `leg`: the one for which it stood."""

    leg: Leg
    outcome: str


def read_due(reply: Sequence[bytes]) -> list[Due]:
    """One that cannot be read is left out. Raises ValueError for what is no answer of DUE."""
    words = [word.decode(errors="replace") for word in reply]
    rows = zip(*[iter(words)] * 4, strict=True)
    return [Due(Leg(sid, int(leg), stream_sid), said) for sid, leg, stream_sid, said in rows if whole(leg)]


# The end.


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
    if_due: Leg | None = None,
    tell: bool = False,
    kept: Kept | None = None,
    cause: str = "",
) -> ScriptCall:
    """Ends a call. With `if_due`: only if a deadline still stands for that leg.
    `tell`: the user's systems are to hear of it (hooks), and the caller's number stays until they have.
    `kept`: what stays, by the settings; None: by their defaults. `cause`: why, where no plan on the card says
    it."""
    kept = kept or Kept()
    lane = keys.lane(call_sid)
    leg, stream_sid = ("", "") if if_due is None else (if_due.number, if_due.stream_sid)
    return ScriptCall(
        lane,
        scripts.END,
        (
            keys.card(call_sid), keys.live(lane), keys.slots(lane), keys.hooks(lane), keys.ended(lane),
            keys.deadlines(lane),
        ),
        (
            call_sid, outcome, by, wall_ms, kept.ttl_ms, leg, "1" if tell else "", CALL_TTL_MS, kept.most,
            cause, NUMBER_TTL_MS if tell else 0, stream_sid,
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


def rescue(keys: Keys, leg: Leg, *, worker: str, lease_ms: int, wall_ms: int, came: str = "") -> ScriptCall:
    """Takes it on itself to ask the carrier for a leg whose ingress is dead; `came`: what came of it."""
    args = (leg.number, leg.stream_sid, worker, lease_ms, came, wall_ms)
    return ScriptCall(
        keys.lane(leg.call_sid), scripts.RESCUE, (keys.card(leg.call_sid), keys.token(leg.call_sid)), args
    )


def read_rescue(reply: object) -> Rescue:
    """Raises ValueError."""
    answer, rest = read_answer(reply)
    if answer is Answer.OK:
        return Rescue(is_ours=True)
    why = rest[0].decode() if rest else ""
    if why.isdigit():
        return Rescue(is_ours=False, left_ms=max(1, int(why)))
    return Rescue(is_ours=False, is_settled=why == "settled")


NUMBER = CALLER
"""The field of the key that holds the caller's number in full."""

NUMBER_TTL_MS = 21 * 3_600_000
"""How long it stays after the end of a call that is told of: an hour longer than couriers try."""


@dataclass(frozen=True, slots=True)
class Held:
    """Who had a role of a call, as far as ingress knows. `worker` is empty where it cannot tell."""

    worker: str
    epoch: int
    claims: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What ingress knows of a live call whose card is gone, or names an older stream."""

    stream: NewStream
    leg: int
    brain: Held
    egress: Held
    cut: int
    last_frame: int
    started_at_ms: int
    """When the call's first stream was opened; wall time."""
    resumes: int


def restore(keys: Keys, call: Restored, *, wall_ms: int) -> ScriptCall:
    """Redis came back empty, or older, under a live call: the holder of its socket writes the card again. Who
    is known as an owner is rung, and claims again with a higher epoch; a role without one is an orphan."""
    stream = call.stream
    sid = stream.call_sid
    lane = keys.lane(sid)
    return ScriptCall(
        lane,
        scripts.RESTORE,
        (
            keys.card(sid), keys.orphans(lane), keys.live(lane), keys.slots(lane), keys.token(sid),
            keys.deadlines(lane),
        ),
        (
            sid, call.leg, stream.stream_sid, stream.ingress, wall_ms, stream.caller_number,
            stream.called_number, stream.agent, CALL_TTL_MS, call.brain.epoch,
            call.egress.epoch, call.cut, call.last_frame, stream.called_line,
            call.started_at_ms, call.resumes, stream.nonce, call.brain.worker,
            call.egress.worker, WORKER_TTL_MS, stream.caller_line, call.brain.claims, call.brain.attempts,
            call.egress.claims, call.egress.attempts, stream.token_expires_s,
        ),
    )  # fmt: skip
