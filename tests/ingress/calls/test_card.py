"""The two scripts of ingress, on Valkey and on Redis 7."""

from __future__ import annotations

from ingress.calls.card import EPOCH_LEAP, Restored, figures_command, restore_command
from shared.contract.keys import Keys
from shared.store.client import Store
from tests.conftest import keys_without_ttl

KEYS = Keys(4)
CALL = "CA" + "1" * 32
RESTORED = Restored(
    call_sid=CALL, leg=3, stream_sid="MZ" + "2" * 32, ingress="ingress-0@h#a", caller_number="…11",
    called_number="…22", agent="", called_line="+15550001111",
    brain_epoch=1, egress_epoch=2, cut=4, last_frame=77,
)  # fmt: skip


async def figures(store: Store, leg: int) -> bytes:
    reply = await store.redis.execute_command(*figures_command(KEYS, CALL, leg, {"unsent_bytes": 5}))
    answer: bytes = reply[0]
    return answer


async def test_figures_answers(store: Store) -> None:
    """ABSENT without a card, FENCED for another leg or an ended call, else OK; nothing is created."""
    card = KEYS.card(CALL)
    assert await figures(store, 1) == b"ABSENT"
    assert not await store.exists(card)
    await store.hset(card, mapping={"state": "attached", "leg": "2"})
    assert await figures(store, 1) == b"FENCED"
    assert await figures(store, 2) == b"OK"
    assert await store.hget(card, "unsent_bytes") == b"5"
    await store.hset(card, "state", "ended")
    assert await figures(store, 2) == b"FENCED"


async def test_restore_once(store: Store, redis_url: str) -> None:
    """The card comes back with epochs that nobody has used; a second time changes nothing."""
    first = await store.redis.execute_command(*restore_command(KEYS, RESTORED, 1000))
    second = await store.redis.execute_command(*restore_command(KEYS, RESTORED, 2000))
    assert (first, second) == ([b"OK", b"1"], [b"OK", b"0"])
    card = await store.hgetall(KEYS.card(CALL))
    assert card[b"leg"] == b"3"
    assert int(card[b"brain_epoch"]) == 1 + EPOCH_LEAP
    assert int(card[b"egress_epoch"]) == 2 + EPOCH_LEAP
    assert card[b"attached_at_ms"] == b"1000"
    assert await store.xlen(KEYS.calls(KEYS.lane(CALL))) == 1
    assert await store.exists(KEYS.caller(CALL), KEYS.control(CALL), KEYS.journal(CALL)) == 3
    assert keys_without_ttl(redis_url) == []
