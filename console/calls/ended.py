"""Calls that are over: which there were, newest first, by time, number and outcome.

Why it exists: most questions about calls are asked when the call is over. Owns: reading the lanes' indexes
(written by END), what fits a question. Must not know: how anything is shown. Nothing here looks through
Redis's keys: the index is bounded, and so is what is read of it.

An index may name a call of which nothing stays any more: it is left out, and taken out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from console.calls.live import UnreadableCall
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.errors import ContractError
from shared.contract.keys import Keys
from shared.contract.views import EndedView
from shared.store.client import Store

AT_ONCE = 200
"""Cards that are read in one round trip."""

MASK = "…"
_BLANKS = str.maketrans("", "", " -().")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls are asked for."""

    since_ms: int = 0
    """Those that ended at this wall time or later."""
    number: str = ""
    """The end of the caller's or the called number; empty: any."""
    outcome: str = ""
    """How it ended; empty: in any way."""
    limit: int = 50

    @property
    def is_any(self) -> bool:
        """Whether nothing but its time is asked of a call."""
        return not (self.number or self.outcome)

    def fits(self, card: EndedView) -> bool:
        """Whether a call is one of them."""
        if card.state is not CallState.ENDED or (self.outcome and card.outcome != self.outcome):
            return False
        return not self.number or any(
            ends_with(shown, self.number) for shown in (card.from_number, card.to_number)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A call that is over."""

    call_sid: str
    ended_at_ms: int
    card: EndedView

    @property
    def lasted_ms(self) -> int:
        """From its first stream to its end."""
        return max(0, self.ended_at_ms - self.card.started_at_ms)


AnyEndedCall = EndedCall | UnreadableCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there was, newest first. `has_more`: the limit has left some out."""

    calls: list[AnyEndedCall]
    has_more: bool


def ends_with(shown: str, wanted: str) -> bool:
    """Whether a number on a card, masked or not, can be one that ends with `wanted`.

    Of a masked number only its last digits are known: a longer `wanted` fits if it ends with them.
    """
    have, want = (each.translate(_BLANKS).removeprefix(MASK).casefold() for each in (shown, wanted))
    if not have or not want:
        return False
    return have.endswith(want) or (shown.startswith(MASK) and want.endswith(have))


def duration_s(text: str) -> float:
    """A time as people write it: 90s, 30m, 1h, 2d, 1h30m. Raises ValueError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"expected a time such as 30m, 1h or 2d, got {text!r}")
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)


async def read_ended(store: Store, keys: Keys, wanted: Wanted) -> Found:
    """The newest calls that fit. Raises STORE_ERRORS. Cancelling is safe."""
    listed = await _listed(store, keys, wanted.since_ms)
    found: list[AnyEndedCall] = []
    for start in range(0, len(listed), AT_ONCE):
        found += await _fitting(store, keys, listed[start : start + AT_ONCE], wanted)
        if len(found) > wanted.limit:
            break
    return Found(calls=found[: wanted.limit], has_more=len(found) > wanted.limit)


# Private.

Listed = tuple[str, int]
"""A call, and when it ended."""


async def _listed(store: Store, keys: Keys, since_ms: int) -> list[Listed]:
    """All lanes' calls that ended since, newest first."""
    async with store.pipeline(transaction=False) as pipe:
        for lane in range(keys.lanes):
            pipe.zrevrangebyscore(keys.ended(lane), "+inf", since_ms, withscores=True)
        lanes = await pipe.execute()
    found = [(member.decode(), int(score)) for lane in lanes for member, score in lane]
    return sorted(found, key=lambda each: (-each[1], each[0]))


async def _fitting(store: Store, keys: Keys, listed: Sequence[Listed], wanted: Wanted) -> list[AnyEndedCall]:
    async with store.pipeline(transaction=False) as pipe:
        for sid, _ in listed:
            pipe.hmget(keys.card(sid), record.names(EndedView))
        cards = await pipe.execute()
    found: list[AnyEndedCall] = []
    for (sid, ended_at_ms), values in zip(listed, cards, strict=True):
        if all(value is None for value in values):
            await store.zrem(keys.ended(keys.lane(sid)), sid)
            continue
        try:
            card = record.read_values(EndedView, values)
        except ContractError as error:
            if wanted.is_any:
                found.append(UnreadableCall(call_sid=sid, fields={}, problem=str(error)))
            continue
        if wanted.fits(card):
            found.append(EndedCall(call_sid=sid, ended_at_ms=ended_at_ms, card=card))
    return found
