"""Reads that wait for entries, as Redis shows them: whoever says that they read may not do so yet."""

from __future__ import annotations

from shared.store.client import Store


async def waiting_reads(store: Store, name: str) -> int:
    """How many clients of a name Redis has wait for entries."""
    clients = await store.redis.client_list()
    return sum(each["name"] == name and "b" in each["flags"] for each in clients)
