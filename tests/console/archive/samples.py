"""Calls that are over, as rows and as Redis has them."""

from __future__ import annotations

from console.archive.kept import KeptCall
from shared.clock import wall_ms
from shared.contract.keys import Keys
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    KeysPressed,
    ToolEntry,
    ToolState,
    history_fields,
)
from shared.ownership import steps
from shared.store.client import Store
from tests.support.redis_samples import KEYS, make_call

TAG = "a" * 32


def row(number: int, **changes: object) -> KeptCall:
    """A call that ended so many seconds after the first, but for `changes`."""
    known: dict[str, object] = {
        "call_sid": f"CA{number:032x}", "started_at_ms": number * 1_000, "ended_at_ms": number * 1_000 + 500,
        "from_number": "…89", "to_number": "…22", "caller_tag": TAG, "agent": "default",
        "outcome": "completed", "cause": "", "owed_ms": 0, "response_ms": 640, "cost_micros": 41_250,
    }  # fmt: skip
    return KeptCall(**{**known, **changes})  # type: ignore[arg-type]


SAID: tuple[HistoryEntry, ...] = (
    ItemEntry(item_id="u", role="user", text="My card is lost", final=True),
    KeysPressed(item_id="k", text="4242424242424242"),
    ToolEntry(call_id="c", name="block_card", state=ToolState.STARTED, value='{"card":"4242"}'),
    ToolEntry(call_id="c", name="block_card", state=ToolState.RESULT, value='{"done":true}'),
)


async def end_call(store: Store, sid: str, *, ago_ms: int = 60_000, keys: Keys = KEYS, **fields: str) -> None:
    """A call that ended so long ago, with what was said in it; `fields` of its card."""
    await make_call(store, sid, wall_ms() - ago_ms - 30_000, **{"agent": "default", **fields})
    for entry in SAID:
        written = history_fields(entry)
        await store.xadd(keys.history(sid), dict(zip(written[::2], written[1::2], strict=True)))
    await steps.end(store, keys, sid, outcome="completed", by="test")
    await store.hset(keys.card(sid), "ended_at_ms", wall_ms() - ago_ms)
    await store.zadd(keys.ended(keys.lane(sid)), {sid: wall_ms() - ago_ms})
