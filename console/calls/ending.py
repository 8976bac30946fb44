"""Ends a call for an operator: asks its brain, or ends it where nobody is left who could; and sees that it is
done.

Why it exists: a call that nobody has stays on the line for ever in every list, holds a place, and hears no
command. Owns: whether a brain is asked, how long that is waited for, what the operator is told of it. Must
not know: how a call is judged (trouble.py), how anything is shown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from console.calls import live
from console.calls.live import AnyCall, LiveCall, UnreadableCall
from console.calls.trouble import Hold, Holder, no_word
from shared.clock import now_ms
from shared.contract.card import CallState
from shared.contract.keys import Keys
from shared.contract.lua.scripts import Answer
from shared.contract.steps import Kept
from shared.contract.streams.control import OPERATOR
from shared.contract.streams.hooks import Event
from shared.ownership import steps
from shared.settings import Settings
from shared.store.client import Store

WITHIN_S = 8.0
"""A brain looks at its control messages once a second; then the stream is closed, and Twilio asks what comes
next."""

POLL_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the end of a call needs to know of the settings."""

    tell: bool = False
    """The user's systems are to hear of it (webhooks)."""
    kept: Kept = field(default_factory=Kept)

    @classmethod
    def of(cls, settings: Settings) -> Means:
        """By the settings."""
        return cls(tell=Event.ENDED in settings.told_events, kept=settings.kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of it. `done`: the call is over, and was not before."""

    done: bool
    words: str


def why_not_asked(call: AnyCall, *, force: bool) -> str:
    """Why no brain is asked to end a call; empty where one is."""
    if force:
        return "nobody was asked (--force)"
    if isinstance(call, UnreadableCall):
        return "its card was gone" if call.is_ghost else ""
    ingress, brain = call.standing.of("ingress"), call.standing.of("brain")
    if brain is None or ingress is None:
        return ""
    if brain.has_lost_it:
        return f"{_state(brain)}: nobody was there to be asked"
    if call.card.state is CallState.ATTACHED and ingress.is_missing:
        return f"{_state(ingress)}: nobody held its stream"
    return ""


async def hang_up(
    store: Store,
    keys: Keys,
    call: AnyCall,
    means: Means,
    *,
    force: bool = False,
    within_s: float,
) -> Ending:
    """Ends a call, and waits up to `within_s` to see it over. Raises STORE_ERRORS.

    Cancelled, it may have been asked for.
    """
    if isinstance(call, LiveCall) and call.card.state is CallState.ENDED:
        return _over(call)
    reason = why_not_asked(call, force=force)
    if reason:
        return await _end(store, keys, call, means, reason)
    sid, began_ms = call.call_sid, now_ms()
    if not await live.ask_to_hang_up(store, keys, sid):
        return _over(await live.read_call(store, keys, sid))
    asked = _brain(call)
    while now_ms() - began_ms < within_s * 1000:
        if not await live.is_listed(store, keys, sid):
            outcome = _outcome(await live.read_call(store, keys, sid))
            took_s = (now_ms() - began_ms) / 1000
            return Ending(done=True, words=f"hung up{outcome}, {took_s:.1f} s after {asked} was asked")
        await asyncio.sleep(POLL_S)
    # It may have died since: then nobody is left to be asked.
    again = next(
        (each for each in (await live.look_closely(store, keys)).calls if each.call_sid == sid), None
    )
    reason = "" if again is None else why_not_asked(again, force=False)
    if again is not None and reason:
        return await _end(store, keys, again, means, reason)
    return Ending(done=False, words=_not_done(call, asked, within_s))


# Private.


async def _end(store: Store, keys: Keys, call: AnyCall, means: Means, reason: str) -> Ending:
    sid = call.call_sid
    answer, is_first = await steps.end(
        store, keys, sid, outcome=OPERATOR, by=OPERATOR, tell=means.tell, kept=means.kept
    )
    if answer is Answer.ABSENT:
        return Ending(done=True, words=f"taken off the list of live calls, its place is free: {reason}")
    if not is_first:
        return _over(await live.read_call(store, keys, sid))
    return Ending(
        done=True, words=f"ended (outcome {OPERATOR}), its place is free: {reason}{_still_open(call)}"
    )


def _still_open(call: AnyCall) -> str:
    """The process that closes its stream, if there is one: it learns of the end with its next figures."""
    ingress = None if isinstance(call, UnreadableCall) else call.standing.of("ingress")
    if ingress is None or ingress.is_missing:
        return ""
    return f". If a caller is on it, {_short(ingress)} closes the stream within seconds"


def _over(call: AnyCall | None) -> Ending:
    return Ending(done=False, words=f"has ended{_outcome(call)}")


def _outcome(call: AnyCall | None) -> str:
    known = isinstance(call, LiveCall) and call.card.outcome
    return f" (outcome {known})" if known else ""


def _not_done(call: AnyCall, asked: str, within_s: float) -> str:
    is_away = isinstance(call, LiveCall) and call.card.state is CallState.DETACHED
    where = "the caller is on no stream of ours now" if is_away else "the call goes on"
    return (
        f"not hung up: {asked} was asked {within_s:.0f} s ago, and {where}."
        f" `trunkline show {call.call_sid}` has its journal;"
        f" `trunkline hangup {call.call_sid} --force` ends it without asking anybody."
    )


def _brain(call: AnyCall) -> str:
    holder = None if isinstance(call, UnreadableCall) else call.standing.of("brain")
    return "its brain" if holder is None else _short(holder)


def _state(holder: Holder) -> str:
    if holder.hold is Hold.NOBODY:
        return f"no {holder.role}"
    return f"{_short(holder)} is gone" if holder.hold is Hold.GONE else no_word(holder)


def _short(holder: Holder) -> str:
    """`brain-0`."""
    return holder.worker.partition("@")[0]
