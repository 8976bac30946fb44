"""What is on its way to an ingress whose stream is not there."""

from __future__ import annotations

import pytest

from egress.calls import out_post as out_post_module
from egress.calls.out_post import OutPost
from egress.counters import RoleCounters
from shared.contract.keys import Keys
from shared.contract.streams.pairs import read_pairs
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to

KEYS = Keys(1)
INGRESS = "ingress-0@h#1"
OUT = KEYS.out(INGRESS)


async def written(store: Store) -> list[bytes]:
    """The names of all pairs that stand in the stream, in order."""
    found = []
    for _, fields in await store.xrange(OUT):
        pairs = read_pairs([word for pair in fields.items() for word in pair])
        found += list(pairs.fields[6::2])
    return found


async def test_what_has_no_stream_is_written_when_it_is_there(store: Store, redis_url: str) -> None:
    """All of it once, in its order, and what came meanwhile behind it."""
    outbox = Outbox(way_to(redis_url), name="egress-0@h#1", commit_ms=0)
    post = OutPost(outbox, KEYS, b"egress-0@h#1", RoleCounters())
    async with running(outbox.run()):
        for number in range(3):
            post.write(INGRESS, [(b"f%d" % number, b"")], False)
        await wait_until(lambda: post.counters.out_entries_void == 3, "Redis has said so")
        post.write(INGRESS, [(b"f3", b"")], False)
        await store.xadd(OUT, {"v": "0"}, maxlen=0)

        async def is_written() -> bool:
            return await store.xlen(OUT) == 4

        await wait_until(is_written, "all of it")
        post.write(INGRESS, [(b"f4", b"")], False)
        assert await outbox.flushed(5)
        assert await written(store) == [b"f0", b"f1", b"f2", b"f3", b"f4"]
        assert post._waiting == {}


async def test_an_ingress_that_is_gone_is_not_waited_for(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is kept for it."""
    monkeypatch.setattr(out_post_module, "WAIT_MS", 20.0)
    outbox = Outbox(way_to(redis_url), name="egress-0@h#1", commit_ms=0)
    post = OutPost(outbox, KEYS, b"egress-0@h#1", RoleCounters())
    async with running(outbox.run()):
        post.write(INGRESS, [(b"f0", b"")], False)
        await wait_until(lambda: post.counters.out_entries_void == 1, "Redis has said so")
        await wait_until(lambda: post._waiting == {}, "it is given up")
        assert await store.exists(OUT) == 0
