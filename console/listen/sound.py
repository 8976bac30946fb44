"""What a listener hears of a call: both sides one behind the other, three quarters of a second behind the
caller.

Why it exists: the sound of a call is in Redis only while somebody says that they listen, and what comes is
pieces with places: frames of the caller come before their entry's end and reach beyond it, or come late, and
stand in the next one. Owns: saying so again, reading on, waiting for what may still come, silence where
nothing came. Must not know: what plays it, who listens.

Who dies while they listen is believed for a minute more; then ingress writes nothing any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from console.calls import live
from shared.clock import now_ms
from shared.contract.card import CallState
from shared.contract.errors import ContractError, EntryError
from shared.contract.keys import Keys
from shared.contract.streams.control import LISTEN_MS
from shared.contract.streams.tape import Piece, TapeEntry, laid_out, read_tape, samples
from shared.contract.views import Owners
from shared.ownership import steps
from shared.store.client import Store

RENEW_MS = LISTEN_MS / 3
"""Two words may be lost."""

BLOCK_MS = 1_000
CATCH_UP_MS = 2_000
"""What is further behind is not waited for any more: a listener hears the call as it is now."""

HELD_MS = 200
"""So long before its end an entry is given no further: a frame that comes by as much late is in the next
one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of both sides, µ-law of 8 kHz, equally long."""

    caller: bytes
    heard: bytes


class NotToBeHeard(Exception):
    """The call cannot be listened to; the text says why."""


async def pieces(
    store: Store, keys: Keys, call_sid: str, is_wanted: Callable[[], bool] = lambda: True
) -> AsyncIterator[Heard]:
    """The sound of a live call, from now on to its end, or as long as it `is_wanted`. Raises NotToBeHeard,
    STORE_ERRORS.

    Cancelling it may be lost inside redis-py while it waits: who does so says too that it is not wanted. It
    is believed to be wanted for LISTEN_MS more at most.
    """
    key, place = keys.tape(call_sid), "$"
    told_at_ms = float("-inf")
    laying = Laying()
    while is_wanted():
        now = now_ms()
        if now - told_at_ms >= RENEW_MS:
            if not await live.listen(store, keys, call_sid):
                if told_at_ms < 0:
                    raise NotToBeHeard("the call is over, or was never there")
                break
            told_at_ms = now
        found = await store.xread({key: place}, count=20, block=BLOCK_MS)
        if not found:
            for piece in laying.rest():
                yield piece
            if await _is_over(store, keys, call_sid):
                break
        for _, entries in found or ():
            for entry_id, fields in entries:
                place = entry_id.decode()
                try:
                    entry = read_tape(fields)
                except EntryError:
                    continue  # Of a newer version; what it has of sound nobody can tell.
                for piece in laying.take(entry):
                    yield piece
    for piece in laying.rest():
        yield piece


@dataclass(slots=True)
class Laying:
    """Entries one behind the other. Pure."""

    _run: str = ""
    _number: int = 0
    """Of the entry before."""
    _told_ms: int = 0
    """Up to there its run has told."""
    _given: int = 0
    """Up to this sample of the run it was given on."""
    _caller: list[Piece] = field(default_factory=list)
    _heard: list[Piece] = field(default_factory=list)

    def take(self, entry: TapeEntry) -> list[Heard]:
        """The next entry: what may be given on by now."""
        is_other = entry.run != self._run
        if not is_other and entry.number <= self._number:
            return []  # Written twice: its writer did not hear that it was.
        given: list[Heard] = []
        floor = 0
        if is_other or entry.from_ms - self._told_ms > CATCH_UP_MS:
            given = self.rest()
            self._given, self._caller, self._heard = samples(entry.from_ms), [], []
        elif entry.from_ms > self._told_ms:
            floor = samples(entry.from_ms)  # What lies between was kept out, or is lost.
        self._run, self._number, self._told_ms = entry.run, entry.number, entry.to_ms
        self._caller += _from(entry.caller, floor)
        self._heard += _from(entry.heard, floor)
        return given + self._give(samples(entry.to_ms - HELD_MS))

    def rest(self) -> list[Heard]:
        """Nothing more comes for now: all that was told."""
        return self._give(samples(self._told_ms))

    # Private.

    def _give(self, to: int) -> list[Heard]:
        at, n_samples = self._given, to - self._given
        if n_samples <= 0:
            return []
        self._given = to
        heard = Heard(laid_out(self._caller, at, n_samples), laid_out(self._heard, at, n_samples))
        self._caller, self._heard = _from(self._caller, to), _from(self._heard, to)
        return [heard]


# Private.


def _from(pieces: Sequence[Piece], at: int) -> list[Piece]:
    """What there is of them from a place on."""
    return [Piece(max(each.at, at), each.audio[max(0, at - each.at) :]) for each in pieces if each.end > at]


async def _is_over(store: Store, keys: Keys, call_sid: str) -> bool:
    try:
        owners = await steps.read_view(store, keys, call_sid, Owners)
    except ContractError:
        return False
    return owners is None or owners.state is CallState.ENDED
