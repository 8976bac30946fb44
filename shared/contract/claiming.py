"""A role of a call is taken, given back, or taken from the dead: CLAIM, RELEASE, DISOWN.

Why it exists: these three decide who owns a call, and share how epochs are told apart and how often owners
may fail. Owns: their arguments and answers. Pure. Must not know: how a script is sent, what a role does with
a call, the other steps (steps). Each is idempotent: one whose answer was lost is simply asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from shared.contract.entry import whole
from shared.contract.keys import CALL_TTL_MS, WORKER_TTL_MS, Keys
from shared.contract.lua import scripts
from shared.contract.lua.scripts import Answer, Refusal, ScriptCall, read_answer, read_refusal
from shared.contract.streams.calls import Orphaned


@dataclass(frozen=True, slots=True)
class Claim:
    """CLAIM's answer. `card` is the call's card when `answer` is OK: for the views of card.py."""

    answer: Answer
    epoch: int
    card: Mapping[str, str]
    caller_number: str = field(default="", repr=False)
    """In full, for a brain; empty for the others, and where it is gone."""
    refusal: Refusal | None = None
    """Who has it instead."""

    def attempts(self, role: str) -> int:
        """How many workers in a row have taken the role, this one among them, without serving for long."""
        return whole(self.card.get(f"{role}_attempts", "")) or 0


OWN_NUMBERS = 1024


def own_number(worker: str) -> int:
    """The rest of all epochs of a worker, divided by OWN_NUMBERS: no two workers make the same one."""
    return crc32(worker.encode()) % OWN_NUMBERS


MOST_ATTEMPTS = 3
"""Owners that may fail at a call, one after another: it may be the call that ends them."""


def claim(
    keys: Keys,
    call_sid: str,
    *,
    role: str,
    worker: str,
    wall_ms: int,
    seen: int = 0,
    again: bool = False,
    new_entry: str = "",
    orphan_entry: str = "",
) -> ScriptCall:
    """Takes a role of a call that nobody has, or that Redis has lost. `seen`: the highest epoch of the role
    that the worker knows of; a new one is above it. `again`: it has the role, and wants a new one.
    `new_entry`, `orphan_entry`: what it was handed of `calls` or `orphans`."""
    lane = keys.lane(call_sid)
    return ScriptCall(
        lane,
        scripts.CLAIM,
        (keys.card(call_sid), keys.calls(lane), keys.orphans(lane)),
        (
            role, worker, seen, new_entry, orphan_entry, wall_ms, WORKER_TTL_MS, "1" if again else "",
            own_number(worker),
        ),
    )  # fmt: skip


def read_claim(reply: object) -> Claim:
    """Raises ValueError."""
    answer, rest = read_answer(reply)
    if answer is not Answer.OK:
        return Claim(answer, 0, {}, refusal=read_refusal(reply))
    number, *words = [word.decode(errors="replace") for word in rest[1:]]
    return Claim(answer, int(rest[0]), dict(zip(words[::2], words[1::2], strict=True)), number)


def release(
    keys: Keys,
    call_sid: str,
    *,
    role: str,
    worker: str,
    epoch: int,
    wall_ms: int,
    heir: str = "",
    why: Orphaned = Orphaned.RELEASED,
) -> ScriptCall:
    """Empties the owner field, so that another may claim the role: `heir`, whose doorbell rings in the same
    step, or whoever comes first."""
    lane = keys.lane(call_sid)
    return ScriptCall(
        lane,
        scripts.RELEASE,
        (keys.card(call_sid), keys.orphans(lane), keys.deadlines(lane)),
        (role, worker, epoch, wall_ms, heir, why.value, LAST_WORD_MS, CALL_TTL_MS),
    )


def disown(keys: Keys, lane: int, *, role: str, dead: str, by: str, wall_ms: int) -> ScriptCall:
    """A worker is dead: what it owned of `role` in a lane is for others to claim."""
    return ScriptCall(
        lane,
        scripts.DISOWN,
        (keys.owned(lane, dead), keys.orphans(lane), keys.deadlines(lane)),
        (role, dead, by, wall_ms, LAST_WORD_MS, CALL_TTL_MS),
    )


def read_disown(reply: Sequence[bytes]) -> list[str]:
    """The calls that it had."""
    return [word.decode() for word in reply]


LAST_WORD_MS = 5_000
"""How long a call may take to end by itself whose last word was said and whose owner is gone."""
