"""All that is kept of one caller goes: on the shelf, in the folder of recordings, and in Redis, where it
stands for an hour.

Why it exists: a person may ask for it, and a call that is deleted on the shelf alone would be put there
again. The shelf remembers for a day which calls it has forgotten, since its writer may have read one just
before. Owns: which calls are meant, and that all places are told. Must not know: how a shelf is kept.

Calls that are live are left alone: they are named, to be forgotten once they are over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from console.archive.shelf import Shelf
from console.recorder.files import Folder
from shared.contract import record
from shared.contract.errors import ContractError
from shared.contract.keys import CALL_PARTS, Keys
from shared.contract.views import KeptView
from shared.store.client import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What was forgotten."""

    kept: int
    """Calls on the shelf."""
    in_redis: int
    """Calls that were over, in Redis."""
    recordings: int
    """Sounds of calls, in the folder of this host."""
    live: tuple[str, ...]
    """Calls of theirs that go on, and stay."""


async def forget_caller(
    store: Store, keys: Keys, shelf: Shelf | None, folder: Folder, tags: Collection[str], number: str
) -> Forgotten:
    """Forgets one caller, by tags of their number, or by the number in full where cards have it so. Without a
    shelf, in Redis and in the folder. Raises STORE_ERRORS, ShelfError, OSError.

    Cancelled, some of it may be gone; it can be asked again.
    """
    over, live = await _in_redis(store, keys, tags, number)
    await _delete(store, keys, over)
    listed = [] if shelf is None else await asyncio.to_thread(shelf.of_caller, tags, number)
    kept = 0 if shelf is None else await asyncio.to_thread(shelf.delete, {*listed, *over})
    sounds = await asyncio.to_thread(folder.of_caller, tags, number)
    recordings = await asyncio.to_thread(folder.delete, {*sounds, *listed, *over} - {*live})
    return Forgotten(kept=kept, in_redis=len(over), recordings=recordings, live=tuple(live))


async def forget_calls(
    store: Store, keys: Keys, shelf: Shelf | None, folder: Folder, call_sids: Sequence[str]
) -> Forgotten:
    """Forgets calls by their names, as above. Raises STORE_ERRORS, ShelfError, OSError.

    Cancelled, some may be gone.
    """
    over: list[str] = []
    live: list[str] = []
    for sid in call_sids:
        is_live = await store.zscore(keys.live(keys.lane(sid)), sid) is not None
        (live if is_live else over).append(sid)
    there = [sid for sid in over if await store.exists(keys.card(sid))]
    await _delete(store, keys, there)
    kept = 0 if shelf is None else await asyncio.to_thread(shelf.delete, over)
    recordings = await asyncio.to_thread(folder.delete, over)
    return Forgotten(kept=kept, in_redis=len(there), recordings=recordings, live=tuple(live))


# Private.


async def _in_redis(
    store: Store, keys: Keys, tags: Collection[str], number: str
) -> tuple[list[str], list[str]]:
    """Calls of this caller that are over, and that are live."""
    over: list[str] = []
    live: list[str] = []
    for lane in range(keys.lanes):
        # In this order: a call that ends between the two is in both, and not in neither.
        for key, found in ((keys.live(lane), live), (keys.ended(lane), over)):
            sids = [member.decode() for member in await store.zrange(key, 0, -1)]
            async with store.pipeline(transaction=False) as pipe:
                for sid in sids:
                    pipe.hmget(keys.card(sid), record.names(KeptView))
                cards = await pipe.execute() if sids else []
            asked = zip(sids, cards, strict=True)
            found += [sid for sid, values in asked if _is_theirs(values, tags, number)]
    return over, [sid for sid in live if sid not in over]


def _is_theirs(values: Sequence[bytes | None], tags: Collection[str], number: str) -> bool:
    try:
        view = record.read_values(KeptView, values)
    except ContractError:
        return False  # Nobody can tell whose it is; it is gone within the hour.
    return (view.caller_tag or "") in tags or view.from_number == number


async def _delete(store: Store, keys: Keys, call_sids: Sequence[str]) -> None:
    for sid in call_sids:
        await store.zrem(keys.ended(keys.lane(sid)), sid)
        await store.delete(keys.card(sid), *(keys.part(sid, part) for part in CALL_PARTS))
