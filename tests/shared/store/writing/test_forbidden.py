"""What the user of a process may not do: kept by key, sent in order when it is granted, given up if never."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis as sync_redis

from shared import resp
from shared.clock import now_ms
from shared.contract.command import Command
from shared.contract.keys import NOWHERE
from shared.store.client import Store
from shared.store.refusals import ReplyError
from shared.store.writing import forbidden
from shared.store.writing.counters import OutboxCounters
from shared.store.writing.forbidden import KEPT_MS, ForbiddenWrites, key_of
from shared.store.writing.outbox import Outbox
from shared.store.writing.write_queue import Write
from tests.shared.ownership.test_steps import attached
from tests.shared.store.writing.test_outbox import make, say
from tests.shared.store.writing.test_outbox_refused import heard, put, refused
from tests.support.waiting import running, wait_until

NOPERM = ReplyError("NOPERM User w has no permissions to run the 'xadd' command")
USER, PASSWORD = "older-acl", "p"


@contextmanager
def user_of(url: str) -> Iterator[tuple[str, Callable[..., None]]]:
    """A user who may do all: its URL, and what changes its rules."""
    with sync_redis.Redis.from_url(url) as admin:

        def rules(*words: str) -> None:
            admin.execute_command("ACL", "SETUSER", USER, *words)

        rules("reset", "on", f">{PASSWORD}", "~tl:*", "+@all")
        yield url.replace("redis://", f"redis://{USER}:{PASSWORD}@"), rules
        admin.execute_command("ACL", "DELUSER", USER)


@pytest.fixture
async def user(redis_url: str) -> AsyncIterator[tuple[str, Callable[..., None]]]:
    """See user_of."""
    with user_of(redis_url) as made:
        yield made


async def test_an_older_acl_in_mid_call_loses_nothing(store: Store, user: tuple[str, Any]) -> None:
    """Frames of before, during and after stand in Redis as they were said; what is allowed goes on."""
    url, rules = user
    await attached(store)
    outbox, replies = make(url), list[Any]()
    async with running(outbox.run()):
        say(outbox, 1)
        assert await outbox.flushed(5)
        rules("-xadd")
        began_ms = now_ms()
        for chunk in range(2, 301):
            say(outbox, chunk)
        await refused(outbox, "NOPERM")
        put(outbox, "list", "1", replies)
        await wait_until(lambda: replies == [1], "what the user may do is done meanwhile")
        for chunk in range(301, 311):
            say(outbox, chunk)
        assert not await outbox.flushed(0.3)
        assert outbox.trouble.startswith("Redis refuses writes: NOPERM")
        assert outbox.refused is not None
        assert began_ms <= outbox.refused.since_ms == outbox.away_since_ms
        assert await heard(store) == [1]
        rules("+xadd")
        assert await outbox.flushed(5)
        say(outbox, 311)
        assert await outbox.flushed(5)
        assert (outbox.refused, outbox.trouble, outbox.backlog_bytes) == (None, "", 0)
    assert await heard(store) == list(range(1, 312))
    assert outbox.counters.reply_errors == outbox.counters.expired == 0
    assert outbox.counters.refusals == 1


async def test_it_outlives_its_connection(store: Store, user: tuple[str, Any]) -> None:
    """Killed in the middle of it: the order of a key stands."""
    url, rules = user
    await attached(store)
    outbox = make(url)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        rules("-xadd")
        for chunk in range(1, 51):
            say(outbox, chunk)
        await refused(outbox, "NOPERM")
        await store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await wait_until(lambda: outbox.counters.connects == 2, "it is connected again")
        for chunk in range(51, 101):
            say(outbox, chunk)
        rules("+xadd")
        assert await outbox.flushed(5)
    assert await heard(store) == list(range(1, 101))


async def test_a_key_that_is_forbidden_holds_up_no_other(store: Store, user: tuple[str, Any]) -> None:
    """A pattern that an older ACL never had: its writes wait by themselves."""
    url, rules = user
    outbox, replies = make(url), list[Any]()
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        rules("resetkeys", "~tl:{0}:list", f"~{NOWHERE}")
        for value in ("1", "2"):
            put(outbox, "other", value, replies)
            put(outbox, "list", value, replies)
        await wait_until(lambda: replies == [1, 2], "the other key's writes are done")
        assert await store.exists("tl:{0}:other") == 0
        rules("~tl:*")
        assert await outbox.flushed(5)
    assert replies == [1, 2, 1, 2]
    assert await store.redis.lrange("tl:{0}:other", 0, -1) == [b"1", b"2"]


async def test_what_nobody_grants_is_given_up(monkeypatch: pytest.MonkeyPatch, user: tuple[str, Any]) -> None:
    """Its writer is told, and the outbox is free again."""
    url, rules = user
    monkeypatch.setattr(forbidden, "KEPT_MS", 200.0)
    outbox, replies = make(url), list[Any]()
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        rules("-rpush")
        put(outbox, "list", "1", replies)
        await refused(outbox, "NOPERM")
        assert await outbox.flushed(5)
    assert [str(reply).partition(" ")[0] for reply in replies] == ["NOPERM"]
    assert (outbox.refused, outbox.counters.reply_errors) == (None, 1)
    assert KEPT_MS > 12_000.0, "longer than what a caller says is kept"


async def test_what_becomes_stale_is_dropped(user: tuple[str, Any]) -> None:
    """A frame of a caller is worth nothing after its time, whoever may write it then."""
    url, rules = user
    outbox: Outbox = make(url)
    async with running(outbox.run()):
        await wait_until(lambda: outbox.connected, "the outbox is connected")
        rules("-xadd")
        say(outbox, 1, max_age_ms=300.0)
        await refused(outbox, "NOPERM")
        assert await outbox.flushed(5)
    assert (outbox.counters.expired, outbox.refused) == (1, None)


async def test_the_oldest_of_each_key_is_asked_first() -> None:
    """One under way at a time; the others of its key follow in their order when it is taken."""
    sent, followed = list[Write](), list[Write]()
    writes = [Write(resp.pack([b"RPUSH", b"k", b"%d" % number]), None) for number in range(3)]
    other = Write(resp.pack([b"RPUSH", b"other", b"1"]), None)
    kept = ForbiddenWrites(
        OutboxCounters(),
        lambda _tag, write: sent.append(write),
        lambda _tag, released: followed.extend(released),
        lambda _write, _error: None,
    )
    assert kept.answered(0, writes[0], NOPERM)
    assert [kept.joins(each) for each in (*writes[1:], other)] == [True, True, False]
    await wait_until(lambda: sent == [writes[0]], "the first is asked again")
    assert kept.answered(0, writes[0], NOPERM)
    await wait_until(lambda: len(sent) == 2, "and again")
    assert not kept.answered(0, other, 1)
    assert not kept.answered(0, writes[0], 1)
    assert (followed, kept.kept_bytes, kept.refused) == (writes[1:], 0, None)
    kept.stop()


def test_the_key_of_a_command() -> None:
    """Of a script the first; none where there is none."""
    assert key_of(resp.pack(Command(0, (b"XADD", b"k", b"*", b"a", b"1")).args)) == b"k"
    assert key_of(resp.pack([b"EVALSHA", b"sha", b"2", b"k", b"l", b"1"])) == b"k"
    assert key_of(resp.pack([b"PING"])) == b""
