"""Who has a place among all calls, one function a script: ADMIT, HOLD, VACATE, DIALS.

Why it exists: the number of calls is bounded over all lanes, so it is counted once, in a slot of its own.
Owns: arguments and answers of these scripts, how long a place lasts, the bounds of a caller. Pure. Must not
know: who asks when (docs/design.md, Admission). Each is idempotent: one whose answer was lost is simply asked
again. A place is given back by a plain ZREM, behind END (shared/ownership/steps.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.contract.keys import ADMITTED, CALL_TTL_MS, COUNTED_BY, caller_day
from shared.contract.lua import scripts
from shared.contract.lua.scripts import ScriptCall
from shared.contract.streams.calls import RINGING_MS

DAY_MS: Final = 24 * 3_600_000
"""A caller's day ends now, and began so long ago."""

DAY_MOST: Final = 1000
"""Calls that a caller's day has; what comes beyond is not written down, and so not counted."""

HELD_MS: Final = CALL_TTL_MS
"""The place of a call that is on the line outlives the call, whatever a clock does: it is given back, it does
not lapse."""

COUNTED_MS: Final = 15_000
"""For so long the count is in the hands of who asked last."""

NOBODY: Final = ""
"""A caller of whom nothing is counted: who withholds their number, or where nothing is bounded."""

_SLOT: Final = ADMITTED.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerBounds:
    """What one caller may have; 0: no bound."""

    at_once: int = 0
    calls: int = 0
    """In a day, as the others."""
    minutes: int = 0
    """On the line, all calls together; a call that is on the line is not cut."""
    transfers: int = 0

    @property
    def applies(self) -> bool:
        """Whether a caller's day is kept at all."""
        return bool(self.at_once or self.calls or self.minutes or self.transfers)


UNBOUNDED: Final = CallerBounds()


@dataclass(frozen=True, slots=True)
class PlaceAnswer:
    """ADMIT's answer: `count` calls have a place, the one that asked among them; or why it has none (full,
    caller_at_once, caller_calls, caller_minutes), and how many there are of what is bounded."""

    count: int
    refused: str = ""
    had_it: bool = False
    """It was asked for before."""


def admit(call_sid: str, *, most: int, caller: str = NOBODY, bounds: CallerBounds = UNBOUNDED) -> ScriptCall:
    """A place for a call that rings, until its stream is there; refused if `most` calls have one, or if its
    caller has had what they may."""
    return _admit(call_sid, str(most), caller, bounds)


def admit_again(call_sid: str) -> ScriptCall:
    """A place for a call that is on the line, and has one unless Redis has lost it: whatever their number."""
    return _admit(call_sid, "", NOBODY, UNBOUNDED)


def read_admit(reply: Sequence[bytes]) -> PlaceAnswer:
    """Raises ValueError for what is no answer of ADMIT."""
    match [word.decode() for word in reply]:
        case ["OK", count, had_it]:
            return PlaceAnswer(int(count), had_it=had_it == "1")
        case ["FULL" | "CALLER_AT_ONCE" | "CALLER_CALLS" | "CALLER_MINUTES" as why, count]:
            return PlaceAnswer(int(count), why.lower())
    raise ValueError(f"expected OK, FULL or a bound of the caller's, got {reply!r}")


@dataclass(frozen=True, slots=True)
class OnTheLine:
    """A call that has a caller. `caller`: whose day it is in."""

    call_sid: str
    caller: str = NOBODY


def hold(calls: Sequence[OnTheLine]) -> ScriptCall:
    """These calls have their places, as long as they last."""
    words = [word for call in calls for word in (call.call_sid, call.caller)]
    return ScriptCall(_SLOT, scripts.HOLD, (ADMITTED,), (HELD_MS, CALL_TTL_MS, *words))


def read_hold(reply: Sequence[bytes]) -> int:
    """How many of them had no place. Raises ValueError for what is no answer of HOLD."""
    return _count(reply)


def vacate(places: Sequence[tuple[str, float]]) -> ScriptCall:
    """Places of calls that are over, or never came: each with the end of its lease as it was seen, ms."""
    words = [word for call_sid, ends_ms in places for word in (call_sid, f"{ends_ms:.0f}")]
    return ScriptCall(_SLOT, scripts.VACATE, (ADMITTED,), tuple(words))


def read_vacate(reply: Sequence[bytes]) -> int:
    """How many went. Raises ValueError for what is no answer of VACATE."""
    return _count(reply)


def dials(call_sid: str, *, caller: str, which: int, most: int) -> ScriptCall:
    """A caller is about to be put through. `which`: the time, which a webhook that is asked again repeats."""
    return ScriptCall(
        _SLOT, scripts.DIALS, (caller_day(caller),), (call_sid, which, most, DAY_MS, CALL_TTL_MS)
    )


def read_dials(reply: Sequence[bytes]) -> bool:
    """Whether it may. Raises ValueError for what is no answer of DIALS."""
    match [word.decode() for word in reply]:
        case ["OK" | "MANY" as said, _]:
            return said == "OK"
    raise ValueError(f"expected OK or MANY, got {reply!r}")


def lease(worker: str) -> ScriptCall:
    """The count is in `worker`'s hands from now on, unless another one has it: LEASE, as of a lane
    (shared/ownership/tidying.py)."""
    return ScriptCall(_SLOT, scripts.LEASE, (COUNTED_BY,), (worker, COUNTED_MS))


# Private.


def _admit(call_sid: str, most: str, caller: str, bounds: CallerBounds) -> ScriptCall:
    is_kept = bounds.applies and caller != NOBODY
    return ScriptCall(
        _SLOT,
        scripts.ADMIT,
        (ADMITTED, caller_day(caller)),
        (
            call_sid, most, RINGING_MS, CALL_TTL_MS, bounds.at_once, bounds.calls, bounds.minutes * 60_000,
            DAY_MS, "1" if is_kept else "0", DAY_MOST,
        ),
    )  # fmt: skip


def _count(reply: Sequence[bytes]) -> int:
    match [word.decode() for word in reply]:
        case ["OK", count]:
            return int(count)
    raise ValueError(f"expected OK and a number, got {reply!r}")
