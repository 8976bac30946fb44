"""The inbox on real servers: what it reads, from where; also after Redis was away or came back empty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.store import inbox as inboxes
from shared.store.client import Store, make_store
from shared.store.inbox import SHARE_MS, Entry, Inbox
from tests.support.reading import waiting_reads
from tests.support.servers import free_port, redis7_binary, server, valkey_binary
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to

WORKER = "brain-0@h#1"


def into(got: list[bytes]) -> Callable[[list[Entry]], None]:
    """A sink that keeps the value of each entry's one field."""
    return lambda entries: got.extend(fields[1] for _, fields in entries)


async def test_what_was_there_and_what_comes_is_read_once(store: Store, redis_url: str) -> None:
    """From the first entry on, also over a loss of the connection in between."""
    inbox, got = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1), list[bytes]()
    for value in range(50):
        await store.xadd("s", {"a": value})
    inbox.watch("s", "0", into(got))
    async with running(inbox.run()):
        await wait_until(lambda: got[-1:] == [b"49"], "the first fifty are read")
        await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for value in range(50, 100):
            await store.xadd("s", {"a": value})
        await wait_until(lambda: got[-1:] == [b"99"], "the next fifty are read")
    assert got == [b"%d" % value for value in range(100)]
    assert inbox.counters.entries == 100


async def test_many_streams_are_one_read(store: Store, redis_url: str) -> None:
    """Each sink gets its own stream's entries, and no other's."""
    inbox, found = (
        Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1),
        {f"s{n}": list[bytes]() for n in range(5)},
    )
    for key, got in found.items():
        await store.xadd(key, {"a": key})
        inbox.watch(key, "0", into(got))
    async with running(inbox.run()):
        await wait_until(lambda: all(found.values()), "all are read")
    assert found == {key: [key.encode()] for key in found}
    assert inbox.counters.reads == 1


async def turns_of(inbox: Inbox, seen: list[int], many: int) -> list[int]:
    """How many sinks were called in each turn of the loop that called any, of so many in all; `seen` grows
    with each."""
    called: list[int] = []
    async with running(inbox.run()):
        while len(seen) < many:
            before = len(seen)
            await asyncio.sleep(0)
            if len(seen) > before:
                called.append(len(seen) - before)
    return called


async def backlog(store: Store, inbox: Inbox, sink: Callable[[list[Entry]], None], *, n_entries: int) -> None:
    """Twelve streams of so many entries each."""
    for key in (f"s{n}" for n in range(12)):
        async with store.pipeline(transaction=False) as pipe:
            for _ in range(n_entries):
                pipe.xadd(key, {"a": "1"})
            await pipe.execute()
        inbox.watch(key, "0", sink)


async def test_a_great_backlog_is_handed_out_in_turns(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an absence of Redis: whatever else the loop has to do comes in between. However long they take
    here: no time passes."""
    monkeypatch.setattr(inboxes, "now_ms", lambda: 0.0)
    inbox, seen = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1), list[int]()
    await backlog(store, inbox, lambda entries: seen.append(len(entries)), n_entries=200)
    assert await turns_of(inbox, seen, 12) == [3, 3, 3, 3]  # Three streams of 200 each pass 500.
    assert inbox.counters.reads == 1


async def test_a_backlog_that_takes_long_is_handed_out_in_turns(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each share of time, however few entries there are."""
    now, seen = [0.0], list[int]()
    monkeypatch.setattr(inboxes, "now_ms", lambda: now[0])

    def sink(entries: list[Entry]) -> None:
        seen.append(len(entries))
        now[0] += SHARE_MS / 2

    inbox = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1)
    await backlog(store, inbox, sink, n_entries=1)
    assert await turns_of(inbox, seen, 12) == [2, 2, 2, 2, 2, 2]
    assert inbox.counters.reads == 1


async def test_unwatching_returns_the_position(store: Store, redis_url: str) -> None:
    """The next owner reads on from there; what is not watched is not read."""
    inbox, got = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1), list[bytes]()
    await store.xadd("s", {"a": "1"}, id="1-0")
    inbox.watch("s", "0", into(got))
    assert inbox.is_watched("s")
    async with running(inbox.run()):
        await wait_until(lambda: got == [b"1"], "the entry is read")
        assert inbox.unwatch("s") == "1-0"
        assert not inbox.is_watched("s")
        assert inbox.unwatch("s") is None


