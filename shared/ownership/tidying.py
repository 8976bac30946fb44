"""What the janitor of a lane asks of Redis, one function a script: LEASE, CONDEMN, OFFER, RELIST, FREE,
DISMISS.

Why it exists: as steps.py, for what no call asks for itself. Owns: that. Pure. Must not know: what is to be
tidied up, and when (ingress/janitor/). Each script but LEASE is refused to whoever has not the lane, and
does nothing where things are not as they were seen: it may be asked again, and too late.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from shared.contract.keys import CALL_TTL_MS, WORKER_TTL_MS, Keys
from shared.contract.lua import scripts
from shared.contract.lua.scripts import ScriptCall

LEASE_MS = 15_000
"""For so long a lane is its janitor's after he asked last."""

CONDEMNED_MS = 5_000
"""From the sentence to the end: a stream that opens meanwhile keeps the call."""


class Tidied(enum.StrEnum):
    """What became of it."""

    OK = "OK"
    FENCED = "FENCED"
    """Another one has the lane."""
    CHANGED = "CHANGED"
    """It is not as it was seen: nothing was done."""
    ABSENT = "ABSENT"
    """There is no such card."""


def lease(keys: Keys, lane: int, *, worker: str) -> ScriptCall:
    """The lane is `worker`'s from now on, unless another one has it."""
    return ScriptCall(lane, scripts.LEASE, (keys.janitor(lane),), (worker, LEASE_MS))


def read_lease(reply: Sequence[bytes]) -> str:
    """Who has the lane. Raises ValueError for what is no answer of LEASE."""
    (owner,) = reply
    return owner.decode(errors="replace")


def condemn(
    keys: Keys,
    call_sid: str,
    *,
    by: str,
    state: str,
    leg: str,
    stream_sid: str,
    ingress: str,
    outcome: str,
    why: str,
    wall_ms: int,
) -> ScriptCall:
    """The call ends soon, if it is as it was seen, unless it gets another stream by then."""
    lane = keys.lane(call_sid)
    names = (keys.janitor(lane), keys.card(call_sid), keys.deadlines(lane))
    args = (by, state, leg, stream_sid, ingress, outcome, why, CONDEMNED_MS, CALL_TTL_MS, wall_ms)
    return ScriptCall(lane, scripts.CONDEMN, names, args)


def offer(keys: Keys, call_sid: str, *, by: str, role: str, wall_ms: int) -> ScriptCall:
    """A role that nobody has goes into `orphans` again."""
    lane = keys.lane(call_sid)
    names = (keys.janitor(lane), keys.card(call_sid), keys.orphans(lane))
    return ScriptCall(lane, scripts.OFFER, names, (by, role, wall_ms))


def relist(keys: Keys, lane: int, *, by: str, worker: str, named: Sequence[str]) -> ScriptCall:
    """The list of a worker's calls says what the cards say. `named`: calls whose cards were seen to name
    it."""
    names = (keys.janitor(lane), keys.owned(lane, worker))
    return ScriptCall(lane, scripts.RELIST, names, (by, worker, WORKER_TTL_MS, *named))


def free(keys: Keys, lane: int, call_sid: str, *, by: str) -> ScriptCall:
    """The slot of a call that is not there, and its places in lists. What stands there need be no call's
    name."""
    names = (
        keys.janitor(lane), keys.slots(lane), keys.live(lane), keys.deadlines(lane),
        keys.card_in(lane, call_sid),
    )  # fmt: skip
    return ScriptCall(lane, scripts.FREE, names, (by, call_sid))


def dismiss(
    keys: Keys, lane: int, stream: str, *, by: str, group: str, consumer: str, idle_ms: int
) -> ScriptCall:
    """Takes a consumer out of its group, if it was handed nothing and has asked for nothing for so long."""
    return ScriptCall(lane, scripts.DISMISS, (keys.janitor(lane), stream), (by, group, consumer, idle_ms))


def read_tidied(reply: Sequence[bytes]) -> Tidied:
    """Raises ValueError for what is no answer of these scripts."""
    return Tidied(reply[0].decode())
