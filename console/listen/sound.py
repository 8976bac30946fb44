"""What a listener hears of a call: both sides one behind the other, half a second behind the caller.

Why it exists: the sound of a call is in Redis only while somebody says that they listen, and what comes is
pieces with places. Owns: saying so again, reading on, silence where nothing came. Must not know: what plays
it, who listens.

Who dies while they listen is believed for a minute more; then ingress writes nothing any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from console.calls import live
from shared.clock import now_ms
from shared.contract.card import CallState
from shared.contract.errors import ContractError, EntryError
from shared.contract.keys import Keys
from shared.contract.streams.control import LISTEN_MS
from shared.contract.streams.tape import TapeEntry, laid_out, read_tape, samples
from shared.contract.views import Owners
from shared.ownership import steps
from shared.store.client import Store

RENEW_MS = LISTEN_MS / 3
"""Two words may be lost."""

BLOCK_MS = 1_000
CATCH_UP_MS = 2_000
"""What is further behind is not waited for any more: a listener hears the call as it is now."""


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
    run, to_ms = "", 0
    while is_wanted():
        now = now_ms()
        if now - told_at_ms >= RENEW_MS:
            if not await live.listen(store, keys, call_sid):
                if told_at_ms < 0:
                    raise NotToBeHeard("the call is over, or was never there")
                return
            told_at_ms = now
        found = await store.xread({key: place}, count=20, block=BLOCK_MS)
        if not found and await _is_over(store, keys, call_sid):
            return
        for _, entries in found or ():
            for entry_id, fields in entries:
                place = entry_id.decode()
                try:
                    entry = read_tape(fields)
                except EntryError:
                    continue  # Of a newer version; what it has of sound nobody can tell.
                if entry.run != run or not 0 <= entry.from_ms - to_ms <= CATCH_UP_MS:
                    run, to_ms = entry.run, entry.from_ms
                yield _laid(entry, to_ms)
                to_ms = entry.to_ms


# Private.


def _laid(entry: TapeEntry, from_ms: int) -> Heard:
    at, end = samples(from_ms), samples(entry.to_ms)
    return Heard(laid_out(entry.caller, at, end - at), laid_out(entry.heard, at, end - at))


async def _is_over(store: Store, keys: Keys, call_sid: str) -> bool:
    try:
        owners = await steps.read_view(store, keys, call_sid, Owners)
    except ContractError:
        return False
    return owners is None or owners.state is CallState.ENDED