async def test_a_stream_of_ours_holds_what_is_unread(store: Store, redis_url: str) -> None:
    """What was read is deleted with the next read, which finds what came meanwhile; others' streams are left
    as they are."""
    inbox, got = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1), list[bytes]()
    for key in ("ours", "theirs"):
        await store.xadd(key, {"a": key})
    inbox.watch("ours", "0", into(got), is_ours=True)
    inbox.watch("theirs", "0", into(got))

    async def is_empty() -> bool:
        return await store.xlen("ours") == 0

    async with running(inbox.run()):
        await wait_until(is_empty, "what was read is gone")
        await store.xadd("ours", {"a": "more"})
        await wait_until(lambda: got[-1:] == [b"more"], "what came after is read")
        await wait_until(is_empty, "and gone")
        inbox.unwatch("ours")
        await store.xadd("ours", {"a": "unread"})
        await store.xadd("theirs", {"a": "last"})
        await wait_until(lambda: got[-1:] == [b"last"], "the rest is read")
    assert await store.xlen("ours") == 1
    assert await store.xlen("theirs") == 2


async def test_a_bug_of_a_sink_ends_the_inbox(store: Store, redis_url: str) -> None:
    """It is not read around: what it missed would be missed for good."""
    inbox = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1)

    def broken(_entries: list[Entry]) -> None:
        raise ValueError("a bug")

    await store.xadd("s", {"a": "1"})
    inbox.watch("s", "0", broken)
    with pytest.raises(ValueError, match="a bug"):
        await asyncio.wait_for(inbox.run(), 5)


@pytest.mark.parametrize("binary", [valkey_binary, redis7_binary])
async def test_a_redis_that_came_back_empty_is_read_from_its_first_entry(
    binary: Callable[[], str], tmp_path: Path
) -> None:
    """Its clock is behind, so that its ids are below what we had read; a stream that is not lost goes on."""
    port = free_port()
    got: list[bytes] = []

    async def add(url: str, key: str, value: str, entry_id: str) -> None:
        client = make_store(url, name="test")
        await client.xadd(key, {"a": value}, id=entry_id)
        await client.aclose()

    inbox = Inbox(way_to(f"redis://127.0.0.1:{port}/0"), name=WORKER, read_gap_ms=1)
    inbox.watch("lost", "0", into(got))
    inbox.watch("absent", "5-0", into(got))
    async with running(inbox.run()):
        with server(binary(), tmp_path, port=port) as url:
            await add(url, "lost", "1", "9000-0")
            await wait_until(lambda: got == [b"1"], "the first life is read")
        with server(binary(), tmp_path, port=port) as url:
            await add(url, "lost", "2", "100-0")
            await wait_until(lambda: got == [b"1", b"2"], "the second life is read")
            await add(url, "absent", "3", "1-0")
            await wait_until(lambda: got == [b"1", b"2", b"3"], "what was not there yet is read")
    assert inbox.counters.restarts >= 2


async def test_a_lost_connection_alone_restarts_no_stream(store: Store, redis_url: str) -> None:
    """A stream that was read to its end and trimmed empty keeps its position."""
    inbox = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1)
    got: list[bytes] = []
    inbox.watch("s", "0", into(got))
    async with running(inbox.run()):
        await store.xadd("s", {"a": "1"})
        await wait_until(lambda: got == [b"1"], "the entry is read")
        await store.xtrim("s", maxlen=0, approximate=False)
        await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await wait_until(lambda: inbox.counters.connects == 2, "it is connected again")
        await store.xadd("s", {"a": "2"})
        await wait_until(lambda: got == [b"1", b"2"], "the next entry is read")
    assert inbox.counters.restarts == 0


async def test_a_stream_watched_again_is_read_from_its_new_position(store: Store, redis_url: str) -> None:
    """The read under way was asked from another position: its entries would hide those before them."""
    inbox = Inbox(way_to(redis_url), name=WORKER, read_gap_ms=1)
    got: list[bytes] = []

    await store.xadd("s", {"a": "1"}, id="1-0")
    inbox.watch("s", "1-0", into(got))
    async with running(inbox.run()):
        await wait_until(lambda: inbox.counters.connects == 1, "it is connected")
        await wait_until(lambda: waiting_reads(store, f"{WORKER}:read"), "the blocking read is under way")
        inbox.unwatch("s")
        inbox.watch("s", "0", into(got))
        await store.xadd("s", {"a": "2"}, id="2-0")
        await wait_until(lambda: got[-1:] == [b"2"], "the new entry is read")
    assert got == [b"1", b"2"]
